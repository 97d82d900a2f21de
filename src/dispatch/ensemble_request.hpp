// What an ensemble cannot serve is refused before anything is asked.
#pragma once

#include "api/chat_request.hpp"
#include "base/error.hpp"
#include "dispatch/content_parts.hpp"

namespace meta_model::dispatch {

// Tool fields of the wrong shape, `n` other than 1, and content parts that are not understood.
base::maybe_error judge_ensemble_request(
    const api::chat_request& request, const content_scan& content
);

}  // namespace meta_model::dispatch
