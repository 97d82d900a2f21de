// The fields of a request that offer tools: the legacy `functions` and `function_call` beside `tools` and `tool_choice`
// that take their place (spec §5.2).
#pragma once

#include "api/chat_request.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// 400 invalid_request_error when a legacy field and its successor are both given, or a function_call means nothing.
base::result<void> judge_legacy_tools(const chat_request& request);

// The list that offers the request's tools, `tools` or `functions`; null when there is none or it is empty.
const request_member* offered_tools(const chat_request& request);

bool is_empty_list(std::string_view raw);

// The `tool_choice` that stands for a valid `function_call` which is an object.
std::string forced_choice(std::string_view function_call);

}  // namespace meta_model::api
