// What the chat reader accepts becomes a Messages request that means the same: its turns alternate and hold blocks, and every
// text of the conversation stands in it.
#include "api/anthropic_request.hpp"
#include "api/chat_request.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace meta_model::api {
namespace {

using fuzz::expect;
using nlohmann::json;

bool is_blank(const std::string& text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// The texts of system messages, or of all others, joined; blank ones left out.
std::string texts_of(json messages, bool of_system) {
    std::string out;
    for (auto& m : messages) {
        const auto role = m.value("role", "");
        const bool is_system = role == "system" || role == "developer";
        if (is_system != of_system || role == "tool") {
            continue;
        }
        const bool is_refusal = role == "assistant" && m["content"].is_null();
        const auto content = is_refusal ? m.value("refusal", json()) : m["content"];
        if (content.is_string() && !is_blank(content)) {
            out += content.get<std::string>();
        }
        for (const auto& part : content.is_array() ? content : json::array()) {
            const auto text = part.is_object() && part.value("type", json()) == "text"
                                  ? part.value("text", json())
                                  : json();
            out += text.is_string() && !is_blank(text) ? text.get<std::string>() : "";
        }
    }
    return out;
}

std::string texts_of_turns(const json& turns) {
    std::string out;
    for (const auto& turn : turns) {
        for (const auto& block : turn.at("content")) {
            out += block.at("type") == "text" ? block.at("text").get<std::string>() : "";
        }
    }
    return out;
}

void check_turns(const json& turns) {
    std::string last;
    for (const auto& turn : turns) {
        const auto role = turn.at("role").get<std::string>();
        expect(role == "user" || role == "assistant", "there are two roles");
        expect(role != last, "turns alternate");
        last = role;
        expect(!turn.at("content").empty(), "no turn is empty");
        for (const auto& block : turn.at("content")) {
            expect(block.is_object() && block.at("type").is_string(), "blocks have a type");
            if (block["type"] == "tool_use") {
                expect(block.at("input").is_object(), "the input of a call is an object");
            } else if (block["type"] == "text") {
                expect(!is_blank(block.at("text")), "no text is blank");
            }
        }
    }
}

bool has_strings_only(const json& messages) {
    return std::ranges::all_of(messages, [](const auto& m) {
        const auto is_plain = [](const json& content) {
            return content.is_null() || content.is_string()
                   || (content.is_array() && std::ranges::all_of(content, [](const auto& part) {
                           return part.is_object() && part.contains("text");
                       }));
        };
        return !m.contains("content") || is_plain(m["content"]);
    });
}

void run(std::string_view text) {
    const std::string body(text);
    chat_request request;
    if (!request.parse(body, 128)) {
        return;
    }
    const auto chat = json::parse(body, nullptr, false);
    for (const auto thinking :
         {thinking_mode::off, thinking_mode::adaptive, thinking_mode::enabled}) {
        for (const bool caches : {false, true}) {
            std::string out;
            messages_request facts;
            const messages_options options{
                .max_output = 2000, .thinking = thinking, .has_prompt_caching = caches
            };
            expect(write_messages_request(body, options, out, facts), "a request is translated");
            const auto parsed = json::parse(out, nullptr, false);
            if (chat.is_discarded()) {
                continue;  // the reference refuses some valid texts
            }
            expect(!parsed.is_discarded(), "the new body is JSON");
            const auto most = parsed.at("max_tokens").get<std::int64_t>();
            expect(most >= 1 && most <= 2000, "the limit is kept");
            if (thinking == thinking_mode::enabled && parsed.contains("thinking")) {
                const auto budget = parsed["thinking"].at("budget_tokens").get<std::int64_t>();
                expect(budget >= 1024 && budget < most, "the budget leaves room");
            }
            expect(facts.is_stream == (parsed.value("stream", false)), "a stream stays one");
            check_turns(parsed.at("messages"));
            const auto& messages = chat.at("messages");
            if (!has_strings_only(messages)) {
                continue;
            }
            const auto said = texts_of(messages, false);
            const auto turns = texts_of_turns(parsed["messages"]);
            expect(turns == said || (said.empty() && !turns.empty()), "every text is there");
        }
    }
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
