// Requests and replies of the Messages API, as bytes.
#include "api/anthropic_request.hpp"
#include "api/anthropic_stream.hpp"
#include "api/messages_error.hpp"
#include "api/messages_request.hpp"
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
    for (const std::string text : {R"({"error":{"message":"x"}})", "[]", "{"}) {
        EXPECT_EQ(message_of_chat(text), text);
    }
}

std::string chat_of(const std::string& body) {
    const auto chat = chat_of_messages(body, 64);
    EXPECT_TRUE(chat.has_value()) << (chat ? "" : chat.error().message);
    return chat ? *chat : "";
}

TEST(messages_wire, a_conversation_becomes_chat_messages_byte_for_byte) {
    EXPECT_EQ(
        chat_of(
            R"({"model":"m","max_tokens":9,"system":[{"type":"text","text":"be"},{"type":"text","text":"brief","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"caf\u00e9"},{"role":"assistant","content":[{"type":"thinking","thinking":"h\u00e9m","signature":"c2ln+\/="},{"type":"redacted_thinking","data":"RX"},{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"tool_use","id":"t1","name":"f","input":{"x": "y\n"}},{"type":"tool_use","id":"t2","name":"g","input":{}}]},{"role":"user","content":[{"type":"text","text":"see"},{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}],"is_error":true},{"type":"tool_result","tool_use_id":"t2","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}]},{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}]})"
        ),
        R"({"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"be"},{"type":"text","text":"brief","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"caf\u00e9"},{"role":"assistant","content":"ab","reasoning_content":"h\u00e9m","thinking_blocks":[{"type":"thinking","thinking":"h\u00e9m","signature":"c2ln+\/="},{"type":"redacted_thinking","data":"RX"}],"tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"x\": \"y\\n\"}"}},{"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"t1","content":"Error: one\ntwo"},{"role":"tool","tool_call_id":"t2","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]},{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}],"max_tokens":9})"
    );
}

TEST(messages_wire, what_else_is_asked_has_its_like_in_a_chat) {
    const auto chat = json::parse(chat_of(
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"system":"s","stream":true,"temperature":0.5,"top_p":0.9,"top_k":5,"stop_sequences":["x"],"metadata":{"user_id":"u"},"tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},"thinking":{"type":"enabled","budget_tokens":2048},"output_config":{"effort":"max","format":{"type":"json_schema","schema":{"type":"object"}}},"x_meta_model":{"trace":true},"seed":5,"service_tier":"auto","context_management":{"edits":[]}})"
    ));
    EXPECT_EQ(
        chat,
        json::parse(
            R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}],"max_tokens":9,"stream":true,"stream_options":{"include_usage":true},"stop":["x"],"user":"u","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}},"cache_control":{"type":"ephemeral"}}],"tool_choice":"required","parallel_tool_calls":false,"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"}}},"reasoning_effort":"xhigh","x_meta_messages":{"metadata":{"user_id":"u"},"effort":"max","thinking":{"type":"enabled","budget_tokens":2048}},"temperature":0.5,"top_p":0.9,"top_k":5,"x_meta_model":{"trace":true},"seed":5})"
        )
    );
    const auto choice = [](const std::string& text) {
        return json::parse(chat_of(
            R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}],"tools":[{"name":"f","input_schema":{}}],"tool_choice":)"
            + text + "}"
        ))["tool_choice"];
    };
    EXPECT_EQ(choice(R"({"type":"auto"})"), "auto");
    EXPECT_EQ(choice(R"({"type":"none"})"), "none");
    EXPECT_EQ(
        choice(R"({"type":"tool","name":"f"})"),
        json::parse(R"({"type":"function","function":{"name":"f"}})")
    );
    const auto long_user = std::string(63, 'u') + "\u00e9\u00e9";
    const auto user = json::parse(chat_of(
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}],"metadata":{"user_id":")"
        + long_user + R"("},"thinking":{"type":"disabled"},"output_config":{"effort":"low"}})"
    ));
    EXPECT_EQ(user["user"], std::string(63, 'u'));
    EXPECT_EQ(user["x_meta_messages"]["metadata"]["user_id"], long_user);
    EXPECT_FALSE(user.contains("reasoning_effort"));
}

TEST(messages_wire, thinking_between_texts_keeps_its_place) {
    const auto chat = json::parse(chat_of(
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"1","signature":"s1"},{"type":"text","text":"x"},{"type":"thinking","thinking":"2","signature":"s2"},{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"3","signature":""},{"type":"text","text":"y"},{"type":"thinking","thinking":"3","signature":"s3"}]}]})"
    ));
    ASSERT_EQ(chat["messages"].size(), 4u);
    EXPECT_EQ(chat["messages"][1]["content"], "x");
    EXPECT_EQ(chat["messages"][2]["thinking_blocks"][0]["signature"], "s2");
    EXPECT_EQ(chat["messages"][2]["tool_calls"].size(), 1u);
    EXPECT_EQ(chat["messages"][3]["thinking_blocks"].size(), 1u);
    EXPECT_EQ(chat["messages"][3]["reasoning_content"], "3");
}

