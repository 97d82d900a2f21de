#include "api/completions_wire.hpp"

#include "api/sse_events.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

namespace {

using nlohmann::json;

const std::string chat_stream =
    ": heartbeat\n\n"
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})"
    "\n\n"
    R"(data: {"id":"chatcmpl-1","created":5,"model":"m","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]})"
    "\n\n"
    R"(data: {"id":"chatcmpl-1","created":5,"model":"m","choices":[{"index":0,"delta":{"content":"caf\u00e9 \"x\"\n"},"logprobs":{"content":[]},"finish_reason":null}]})"
    "\r\n\r\n"
    R"(data: {"id":"chatcmpl-1","created":5,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]})"
    "\n\n"
    R"(data: {"id":"chatcmpl-1","created":5,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
    "\n\n"
    R"(data: {"id":"chatcmpl-1","created":5,"model":"m","choices":[],"usage":{"total_tokens":3}})"
    "\n\n"
    "data: {\"error\":{\"message\":\"cut\"}}\n\n"
    "data: not json\n\n"
    "data: [DONE]\n\n";

const std::string completion_stream_text =
    ": heartbeat\n\n"
    R"(data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"text":"caf\u00e9 \"x\"\n","index":0,"logprobs":{"content":[]},"finish_reason":null}]})"
    "\n\n"
    R"(data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":null}]})"
    "\n\n"
    R"(data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]})"
    "\n\n"
    R"(data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[],"usage":{"total_tokens":3}})"
    "\n\n"
    "data: {\"error\":{\"message\":\"cut\"}}\n\n"
    "data: not json\n\n"
    "data: [DONE]\n\n";

TEST(completions_wire, a_stream_is_the_same_wherever_its_bytes_are_split) {
    const auto translated = [](const std::vector<std::string_view>& parts) {
        completion_translator replies;
        event_splitter events;
        std::string out;
        for (const auto part : parts) {
            EXPECT_TRUE(events.feed(part, [&](std::string_view event) {
                replies.take_event(event, out);
                return true;
            }));
        }
        EXPECT_EQ(events.rest(), "");
        return out;
    };
    const std::string_view stream = chat_stream;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        ASSERT_EQ(translated({stream.substr(0, cut), stream.substr(cut)}), completion_stream_text)
            << cut;
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        bytes.push_back(stream.substr(i, 1));
    }
    EXPECT_EQ(translated(bytes), completion_stream_text);
}

TEST(completions_wire, a_whole_completion_has_golden_bytes) {
    EXPECT_EQ(
        completion_of_chat(
            R"({"id":"chatcmpl-1", "object":"chat.completion","created":5,"model":"m","system_fingerprint":"fp","service_tier":"auto","choices":[{"index":0,"message":{"role":"assistant","content":"caf\u00e9 \"x\"\n","reasoning_content":"hm"},"logprobs":{"content": []},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"own": true},"x_meta_model":{"profile":"p"}})"
        ),
        R"({"id":"cmpl-1","object":"text_completion","created":5,"model":"m","system_fingerprint":"fp","choices":[{"text":"caf\u00e9 \"x\"\n","index":0,"logprobs":{"content": []},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"own": true},"x_meta_model":{"profile":"p"}})"
    );
}

TEST(completions_wire, an_id_keeps_what_is_its_own) {
    const auto id_of = [](const std::string& id) {
        const auto text =
            completion_of_chat(R"({"id":)" + id + R"(,"choices":[{"message":{"content":"x"}}]})");
        return json::parse(text)["id"].get<std::string>();
    };
    EXPECT_EQ(id_of("\"chatcmpl-x\""), "cmpl-x");
    EXPECT_EQ(id_of("\"cmpl-x\""), "cmpl-x");
    EXPECT_EQ(id_of("\"x\""), "cmpl-x");
    EXPECT_EQ(id_of("\"\""), "cmpl-?");
    EXPECT_EQ(id_of("null"), "cmpl-?");
}

TEST(completions_wire, what_a_reply_lacks_has_its_default) {
    EXPECT_EQ(
        json::parse(completion_of_chat(R"({"choices":[{"message":{"content":null}}]})")),
        json::parse(
            R"({"id":"cmpl-?","object":"text_completion","created":0,"model":"","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":null}]})"
        )
    );
}

TEST(completions_wire, what_is_no_chat_completion_is_no_completion) {
    for (const std::string text : {R"({"error":{"message":"x"}})", "[]", "{", R"({"choices":5})"}) {
        EXPECT_EQ(completion_of_chat(text), "") << text;
    }
}

TEST(completions_wire, a_prompt_takes_the_place_of_messages_and_the_rest_is_kept) {
    const auto chat = chat_of_completion(
        R"({"model":"m", "prompt" : "caf\u00e9" ,"echo":false,"suffix":null,"seed":12345678901234567890, "stop":["a"]})",
        64
    );

    ASSERT_TRUE(chat.has_value());
    EXPECT_EQ(
        *chat,
        R"({"model":"m","messages":[{"role":"user","content":"caf\u00e9"}],"seed":12345678901234567890,"stop":["a"]})"
    );
}

}  // namespace

}  // namespace meta_model::api
