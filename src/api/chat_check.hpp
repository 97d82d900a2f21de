// The types of what stands inside the members of a chat request: messages, tools, formats. For requests whose chat the gateway
// reads or rewrites itself; what goes to a chat server as it came is judged there.
#pragma once

#include "api/chat_request.hpp"
#include "base/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace meta_model::api {

// 400 with `param`, such as `messages[0].content[1].text`: the first member of `request`, a parsed chat, that has a wrong type
// or is missing where nothing could be done without it. Members and part types that are not known are of any shape.
base::maybe_error judge_chat_members(const chat_request& request);

// A tool, a call in the conversation or a choice of a tool that is no function.
struct foreign_tool {
    std::string_view member{};  // "tools", "messages" or "tool_choice"
    std::string place{};        // such as `messages[2].tool_calls[0]`
};

// The first one of a parsed chat.
std::optional<foreign_tool> find_foreign_tool(const chat_request& request);

}  // namespace meta_model::api
