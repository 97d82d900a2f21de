// The tools of a request to /v1/responses as those of a chat (spec §7.2.1).
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// Appends `,"tools":…` and `,"tool_choice":…`, each where there is something to say. `tools`, `choice`: raw JSON, empty
// when the request has none. Of `allowed_tools` the tools that are not allowed are left out, which every server
// understands. `offers`: whether any tool is offered.
base::result<void> append_chat_tools(
    std::string& out, std::string_view tools, std::string_view choice, bool& offers
);

}  // namespace meta_model::api
