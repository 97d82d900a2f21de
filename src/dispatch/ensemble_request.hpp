// What an ensemble cannot serve is refused before anything is asked.
#pragma once

#include "dispatch/request_context.hpp"

#include <optional>

namespace meta_model::dispatch {

// `n` other than 1, content parts that are not understood, and media that no upstream of an ensemble is asked to see.
base::maybe_error judge_ensemble_request(const request_context& context);

}  // namespace meta_model::dispatch
