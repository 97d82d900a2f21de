// What a cascade tells the client when no step answered.
#pragma once

#include "base/error.hpp"
#include "dispatch/attempt_list.hpp"
#include "dispatch/request_context.hpp"

#include <string>

namespace meta_model::dispatch {

// `cascade_exhausted`, with its header lines appended. `last`: of the step that failed last, and `last_status` as it is told
// in a header; both empty when no step was called.
base::error exhausted_cascade(
    request_context& context,
    const attempt_list& attempts,
    base::error last,
    const std::string& last_status
);

// 413: every step's window is too small, however much is cut.
base::error too_long_for_cascade();

}  // namespace meta_model::dispatch
