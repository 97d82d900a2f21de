// Replies to a Messages request, as bytes.
#include "api/messages_stream.hpp"
#include "api/sse_events.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

namespace {

using nlohmann::json;

std::string event(const std::string& data) {
    return "data: " + data + "\n\n";
}

std::string chunk(
    const std::string& delta, const std::string& finish = "null", const std::string& more = ""
) {
    return event(
        R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":)"
        + delta + R"(,"finish_reason":)" + finish + more + "}]}"
    );
}

std::string call_delta(int index, const std::string& rest) {
    return chunk(R"({"tool_calls":[{"index":)" + std::to_string(index) + "," + rest + "}]}");
}

std::string translated(const std::vector<std::string_view>& parts) {
    messages_translator replies("req-1");
    event_splitter events;
    std::string out;
    for (const auto part : parts) {
        EXPECT_TRUE(events.feed(part, [&](std::string_view one) {
            replies.take_event(one, out);
            return true;
        }));
    }
    EXPECT_EQ(events.rest(), "");
    replies.end(out);
    return out;
}

const std::string done = "data: [DONE]\n\n";

// The data of all events, each also under its own name.
std::vector<json> events_of(const std::string& stream) {
    std::vector<json> out;
    event_splitter events;
    std::string storage;
    events.feed(stream, [&](std::string_view one) {
        const auto data = json::parse(event_data(one, storage));
        EXPECT_TRUE(one.starts_with("event: " + data["type"].get<std::string>() + "\n")) << one;
        out.push_back(data);
        return true;
    });
    return out;
}

// The message that a client builds of the events, which must be in their order.
json message_of(const std::string& stream) {
    json message;
    bool is_open = false;
    bool is_stopped = false;
    std::string input;
    for (const auto& e : events_of(stream)) {
        const auto type = e["type"].get<std::string>();
        EXPECT_FALSE(is_stopped) << e;
        if (type == "ping") {
            continue;
        }
        if (type == "message_start") {
            EXPECT_TRUE(message.is_null());
            message = e["message"];
            continue;
        }
        auto& content = message["content"];
        if (type == "content_block_start") {
            EXPECT_FALSE(is_open);
            EXPECT_EQ(e["index"], content.size());
            is_open = true;
            content.push_back(e["content_block"]);
            input.clear();
        } else if (type == "content_block_delta") {
            EXPECT_TRUE(is_open);
            EXPECT_EQ(e["index"], content.size() - 1);
            const auto& delta = e["delta"];
            const auto kind = delta["type"].get<std::string>();
            if (kind == "input_json_delta") {
                input += delta["partial_json"].get<std::string>();
            } else {
                const auto key = kind.substr(0, kind.find('_'));
                auto& text = content.back()[key];
                text = text.get<std::string>() + delta[key].get<std::string>();
            }
        } else if (type == "content_block_stop") {
            EXPECT_TRUE(is_open);
            is_open = false;
            if (!input.empty()) {
                content.back()["input"] = json::parse(input);
            }
        } else if (type == "message_delta") {
            EXPECT_FALSE(is_open);
            message.update(e["delta"]);
            message["usage"] = e["usage"];
        } else if (type == "message_stop") {
            is_stopped = true;
        } else {
            message["error"] = e;
        }
    }
    return message;
}

const std::string chat_stream =
    ": heartbeat\n\n" + chunk(R"({"role":"assistant","content":""})")
    + chunk(R"({"reasoning_content":"h\u00e9"})") + chunk(R"({"reasoning_content":"m\n"})")
    + chunk(
        R"({"thinking_blocks":[{"type":"thinking","thinking":"h\u00e9m\n","signature":"c2ln+/="}]})"
    )
    + chunk(R"({"thinking_blocks":[{"type":"redacted_thinking","data":"RXRl"}]})")
    + "data: "
      R"({"id":"chatcmpl-1","model":"m","choices":[{"index":0,"delta":{"content":"caf\u00e9 \"x\"\n"},"finish_reason":null}]})"
      "\r\n\r\n"
    + call_delta(
        0, R"("id":"toolu_1","type":"function","function":{"name":"weather","arguments":""})"
    )
    + call_delta(0, R"("function":{"arguments":"{\"at\":"})")
    + call_delta(0, R"("function":{"arguments":"\"x\"}"})")
    + event(R"({"choices":[],"x_meta_model":{"progress":{"state":"done"}}})")
    + chunk("{}", R"("tool_calls")")
    + event(
        R"({"choices":[],"usage":{"prompt_tokens":15,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":1}}})"
    )
    + "data: not json\n\n" + done;

