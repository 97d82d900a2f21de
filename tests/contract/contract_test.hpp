// Short words for what every contract test does: ask the gateway, look at headers and error envelopes.
#pragma once

#include "support/config_text.hpp"
#include "support/fake_upstream.hpp"
#include "support/gateway_process.hpp"
#include "support/http_client.hpp"
#include "support/sse_reader.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <source_location>
#include <string>
#include <string_view>

namespace meta_model::contract {

using namespace support;
using namespace std::chrono_literals;

// How long after a client left, or a decision fell, an upstream connection may still be open: 100 ms by design, the
// rest is for a busy machine.
inline constexpr milliseconds cancel_limit{500};

// {"model": model, "messages": [user text]}
json say(const std::string& model, const std::string& text = "What is it?");
// The same with "stream": true.
json say_streamed(const std::string& model, const std::string& text = "What is it?");
json with(json body, const json& more);

request_parts chat_parts(const std::string& body, header_list headers = {});
http_reply chat(const gateway_process& gateway, const json& body, header_list headers = {});
http_reply chat_bytes(
    const gateway_process& gateway, const std::string& body, header_list headers = {}
);
sse_transcript stream(const gateway_process& gateway, const json& body, header_list headers = {});
http_reply get(const gateway_process& gateway, const std::string& target, header_list headers = {});

// choices[0].message.content of a whole reply.
std::string answer_text(const http_reply& reply);

struct expected_error {
    int status = 0;
    std::string type{};
    std::optional<std::string> code{};   // empty: null
    std::optional<std::string> param{};  // empty: null
};

// Status, JSON content type, exactly the four keys, and their values.
void expect_error(
    const http_reply& reply,
    const expected_error& expected,
    std::source_location where = std::source_location::current()
);
// Only that the body is an envelope of ours with that status.
void expect_envelope(
    const http_reply& reply,
    int status,
    std::source_location where = std::source_location::current()
);

// A client leaves while the model `a` hangs: that call ends, and none to `b` begins.
void expect_leaving_ends_the_call(
    fake_upstream& models, const gateway_process& gateway, const json& request
);

// The content of the next data event that has some; empty when the stream ends before.
std::string next_content(sse_reader& reader);

// Stops the gateway and returns all that it logged.
std::string final_log(gateway_process& gateway);

// Whether a comma-separated header lists this item.
bool lists(const std::string& header, const std::string& item);
// All text the model was shown, joined.
std::string all_message_text(const json& request_body);

}  // namespace meta_model::contract
