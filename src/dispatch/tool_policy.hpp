// Which tool calls a request authorises (spec §5.2, "Resolved mode").
#pragma once

#include "api/chat_request.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

enum class tool_mode {
    none,
    automatic,
    required,  // at least one call
    specific,  // at least one call, and all to `forced`
};

struct tool_policy {
    tool_mode mode = tool_mode::none;
    bool is_none_asked = false;  // the client itself said "none"; else there are simply no tools
    bool is_parallel = true;     // false: one call at most
    std::string forced{};
    std::vector<std::string> declared{};  // sorted

    bool is_declared(std::string_view name) const;
    bool needs_call() const { return mode == tool_mode::required || mode == tool_mode::specific; }
};

// `strips_tools`: the profile takes them all away. The request has passed api::judge_tools().
tool_policy resolve_tool_policy(const api::chat_request& request, bool strips_tools);

}  // namespace meta_model::dispatch
