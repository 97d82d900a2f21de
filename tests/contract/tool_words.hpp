// Tools and calls in a few words, as the tests of tool calls use them.
#pragma once

#include "contract/contract_test.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

inline json tool_of(const std::string& name) {
    return {
        {"type", "function"}, {"function", {{"name", name}, {"parameters", {{"type", "object"}}}}}
    };
}

// {"tools": […]} with a function for each name.
inline json declaring(const std::vector<std::string>& names) {
    json tools = json::array();
    for (const auto& name : names) {
        tools.push_back(tool_of(name));
    }
    return {{"tools", tools}};
}

inline json choosing(const std::string& name) {
    return {{"tool_choice", {{"type", "function"}, {"function", {{"name", name}}}}}};
}

// An answer that calls each of `names`, with ids `<id>_0`, `<id>_1`, …
inline answer calling(
    const std::vector<std::string>& names,
    const std::string& arguments = "{}",
    const std::string& id = "call"
) {
    answer out;
    out.message = {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::array()}};
    for (const auto& name : names) {
        const auto number = std::to_string(out.message["tool_calls"].size());
        out.message["tool_calls"].push_back(
            {{"id", id + "_" + number},
             {"type", "function"},
             {"function", {{"name", name}, {"arguments", arguments}}}}
        );
    }
    out.finish = "tool_calls";
    return out;
}

// The same in the legacy field; a whole reply, which streams it nowhere.
inline answer legacy_calling(const std::string& name) {
    answer out;
    out.message = {
        {"role", "assistant"},
        {"content", nullptr},
        {"function_call", {{"name", name}, {"arguments", "{}"}}}
    };
    out.finish = "function_call";
    out.always_json = true;
    return out;
}

// choices[0].message of a whole reply.
inline json message_of(const http_reply& reply) {
    return reply.json()["choices"][0]["message"];
}

// The names that a whole reply calls.
inline std::vector<std::string> called(const http_reply& reply) {
    std::vector<std::string> out;
    for (const auto& call : message_of(reply).value("tool_calls", json::array())) {
        out.push_back(call["function"]["name"]);
    }
    return out;
}

// The names that a stream calls.
inline std::vector<std::string> called(const sse_transcript& stream) {
    std::vector<std::string> out;
    for (const auto& chunk : stream.chunks()) {
        if (!chunk.contains("choices") || chunk["choices"].empty()) {
            continue;
        }
        for (const auto& call : chunk["choices"][0]["delta"].value("tool_calls", json::array())) {
            if (call.contains("function") && call["function"].contains("name")) {
                out.push_back(call["function"]["name"]);
            }
        }
    }
    return out;
}

inline std::string finish_of(const http_reply& reply) {
    return reply.json()["choices"][0]["finish_reason"];
}

inline std::string reason_of(const http_reply& reply) {
    return reply.header("X-MetaModel-Fallback-Reason");
}

inline std::string decision_of(const http_reply& reply) {
    return reply.header("X-MetaModel-Synth-Decision");
}

using names = std::vector<std::string>;

}  // namespace meta_model::contract
