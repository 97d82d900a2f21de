// A client of the Messages API, for tests.
#pragma once

#include "contract/anthropic_words.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

inline request_parts messages_parts(const json& body, header_list headers = {}) {
    headers.push_back({"Content-Type", "application/json"});
    return {"POST", "/v1/messages", std::move(headers), body.dump()};
}

inline http_reply create_message(const gateway_process& gateway, const json& body) {
    return fetch(gateway.port(), messages_parts(body));
}

inline sse_transcript stream_message(const gateway_process& gateway, const json& body) {
    http_client client(gateway.port());
    client.send(request_bytes(messages_parts(with(body, {{"stream", true}}))));
    return read_transcript(client);
}

inline json message_for(const std::string& model, const json& content = "What is it?") {
    return {
        {"model", model},
        {"max_tokens", 2000},
        {"messages", {{{"role", "user"}, {"content", content}}}},
    };
}

// What a client makes of the events, as the SDK does.
inline json message_of(const sse_transcript& stream) {
    json message;
    std::string input;
    for (const auto& one : stream.events) {
        const auto e = one.json();
        EXPECT_EQ(one.type, e["type"]) << one.data;
        const auto type = one.type;
        if (type == "message_start") {
            message = e["message"];
        } else if (type == "content_block_start") {
            EXPECT_EQ(e["index"], message["content"].size());
            message["content"].push_back(e["content_block"]);
            input.clear();
        } else if (type == "content_block_delta") {
            EXPECT_EQ(e["index"], message["content"].size() - 1);
            const auto& delta = e["delta"];
            const auto kind = delta["type"].get<std::string>();
            if (kind == "input_json_delta") {
                input += delta["partial_json"].get<std::string>();
                continue;
            }
            const auto key = kind.substr(0, kind.find('_'));
            auto& text = message["content"].back()[key];
            text = text.get<std::string>() + delta[key].get<std::string>();
        } else if (type == "content_block_stop" && !input.empty()) {
            message["content"].back()["input"] = json::parse(input);
        } else if (type == "message_delta") {
            message.update(e["delta"]);
            message["usage"] = e["usage"];
        }
    }
    return message;
}

// Status, and exactly the members of Anthropic's envelope.
inline void expect_messages_error(
    const http_reply& reply,
    int status,
    const std::string& type,
    std::source_location where = std::source_location::current()
) {
    SCOPED_TRACE(std::to_string(where.line()));
    EXPECT_EQ(reply.status, status) << reply.body;
    const auto body = reply.json();
    EXPECT_EQ(body.size(), 3u) << body;
    EXPECT_EQ(body.value("type", ""), "error") << body;
    EXPECT_EQ(body["error"].value("type", ""), type) << body;
    EXPECT_EQ(body["error"].size(), 2u) << body;
    EXPECT_FALSE(body["error"].value("message", "").empty()) << body;
    EXPECT_EQ(body.value("request_id", ""), reply.header("X-MetaModel-Request-Id"));
}

}  // namespace meta_model::contract
