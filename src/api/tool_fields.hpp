// The fields of a request that offer tools: the legacy `functions` and `function_call` beside `tools` and `tool_choice`
// that take their place (spec §5.2).
#pragma once

#include "api/chat_request.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

// 400 invalid_request_error when a legacy field and its successor are both given, or a function_call means nothing.
base::result<void> judge_legacy_tools(const chat_request& request);

// What a gateway that reads calls itself must be able to rely on: function tools only, a choice it knows, and nothing
// asked for that is not offered. 400 invalid_request_error, or feature_not_supported_in_v1 for what is not built.
// judge_legacy_tools() comes first.
base::result<void> judge_tools(const chat_request& request);

// The list that offers the request's tools, `tools` or `functions`; null when there is none or it is empty.
const request_member* offered_tools(const chat_request& request);

// The names of the tools and functions that the request offers.
std::vector<std::string> offered_names(const chat_request& request);

// The function that a `tool_choice` or `function_call` object asks for; empty when there is none.
std::string forced_name(const chat_request& request);

bool is_empty_list(std::string_view raw);

// The `tool_choice` that stands for a valid `function_call` which is an object.
std::string forced_choice(std::string_view function_call);

}  // namespace meta_model::api
