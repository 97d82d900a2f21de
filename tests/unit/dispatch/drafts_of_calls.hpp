// Drafts and policies as the tests of tool calls use them.
#pragma once

#include "api/message.hpp"
#include "dispatch/tool_policy.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace meta_model::dispatch {

inline api::draft text_draft(std::string content, std::string finish = "stop") {
    api::draft d;
    d.content = std::move(content);
    d.finish_reason = std::move(finish);
    return d;
}

// One call for each name, with the same arguments and ids of their own.
inline api::draft calling(const std::vector<std::string>& names, std::string arguments = "{}") {
    static int id = 0;
    api::draft d;
    for (const auto& name : names) {
        d.tool_calls.push_back(
            {.id = "call_" + std::to_string(++id), .name = name, .arguments = arguments}
        );
    }
    d.finish_reason = "tool_calls";
    return d;
}

inline api::draft legacy_calling(std::string name, std::string arguments = "{}") {
    api::draft d;
    d.function_call = {.name = std::move(name), .arguments = std::move(arguments)};
    d.finish_reason = "function_call";
    return d;
}

inline tool_policy policy_of(tool_mode mode, std::vector<std::string> declared) {
    std::ranges::sort(declared);
    return {.mode = mode, .declared = std::move(declared)};
}

inline tool_policy forcing(const std::string& name, std::vector<std::string> declared) {
    auto out = policy_of(tool_mode::specific, std::move(declared));
    out.forced = name;
    return out;
}

}  // namespace meta_model::dispatch