// What a client of the Messages API sends an upstream that speaks it, through the chat between them.
TEST(messages_wire, a_conversation_comes_back_from_the_chat_as_it_was) {
    const std::string turns =
        R"([{"role":"user","content":[{"type":"text","text":"a\u00e9","cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"h\u00e9\n","signature":"c2ln+\/="},{"type":"redacted_thinking","data":"RX"},{"type":"text","text":"b"},{"type":"tool_use","id":"t1","name":"f","input":{"x": ["\u2028",1e400]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r","cache_control":{"type":"ephemeral"}},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"aGk="}},{"type":"text","text":"c"}]}])";
    const auto chat = chat_of(
        R"({"model":"m","max_tokens":4096,"messages":)" + turns
        + R"(,"thinking":{"type":"enabled","budget_tokens":2048},"metadata":{"user_id":"u"},"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"stop_sequences":["x"],"system":"s"})"
    );
    std::string out;
    messages_request facts;
    ASSERT_TRUE(write_messages_request(chat, {.max_output = 8192}, out, facts));
    EXPECT_EQ(
        out,
        R"({"model":"m","messages":)" + turns
            + R"(,"system":"s","tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"max_tokens":4096,"stop_sequences":["x"],"thinking":{"type":"enabled","budget_tokens":2048},"metadata":{"user_id":"u"}})"
    );
}

struct wrong {
    std::string body;
    std::string param;
};

