#include "contract/contract_test.hpp"

#include <signal.h>

namespace meta_model::contract {

namespace {

void fail_at(const std::source_location& where, const std::string& what) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << what;
}

json nullable(const std::optional<std::string>& value) {
    return value ? json(*value) : json(nullptr);
}

std::string text_of_content(const json& content) {
    if (content.is_string()) {
        return content.get<std::string>();
    }
    std::string out;
    if (content.is_array()) {
        for (const auto& part : content) {
            out += part.is_object() && part.contains("text") && part["text"].is_string()
                       ? part["text"].get<std::string>() + "\n"
                       : "";
        }
    }
    return out;
}

}  // namespace

json say(const std::string& model, const std::string& text) {
    return {{"model", model}, {"messages", json::array({{{"role", "user"}, {"content", text}}})}};
}

json say_streamed(const std::string& model, const std::string& text) {
    return with(say(model, text), {{"stream", true}});
}

json with(json body, const json& more) {
    body.update(more);
    return body;
}

request_parts chat_parts(const std::string& body, header_list headers) {
    headers.emplace_back("Content-Type", "application/json");
    return {"POST", "/v1/chat/completions", std::move(headers), body};
}

http_reply chat(const gateway_process& gateway, const json& body, header_list headers) {
    return chat_bytes(gateway, body.dump(), std::move(headers));
}

http_reply chat_bytes(
    const gateway_process& gateway, const std::string& body, header_list headers
) {
    return fetch(gateway.port(), chat_parts(body, std::move(headers)));
}

sse_transcript stream(const gateway_process& gateway, const json& body, header_list headers) {
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(body.dump(), std::move(headers))));
    return read_transcript(client);
}

http_reply get(const gateway_process& gateway, const std::string& target, header_list headers) {
    return fetch(gateway.port(), {"GET", target, std::move(headers), {}});
}

std::string answer_text(const http_reply& reply) {
    const auto body = reply.json();
    if (!body.contains("choices") || body["choices"].empty()) {
        throw client_error("not a chat completion: " + reply.body.substr(0, 300));
    }
    const auto& content = body["choices"][0]["message"]["content"];
    return content.is_string() ? content.get<std::string>() : content.dump();
}

void expect_error(
    const http_reply& reply, const expected_error& expected, std::source_location where
) {
    expect_envelope(reply, expected.status, where);
    const auto body = json::parse(reply.body, nullptr, false);
    if (!body.is_object() || !body.contains("error") || !body["error"].is_object()) {
        return;  // reported by expect_envelope
    }
    const auto& error = body["error"];
    const json wanted = {
        {"type", expected.type},
        {"code", nullable(expected.code)},
        {"param", nullable(expected.param)}
    };
    for (const auto& [key, value] : wanted.items()) {
        if (error.value(key, json("absent")) != value) {
            fail_at(where, "error." + key + " should be " + value.dump() + " in " + reply.body);
        }
    }
}

void expect_envelope(const http_reply& reply, int status, std::source_location where) {
    if (reply.status != status) {
        fail_at(
            where,
            "status should be " + std::to_string(status) + ": " + reply.start_line + " "
                + reply.body.substr(0, 400)
        );
    }
    if (reply.header("Content-Type").rfind("application/json", 0) != 0) {
        fail_at(where, "an error is JSON, not '" + reply.header("Content-Type") + "'");
    }
    if (!reply.has("X-Request-Id") || !reply.has("X-MetaModel-Request-Id")) {
        fail_at(where, "an error carries request ids");
    }
    const auto body = json::parse(reply.body, nullptr, false);
    if (!body.is_object() || body.size() != 1 || !body.contains("error")
        || !body["error"].is_object()) {
        fail_at(where, "body should be one error object: " + reply.body.substr(0, 400));
        return;
    }
    const auto& error = body["error"];
    const bool has_four = error.size() == 4 && error.contains("message") && error.contains("type")
                          && error.contains("param") && error.contains("code");
    if (!has_four || !error["message"].is_string() || error["message"].get<std::string>().empty()) {
        fail_at(
            where, "an envelope has message, type, param and code: " + reply.body.substr(0, 400)
        );
    }
}

void expect_leaving_ends_the_call(
    fake_upstream& models, const gateway_process& gateway, const json& request
) {
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(request.dump())));
    ASSERT_TRUE(models.wait_for_calls("a", 1));

    client.close();

    EXPECT_TRUE(models.wait_for_peer_close("a", cancel_limit));
    EXPECT_EQ(chat(gateway, say("b")).status, 200);
    EXPECT_EQ(models.call_count("b"), 1u) << "only the later request";
}

std::string next_content(sse_reader& reader) {
    while (const auto event = reader.next_data()) {
        const auto chunk = event->json();
        auto text = chunk["choices"].empty()
                        ? std::string()
                        : chunk["choices"][0]["delta"].value("content", std::string());
        if (!text.empty()) {
            return text;
        }
    }
    return {};
}

std::string final_log(gateway_process& gateway) {
    gateway.child().send_signal(SIGTERM);
    if (gateway.child().wait_for_exit() != 0) {
        throw client_error("the gateway did not stop cleanly");
    }
    return gateway.log();
}

bool lists(const std::string& header, const std::string& item) {
    std::size_t at = 0;
    while (at <= header.size()) {
        const auto end = std::min(header.find(',', at), header.size());
        auto entry = header.substr(at, end - at);
        entry.erase(0, entry.find_first_not_of(' '));
        if (entry == item) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

std::string all_message_text(const json& request_body) {
    std::string out;
    for (const auto& message : request_body.at("messages")) {
        out += text_of_content(message.value("content", json(nullptr))) + "\n";
    }
    return out;
}

}  // namespace meta_model::contract
