// A chat's tools as the Messages API wants them.
#pragma once

#include <string>
#include <string_view>

namespace meta_model::api {

// Appends to `out`, an open list, the tool that `element` of a chat's `tools` stands for. `keeps_schemas`: the API is told
// which tools are strict. False: it has no name, and nothing is appended.
bool append_messages_tool(std::string& out, std::string_view element, bool keeps_schemas);

}  // namespace meta_model::api