const std::string messages_stream_text =
    "event: ping\ndata: {\"type\":\"ping\"}\n\n"
    "event: message_start\n"
    R"(data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}})"
    "\n\nevent: content_block_start\n"
    R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})"
    "\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h\u00e9"}})"
    "\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m\n"}})"
    "\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln+/="}})"
    "\n\nevent: content_block_stop\n"
    R"(data: {"type":"content_block_stop","index":0})"
    "\n\nevent: content_block_start\n"
    R"(data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"RXRl"}})"
    "\n\nevent: content_block_stop\n"
    R"(data: {"type":"content_block_stop","index":1})"
    "\n\nevent: content_block_start\n"
    R"(data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}})"
    "\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"caf\u00e9 \"x\"\n"}})"
    "\n\nevent: content_block_stop\n"
    R"(data: {"type":"content_block_stop","index":2})"
    "\n\nevent: content_block_start\n"
    R"(data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}})"
    "\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"at\":"}})"
    "\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\"x\"}"}})"
    "\n\nevent: ping\n"
    R"(data: {"type":"ping","x_meta_model":{"progress":{"state":"done"}}})"
    "\n\nevent: content_block_stop\n"
    R"(data: {"type":"content_block_stop","index":3})"
    "\n\nevent: message_delta\n"
    R"(data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":11,"cache_creation_input_tokens":1,"cache_read_input_tokens":3,"output_tokens":7}})"
    "\n\nevent: message_stop\n"
    R"(data: {"type":"message_stop"})"
    "\n\n";

TEST(messages_wire, a_stream_is_the_same_wherever_its_bytes_are_split) {
    const std::string_view stream = chat_stream;
    ASSERT_EQ(translated({stream}), messages_stream_text);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        ASSERT_EQ(translated({stream.substr(0, cut), stream.substr(cut)}), messages_stream_text)
            << cut;
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        bytes.push_back(stream.substr(i, 1));
    }
    EXPECT_EQ(translated(bytes), messages_stream_text);
}

TEST(messages_wire, calls_that_come_side_by_side_are_blocks_behind_each_other) {
    const auto first = R"("id":"a","type":"function","function":{"name":"one","arguments":""})";
    const auto second = R"("id":"b","type":"function","function":{"name":"two","arguments":"{"})";
    const auto out = translated(
        {chunk(R"({"content":"so"})") + call_delta(0, first) + call_delta(1, second)
         + call_delta(0, R"("function":{"arguments":"{\"x\":\"}\\\""})")
         + call_delta(1, R"("function":{"arguments":"\"y\":[1]"})") + chunk(R"({"content":"!"})")
         + call_delta(0, R"("function":{"arguments":"\u007b\"}"})")
         + call_delta(1, R"("function":{"arguments":"}"})")
         + call_delta(2, R"("id":"c","function":{"name":"three"})") + chunk("{}", R"("tool_calls")")
         + done}
    );

    const auto message = message_of(out);

    EXPECT_EQ(
        message["content"],
        json::parse(
            R"([{"type":"text","text":"so"},
                {"type":"tool_use","id":"a","name":"one","input":{"x":"}\"{"}},
                {"type":"tool_use","id":"b","name":"two","input":{"y":[1]}},
                {"type":"text","text":"!"},
                {"type":"tool_use","id":"c","name":"three","input":{}}])"
        )
    ) << out;
    EXPECT_EQ(message["stop_reason"], "tool_use");
}

TEST(messages_wire, a_call_that_is_complete_makes_way_for_the_next_at_once) {
    messages_translator replies("r");
    std::string out;
    for (int i = 0; i < 3; ++i) {
        const auto id = std::to_string(i);
        replies.take_event(
            call_delta(i, R"("id":"t)" + id + R"(","function":{"name":"f","arguments":"{}"})"), out
        );
        EXPECT_NE(out.find(R"("id":"t)" + id), std::string::npos) << out;
    }
}

TEST(messages_wire, a_signature_that_comes_late_comes_with_its_block_again) {
    const auto out = translated(
        {chunk(R"({"reasoning":"hm"})") + chunk(R"({"content":"x"})")
         + chunk(R"({"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"}]})")
         + chunk("{}", R"("stop")") + done}
    );
    EXPECT_EQ(
        message_of(out)["content"],
        json::parse(
            R"([{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"x"},
                {"type":"thinking","thinking":"hm","signature":"s"}])"
        )
    );
}

