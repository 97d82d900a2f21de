// A draft as the synthesizer is shown it.
#pragma once

#include "api/message.hpp"

#include <string>

namespace meta_model::dispatch {

// The visible text or refusal; then `tool_calls`, then a legacy `function_call`, as JSON with sorted keys and without ids;
// "(empty)" for nothing. Arguments above 96 KiB are cut in the middle.
std::string candidate_text(const api::draft& d);

}  // namespace meta_model::dispatch
