// A request to /v1/responses that is taken becomes a chat that the chat reader takes: every text of a user is there, and
// every call of a turn stands in one message. What was told in one form comes back in it: its own output goes in again.
#include "api/chat_request.hpp"
#include "api/responses_request.hpp"
#include "base/text.hpp"
#include "fuzz/json_reference.hpp"
#include "fuzz/property.hpp"

#include <nlohmann/json.hpp>

namespace meta_model::api {
namespace {

using fuzz::expect;
using nlohmann::json;

std::string texts_of_input(const json& input) {
    std::string out;
    const auto add_content = [&](const json& content) {
        if (content.is_string()) {
            out += content.get<std::string>();
        }
        for (const auto& part : content.is_array() ? content : json::array()) {
            out += part.is_string() ? part.get<std::string>() : "";
            out += part.is_object() && part.contains("text") && part["text"].is_string()
                           && part.value("type", "") != "input_image"
                       ? part["text"].get<std::string>()
                       : "";
        }
    };
    if (input.is_string()) {
        return input;
    }
    for (const auto& item : input.is_array() ? input : json::array()) {
        if (item.is_string()) {
            out += item.get<std::string>();
        } else if (item.value("role", json()) == "user"
                   && (item.value("type", json()).is_null() || item["type"] == "message")) {
            add_content(item.value("content", json()));
        }
    }
    return out;
}

std::string texts_of_users(const json& messages) {
    std::string out;
    for (const auto& message : messages) {
        if (message.at("role") != "user") {
            continue;
        }
        const auto& content = message.at("content");
        out += content.is_string() ? content.get<std::string>() : "";
        for (const auto& part : content.is_array() ? content : json::array()) {
            out += part.at("type") == "text" ? part.at("text").get<std::string>() : "";
        }
    }
    return out;
}

// Parts whose members mean something else, or stand twice, say other texts here than there.
bool is_plain(const json& input) {
    const auto text = input.dump();
    return text.find("input_file") == std::string::npos
           && text.find("input_audio") == std::string::npos
           && text.find("input_video") == std::string::npos
           && text.find("input_image") == std::string::npos;
}

void run(std::string_view text) {
    const std::string body(text);
    if (!base::is_valid_utf8(body)) {
        return;
    }
    responses_request request;
    if (!request.parse(body, 128)) {
        return;
    }
    const auto facts = request.facts();
    const auto echo = "{" + (facts.echo.empty() ? "" : facts.echo.substr(1)) + "}";
    const auto chat = request.chat(response_history{});
    const auto given = json::parse(body, nullptr, false);
    if (given.is_discarded()) {
        return;  // the reference refuses some valid texts
    }
    expect(!json::parse(echo, nullptr, false).is_discarded(), "what is repeated is JSON");
    if (!chat) {
        return;
    }
    const auto parsed = json::parse(*chat, nullptr, false);
    expect(!parsed.is_discarded(), "the chat is JSON");
    chat_request reader;
    const auto read = reader.parse(*chat, 128);
    expect(
        read || read.error().id == base::error_code_id::shape
            || read.error().id == base::error_code_id::invalid_json,
        "the chat's reader has its say"
    );
    bool calls_are_open = false;
    for (const auto& message : parsed.at("messages")) {
        const bool has_calls = message.contains("tool_calls");
        expect(!(calls_are_open && has_calls), "calls of a turn are one message");
        calls_are_open = has_calls;
    }
    const auto input = given.value("input", json());
    if (is_plain(input) && body.find("\\u") == std::string::npos) {
        expect(texts_of_users(parsed["messages"]) == texts_of_input(input), "every text is there");
    }
}

}  // namespace
}  // namespace meta_model::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::api::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