TEST(messages_wire, thinking_that_is_told_in_pieces_with_its_blocks_is_told_once) {
    const auto out = translated(
        {chunk(
             R"({"reasoning_content":"a","thinking_blocks":[{"type":"thinking","thinking":"a","signature":""}]})"
         )
         + chunk(R"({"thinking_blocks":[{"type":"thinking","thinking":"b"}]})")
         + chunk(R"({"thinking_blocks":[{"type":"thinking","thinking":"","signature":"s"}]})")
         + chunk(R"({"content":"x"})") + chunk("{}", R"("length")") + done}
    );
    const auto message = message_of(out);
    EXPECT_EQ(
        message["content"],
        json::parse(
            R"([{"type":"thinking","thinking":"ab","signature":"s"},{"type":"text","text":"x"}])"
        )
    );
    EXPECT_EQ(message["stop_reason"], "max_tokens");
}

TEST(messages_wire, a_block_that_is_escaped_in_another_way_is_the_one_that_was_told) {
    const auto out = translated(
        {chunk("{\"reasoning_content\":\"caf\u00e9 /\"}")
         + chunk(R"({"thinking_blocks":[{"type":"thinking","thinking":"caf\u00e9 \/"}]})")
         + chunk(
             R"({"thinking_blocks":[{"type":"thinking","thinking":"caf\u00E9 \/","signature":"s"}]})"
         )
         + chunk("{}", R"("stop")") + done}
    );
    EXPECT_EQ(
        message_of(out)["content"],
        json::parse(R"([{"type":"thinking","thinking":"caf\u00e9 /","signature":"s"}])")
    );
}

TEST(messages_wire, an_end_is_told_once_and_an_error_is_one) {
    const auto cut = translated({chunk(R"({"content":"x"})")});
    EXPECT_EQ(events_of(cut).back()["error"]["type"], "api_error");
    const auto told = translated(
        {chunk(R"({"content":"x"})")
         + event(
             R"({"error":{"message":"busy","type":"service_unavailable_error","code":"overloaded"}})"
         )
         + chunk(R"({"content":"y"})") + done}
    );
    EXPECT_EQ(
        events_of(told).back(),
        json::parse(
            R"({"type":"error","error":{"type":"overloaded_error","message":"busy"},"request_id":"req-1"})"
        )
    );
    const auto no_done = translated({chunk(R"({"content":"x"})") + chunk("{}", R"("stop")")});
    EXPECT_EQ(message_of(no_done)["stop_reason"], "end_turn");
}

TEST(messages_wire, what_is_held_is_bounded) {
    const std::string piece(1u << 20, 'x');
    std::string stream = call_delta(0, R"("id":"a","function":{"name":"one","arguments":"{"})");
    messages_translator replies("r");
    std::string out;
    replies.take_event(stream, out);
    for (int i = 0; i < 12; ++i) {
        replies.take_event(
            call_delta(1, R"("id":"b","function":{"name":"two","arguments":")" + piece + "\"}"), out
        );
    }
    EXPECT_LT(out.size(), 4096u);
    EXPECT_EQ(events_of(out).back()["type"], "error");
    messages_translator many("r");
    out.clear();
    for (int i = 0; i < 1100; ++i) {
        many.take_event(call_delta(i, R"("function":{"name":"f","arguments":"{}"})"), out);
    }
    EXPECT_EQ(events_of(out).back()["type"], "error");
}

TEST(messages_wire, calls_under_one_index_are_told_apart) {
    const auto call = [](const std::string& place, const std::string& id) {
        return chunk(
            R"({"tool_calls":[{)" + place + R"("id":")" + id
            + R"(","function":{"name":"f","arguments":"{\"a\":\")" + id + R"(\"}"}}]})"
        );
    };
    for (const std::string place : {R"("index":0,)", ""}) {
        const auto message = message_of(
            translated({call(place, "c1"), call(place, "c2"), chunk("{}", R"("stop")"), done})
        );
        ASSERT_EQ(message["content"].size(), 2u) << place;
        EXPECT_EQ(message["content"][0]["input"], json({{"a", "c1"}}));
        EXPECT_EQ(message["content"][1]["id"], "c2");
        EXPECT_EQ(message["content"][1]["input"], json({{"a", "c2"}}));
        EXPECT_EQ(message["stop_reason"], "tool_use") << "also where the server calls it a stop";
    }
}