TEST(messages_wire, every_wrong_type_is_named) {
    const auto with_member = [](const std::string& member) {
        return R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}],)" + member
               + "}";
    };
    const auto with_turn = [](const std::string& turn) {
        return R"({"model":"m","max_tokens":9,"messages":[)" + turn + "]}";
    };
    const auto with_block = [&](const std::string& role, const std::string& block) {
        return with_turn(
            R"({"role":")" + role + R"(","content":[{"type":"text","text":"a"},)" + block + "]}"
        );
    };
    const std::vector<wrong> table{
        {R"({"max_tokens":9,"messages":[{"role":"user","content":"a"}]})", "model"},
        {R"({"model":"","max_tokens":9,"messages":[{"role":"user","content":"a"}]})", "model"},
        {R"({"model":5,"max_tokens":9,"messages":[]})", "model"},
        {R"({"model":"m","messages":[{"role":"user","content":"a"}]})", "max_tokens"},
        {R"({"model":"m","max_tokens":0,"messages":[{"role":"user","content":"a"}]})", "max_tokens"
        },
        {R"({"model":"m","max_tokens":"9","messages":[]})", "max_tokens"},
        {R"({"model":"m","max_tokens":9})", "messages"},
        {R"({"model":"m","max_tokens":9,"messages":{}})", "messages"},
        {with_turn(""), "messages"},
        {with_turn("5"), "messages.0"},
        {with_turn(R"({"content":"a"})"), "messages.0.role"},
        {with_turn(R"({"role":"tool","content":"a"})"), "messages.0.role"},
        {with_turn(R"({"role":"user"})"), "messages.0.content"},
        {with_turn(R"({"role":"user","content":5})"), "messages.0.content"},
        {with_turn(R"({"role":"user","content":[]})"), "messages.0.content"},
        {with_turn(R"({"role":"user","content":["a"]})"), "messages.0.content.0"},
        {with_block("user", R"({"text":"a"})"), "messages.0.content.1.type"},
        {with_block("user", R"({"type":5})"), "messages.0.content.1.type"},
        {with_block("user", R"({"type":"document"})"), "messages.0.content.1.type"},
        {with_block("user", R"({"type":"text"})"), "messages.0.content.1.text"},
        {with_block("user", R"({"type":"text","text":5})"), "messages.0.content.1.text"},
        {with_block("user", R"({"type":"text","text":"a","cache_control":5})"),
         "messages.0.content.1.cache_control"},
        {with_block("user", R"({"type":"image"})"), "messages.0.content.1.source"},
        {with_block("user", R"({"type":"image","source":{}})"), "messages.0.content.1.source.type"},
        {with_block("user", R"({"type":"image","source":{"type":"file","file_id":"x"}})"),
         "messages.0.content.1.source.type"},
        {with_block("user", R"({"type":"image","source":{"type":"base64","data":"x"}})"),
         "messages.0.content.1.source.media_type"},
        {with_block("user", R"({"type":"image","source":{"type":"url","url":5}})"),
         "messages.0.content.1.source.url"},
        {with_block("user", R"({"type":"tool_use","id":"a","name":"f","input":{}})"),
         "messages.0.content.1.type"},
        {with_block("user", R"({"type":"tool_result","content":"x"})"),
         "messages.0.content.1.tool_use_id"},
        {with_block("user", R"({"type":"tool_result","tool_use_id":"a","content":5})"),
         "messages.0.content.1.content"},
        {with_block("user", R"({"type":"tool_result","tool_use_id":"a","is_error":"yes"})"),
         "messages.0.content.1.is_error"},
        {with_block(
             "user",
             R"({"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"x"},{"type":"text"}]})"
         ),
         "messages.0.content.1.content.1.text"},
        {with_block("assistant", R"({"type":"image"})"), "messages.0.content.1.type"},
        {with_block("assistant", R"({"type":"server_tool_use"})"), "messages.0.content.1.type"},
        {with_block("assistant", R"({"type":"thinking"})"), "messages.0.content.1.thinking"},
        {with_block("assistant", R"({"type":"thinking","thinking":"a","signature":5})"),
         "messages.0.content.1.signature"},
        {with_block("assistant", R"({"type":"redacted_thinking"})"), "messages.0.content.1.data"},
        {with_block("assistant", R"({"type":"tool_use","name":"f","input":{}})"),
         "messages.0.content.1.id"},
        {with_block("assistant", R"({"type":"tool_use","id":"a","input":{}})"),
         "messages.0.content.1.name"},
        {with_block("assistant", R"({"type":"tool_use","id":"a","name":"f","input":"{}"})"),
         "messages.0.content.1.input"},
        {with_member(R"("system":5)"), "system"},
        {with_member(R"("system":[5])"), "system.0"},
        {with_member(R"("system":[{"type":"image"}])"), "system.0.type"},
        {with_member(R"("system":[{"type":"text","text":5}])"), "system.0.text"},
        {with_member(R"("stream":"yes")"), "stream"},
        {with_member(R"("temperature":1.5)"), "temperature"},
        {with_member(R"("temperature":"1")"), "temperature"},
        {with_member(R"("top_p":2)"), "top_p"},
        {with_member(R"("top_k":"5")"), "top_k"},
        {with_member(R"("stop_sequences":"x")"), "stop_sequences"},
        {with_member(R"("stop_sequences":["x",5])"), "stop_sequences.1"},
        {with_member(R"("metadata":5)"), "metadata"},
        {with_member(R"("metadata":{"user_id":5})"), "metadata.user_id"},
        {with_member(R"("tools":{})"), "tools"},
        {with_member(R"("tools":[5])"), "tools.0"},
        {with_member(R"("tools":[{"input_schema":{}}])"), "tools.0.name"},
        {with_member(R"("tools":[{"name":"f"}])"), "tools.0.input_schema"},
        {with_member(R"("tools":[{"name":"f","input_schema":{},"description":5}])"),
         "tools.0.description"},
        {with_member(
             R"("tools":[{"name":"f","input_schema":{}},{"type":"bash_20250124","name":"bash"}])"
         ),
         "tools.1.type"},
        {with_member(R"("tool_choice":"auto")"), "tool_choice"},
        {with_member(R"("tool_choice":{"type":"must"})"), "tool_choice.type"},
        {with_member(R"("tool_choice":{"type":"tool"})"), "tool_choice.name"},
        {with_member(R"("tool_choice":{"type":"auto","disable_parallel_tool_use":1})"),
         "tool_choice.disable_parallel_tool_use"},
        {with_member(R"("thinking":true)"), "thinking"},
        {with_member(R"("thinking":{})"), "thinking.type"},
        {with_member(R"("thinking":{"type":"on"})"), "thinking.type"},
        {with_member(R"("thinking":{"type":"enabled"})"), "thinking.budget_tokens"},
        {with_member(R"("output_config":5)"), "output_config"},
        {with_member(R"("output_config":{"effort":"most"})"), "output_config.effort"},
        {with_member(R"("output_config":{"format":{"type":"text"}})"), "output_config.format.type"},
        {with_member(R"("output_format":{"type":"json_schema"})"), "output_format.schema"},
        {with_member(R"("container":"c")"), "container"},
        {with_member(R"("mcp_servers":[{}])"), "mcp_servers"},
    };
    for (const auto& [body, param] : table) {
        const auto chat = chat_of_messages(body, 64);
        ASSERT_FALSE(chat.has_value()) << body;
        EXPECT_EQ(chat.error().param, param) << body;
        EXPECT_EQ(chat.error().http_status(), 400) << body;
        EXPECT_TRUE(chat.error().message.starts_with(param + ": ")) << chat.error().message;
    }
    for (const std::string body : {"", "[]", "{", R"({"model":"a","model":"b"})"}) {
        const auto chat = chat_of_messages(body, 64);
        ASSERT_FALSE(chat.has_value()) << body;
        EXPECT_EQ(chat.error().code(), "invalid_json") << body;
    }
    EXPECT_FALSE(chat_of_messages(with_member(R"("x":[[[[]]]])"), 4).has_value());
    EXPECT_TRUE(
        judge_count_tokens(R"({"model":"m","messages":[{"role":"user","content":"a"}]})", 64)
            .has_value()
    );
}

}  // namespace

}  // namespace meta_model::api
