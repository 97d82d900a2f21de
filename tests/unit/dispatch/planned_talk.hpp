// A conversation for tests of compaction: planned, applied to its bytes, and read again.
#pragma once

#include "dispatch/compaction_plan.hpp"
#include "upstream/prepare.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace meta_model::dispatch {

using nlohmann::json;

// An estimate that shares no code with the one under test.
inline std::int64_t tokens_of_text(const std::string& text) {
    return static_cast<std::int64_t>((text.size() * 10 + 27) / 28);
}

inline std::int64_t tokens_of_message(const json& m) {
    std::string content;
    if (m.contains("content") && m["content"].is_string()) {
        content = m["content"];
    } else if (m.contains("content") && m["content"].is_array()) {
        bool is_first = true;
        for (const auto& part : m["content"]) {
            if (part.at("type") != "text") {
                continue;
            }
            content += (is_first ? "" : "\n") + part.at("text").get<std::string>();
            is_first = false;
        }
    }
    auto out = tokens_of_text(content) + tokens_of_text(m.at("role")) + 4;
    for (const auto& call : m.value("tool_calls", json::array())) {
        const auto& f = call.at("function");
        const auto& a = f.at("arguments");
        out += tokens_of_text(f.at("name"))
               + tokens_of_text(a.is_string() ? a.get<std::string>() : a.dump()) + 10;
    }
    return out;
}

inline std::int64_t tokens_of(const json& messages) {
    std::int64_t out = 0;
    for (const auto& m : messages) {
        out += tokens_of_message(m);
    }
    return out;
}

struct talk {
    explicit talk(const json& messages)
        : body(json{{"model", "m"}, {"messages", messages}, {"seed", 7}}.dump()) {
        EXPECT_TRUE(request.parse(body, 64)) << body;
    }

    // For windows with these budgets.
    prompt_plan plan(const std::vector<std::int64_t>& budgets) const {
        std::vector<prompt_window> windows;
        for (const auto b : budgets) {
            windows.push_back({.budget = b});
        }
        return plan_prompts(request, 0, windows);
    }

    // The messages that an upstream gets, out of the bytes that would be sent.
    json sent(const leg_prompt& prompt, bool demotes = false) const {
        config::upstream u;
        u.model_id = "m";
        u.requires_leading_system_only = demotes;
        upstream::body_changes changes;
        changes.messages = prompt.edits;
        upstream::prepared_body out;
        out.prepare(request, u, changes);
        std::string text;
        for (const auto piece : out.pieces()) {
            text += piece;
        }
        EXPECT_TRUE(json::accept(text)) << text.substr(0, 2000);
        return json::parse(text).at("messages");
    }

    json sent_one(std::int64_t budget) const { return sent(plan({budget}).prompts.front()); }

    std::string body;
    api::chat_request request;
};

inline json says(const std::string& role, const std::string& text) {
    return {{"role", role}, {"content", text}};
}

inline json calls(const std::vector<std::pair<std::string, json>>& ids_and_arguments) {
    json list = json::array();
    for (const auto& [id, arguments] : ids_and_arguments) {
        list.push_back(
            {{"id", id},
             {"type", "function"},
             {"function", {{"name", "f"}, {"arguments", arguments}}}}
        );
    }
    return {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", list}};
}

inline json result(const std::string& id, const std::string& text) {
    return {{"role", "tool"}, {"tool_call_id", id}, {"content", text}};
}

inline json pairs(int count, std::size_t bytes) {
    json out = json::array();
    for (int i = 0; i < count; ++i) {
        out.push_back(says("user", std::to_string(i) + std::string(bytes, 'q')));
        out.push_back(says("assistant", std::to_string(i) + std::string(bytes, 'a')));
    }
    return out;
}

inline json joined(std::initializer_list<json> parts) {
    json out = json::array();
    for (const auto& part : parts) {
        for (const auto& m : part) {
            out.push_back(m);
        }
    }
    return out;
}

}  // namespace meta_model::dispatch