TEST(messages_wire, what_failed_or_has_no_finish_is_no_success) {
    const auto half = chunk(R"({"content":"half"})");
    const auto failure = event(
        R"({"error":{"message":"gone"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]})"
    );
    for (const auto& stream : {half + failure + done, half + done, done}) {
        const auto events = events_of(translated({stream}));
        ASSERT_FALSE(events.empty());
        EXPECT_EQ(events.back()["type"], "error") << stream;
    }
    const auto harmless =
        event(R"({"error":false,"choices":[{"index":0,"delta":{"content":"x"}}]})");
    EXPECT_EQ(
        message_of(translated({harmless, chunk("{}", R"("stop")"), done}))["stop_reason"],
        "end_turn"
    );
}

TEST(messages_wire, later_counts_leave_the_earlier_ones) {
    message_usage usage;
    usage.take(
        R"({"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":4}})"
    );
    usage.take(R"({"completion_tokens":5})");
    EXPECT_EQ(usage.input_tokens, 6);
    EXPECT_EQ(usage.cache_read_tokens, 4);
    EXPECT_EQ(usage.output_tokens, 5);
}

TEST(messages_wire, redacted_blocks_and_signatures_are_held_within_the_bound) {
    messages_translator replies("r");
    std::string out;
    const std::string large(1u << 20, 'd');
    replies.take_event(call_delta(0, R"("id":"c","function":{"name":"f","arguments":"{"})"), out);
    for (int i = 0; i < 12; ++i) {
        replies.take_event(
            chunk(R"({"thinking_blocks":[{"type":"redacted_thinking","data":")" + large + "\"}]}"),
            out
        );
    }
    EXPECT_EQ(events_of(out).back()["type"], "error");
    EXPECT_LT(out.size(), 4096u);
}

TEST(messages_wire, a_whole_message_has_golden_bytes) {
    EXPECT_EQ(
        message_of_chat(
            R"({"id":"chatcmpl-1","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"caf\u00e9","reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}},"x_meta_model":{"profile":"p"}})"
        ),
        R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"caf\u00e9"},{"type":"tool_use","id":"c1","name":"f","input":{"a": 1}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":5,"output_tokens":4,"output_tokens_details":{"thinking_tokens":3}},"x_meta_model":{"profile":"p"}})"
    );
}

TEST(messages_wire, a_whole_answer_is_a_message) {
    EXPECT_EQ(
        message_of_chat(
            R"({"id":"chatcmpl-1","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"caf\u00e9","refusal":null,"reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"d"}],"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"","type":"function","function":{"name":"g","arguments":"no"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":4},"x_meta_model":{"profile":"p"}})"
        )
            .find(
                R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"caf\u00e9"},{"type":"tool_use","id":"c1","name":"f","input":{"a": 1}},{"type":"tool_use","id":"toolu_)"
            ),
        0u
    );
    const auto message = json::parse(message_of_chat(
        R"({"choices":[{"message":{"content":[{"type":"text","text":"a"}],"reasoning":"r"},"finish_reason":"stop","stop_reason":"END"}],"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}},"x_meta_model":{"p":1}})"
    ));
    EXPECT_EQ(
        message["content"][0], json::parse(R"({"type":"thinking","thinking":"r","signature":""})")
    );
    EXPECT_EQ(message["stop_reason"], "stop_sequence");
    EXPECT_EQ(message["stop_sequence"], "END");
    EXPECT_EQ(message["usage"]["input_tokens"], 4);
    EXPECT_EQ(message["usage"]["cache_read_input_tokens"], 5);
    EXPECT_EQ(message["usage"]["output_tokens_details"]["thinking_tokens"], 3);
    EXPECT_EQ(message["x_meta_model"]["p"], 1);
    for (const std::string text :
         {R"({"error":{"message":"x"}})",
          "[]",
          "{",
          R"({"choices":[{}]})",
          R"({"choices":[{"message":null}]})"}) {
        EXPECT_EQ(message_of_chat(text), "");
    }
}

}  // namespace

}  // namespace meta_model::api
