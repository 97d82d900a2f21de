// A request of the Messages API is refused with a 400 that names a field, or becomes a chat request that the chat reader takes and
// in which every text of the conversation stands.
#include "api/anthropic_request.hpp"
#include "api/chat_request.hpp"
#include "api/messages_request.hpp"
#include "base/text.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

#include <nlohmann/json.hpp>

namespace meta_model::api {
namespace {

using fuzz::expect;
using nlohmann::json;

std::string text_of_part(const json& part) {
    return part.is_object() && part.value("type", json()) == "text" ? part.at("text") : "";
}

std::string texts_of(const json& content) {
    if (content.is_string()) {
        return content;
    }
    std::string out;
    for (const auto& part : content.is_array() ? content : json::array()) {
        out += text_of_part(part);
    }
    return out;
}

// What is said by `role`, joined; results of calls left out.
std::string said_by(const json& messages, const std::string& role) {
    std::string out;
    for (const auto& m : messages) {
        out += m.at("role") == role ? texts_of(m.at("content")) : "";
    }
    return out;
}

std::size_t count_of(const json& turns, const std::string& type) {
    std::size_t n = 0;
    for (const auto& turn : turns) {
        for (const auto& block : turn["content"].is_array() ? turn["content"] : json::array()) {
            n += block["type"] == type ? 1 : 0;
        }
    }
    return n;
}

void check(const json& client, const json& chat) {
    const auto& turns = client.at("messages");
    const auto& messages = chat.at("messages");
    for (const auto* const role : {"user", "assistant"}) {
        expect(said_by(turns, role) == said_by(messages, role), "every text is there");
    }
    std::size_t calls = 0;
    std::size_t results = 0;
    for (const auto& m : messages) {
        calls += m.contains("tool_calls") ? m["tool_calls"].size() : 0;
        results += m.at("role") == "tool" ? 1 : 0;
    }
    expect(calls == count_of(turns, "tool_use"), "every call is there");
    expect(results == count_of(turns, "tool_result"), "every result is there");
}

void run(std::string_view text) {
    const std::string body(text);
    if (!base::is_valid_utf8(body)) {
        return;  // refused before it is read
    }
    static_cast<void>(judge_count_tokens(body, 128));
    const auto chat = chat_of_messages(body, 128);
    if (!chat) {
        const auto& e = chat.error();
        expect(e.http_status() == 400, "what is wrong is a 400");
        expect(
            e.id == base::error_code_id::invalid_json || e.message.starts_with(e.param + ": "),
            "and names its field"
        );
        return;
    }
    chat_request request;
    if (const auto parsed = request.parse(*chat, 160); !parsed) {
        expect(
            parsed.error().param.starts_with("x_meta_model") || parsed.error().param == "model",
            "the chat reader takes it"
        );
        return;
    }
    const auto client = json::parse(body, nullptr, false);
    const auto written = json::parse(*chat, nullptr, false);
    if (client.is_discarded() || written.is_discarded()) {
        expect(client.is_discarded() == written.is_discarded(), "the chat's body is JSON");
        return;
    }
    check(client, written);
    std::string back;
    messages_request facts;
    expect(
        write_messages_request(*chat, {.max_output = 2000}, back, facts),
        "it can be translated back"
    );
    expect(!json::parse(back, nullptr, false).is_discarded(), "which is JSON too");
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
