// Names of calls as models mean them: without the control tokens that some chat templates leave in them (spec §5.3).
#pragma once

#include "api/message.hpp"

#include <string>
#include <string_view>

namespace meta_model::dispatch {

// Without `<|…|>` and the letters that follow it, without an unterminated `<|…`, trimmed. Other names are unchanged.
std::string clean_call_name(std::string_view name);

// Cleans the names of all calls of a draft. A call without a name is no call and goes.
void clean_call_names(api::draft& d);

}  // namespace meta_model::dispatch
