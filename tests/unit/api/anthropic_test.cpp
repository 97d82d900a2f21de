#include "api/anthropic_reply.hpp"
#include "api/anthropic_request.hpp"
#include "api/anthropic_stream.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace meta_model::api {
namespace {

std::string request_of(
    std::string_view chat, const messages_options& options = {.max_output = 4096}
) {
    std::string out;
    messages_request facts;
    EXPECT_TRUE(write_messages_request(chat, options, out, facts));
    EXPECT_TRUE(nlohmann::json::accept(out)) << out;
    return out;
}

// A body with these messages, and what its `messages` become.
std::string turns_of(const std::string& messages) {
    const auto out = request_of(R"({"model":"m","messages":)" + messages + "}");
    const auto begin = out.find('[');
    return out.substr(begin, out.rfind(']') - begin + 1);
}

TEST(anthropic_request, golden_bytes_of_a_conversation) {
    EXPECT_EQ(
        request_of(R"({"model":"m","messages":[{"role":"system","content":"a\u00e9"},)"
                   R"({"role":"user","content":"1\n\"2\""},{"role":"assistant","content":null,)"
                   R"("tool_calls":[{"id":"c1","type":"function","function":{"name":"f",)"
                   R"("arguments":"{\"x\": [1]}"}}]},{"role":"tool","tool_call_id":"c1",)"
                   R"("content":"ok"}],"stream":true,"stop":"E"})"),
        R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"1\n\"2\""}]},)"
        R"({"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"x": [1]}}]},)"
        R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"ok"}]}],)"
        R"("system":"a\u00e9","max_tokens":4096,"stop_sequences":["E"],"stream":true})"
    );
}

TEST(anthropic_request, keys_may_be_escaped) {
    EXPECT_EQ(
        turns_of(R"([{"r\u006fle":"user","c\u006fntent":"x"}])"),
        R"([{"role":"user","content":[{"type":"text","text":"x"}]}])"
    );
}

TEST(anthropic_request, what_is_blank_disappears) {
    EXPECT_EQ(
        turns_of(R"([{"role":"user","content":"a"},{"role":"assistant","content":" \n"},)"
                 R"({"role":"user","content":[{"type":"text","text":""},{"type":"input_audio"}]}])"
        ),
        R"([{"role":"user","content":[{"type":"text","text":"a"}]}])"
    );
}

TEST(anthropic_request, a_conversation_of_system_texts_is_asked_by_a_user) {
    EXPECT_EQ(
        turns_of(R"([{"role":"system","content":"a"}])"),
        R"([{"role":"user","content":[{"type":"text","text":"a"}]}])"
    );
}

TEST(anthropic_request, a_data_uri_may_be_escaped) {
    EXPECT_EQ(
        turns_of(R"([{"role":"user","content":[{"type":"image_url","image_url":)"
                 R"({"url":"data:image\/png;base64,a\/b="}}]}])"),
        R"([{"role":"user","content":[{"type":"image","source":{"type":"base64",)"
        R"("media_type":"image/png","data":"a\/b="}}]}])"
    );
}

TEST(anthropic_request, a_document_is_one) {
    EXPECT_EQ(
        turns_of(R"([{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf",)"
                 R"("file_data":"data:application/pdf;base64,AA=="}}]}])"),
        R"([{"role":"user","content":[{"type":"document","source":{"type":"base64",)"
        R"("media_type":"application/pdf","data":"AA=="}}]}])"
    );
}

TEST(anthropic_request, schemas_of_tools_are_objects) {
    const auto schema_of = [](const std::string& parameters) {
        const auto out = request_of(
            R"({"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function",)"
            R"("function":{"name":"f")"
            + parameters + "}}]}"
        );
        return nlohmann::json::parse(out)["tools"][0]["input_schema"].dump();
    };
    constexpr auto empty = R"({"properties":{},"type":"object"})";
    EXPECT_EQ(schema_of(""), empty);
    EXPECT_EQ(schema_of(R"(,"parameters":null)"), empty);
    EXPECT_EQ(schema_of(R"(,"parameters":{ })"), empty);
    EXPECT_EQ(
        schema_of(R"(,"parameters":{"properties":{"a":{}}})"),
        R"({"properties":{"a":{}},"type":"object"})"
    );
}

TEST(anthropic_request, what_is_no_chat_request_is_refused) {
    std::string out;
    messages_request facts;
    for (const auto* text : {"", "[]", "{}", R"({"messages":1})", R"({"messages":[})"}) {
        EXPECT_FALSE(write_messages_request(text, {}, out, facts)) << text;
    }
}

TEST(anthropic_request, a_budget_fits_below_what_is_allowed) {
    const messages_options free{.max_output = 8000};
    const auto halved = share_output(free, 4000);
    EXPECT_EQ(halved.max_tokens, 4000);
    EXPECT_EQ(halved.thinking_budget, 2000);
    const auto small = share_output(free, 10);
    EXPECT_EQ(small.max_tokens, 2048);
    EXPECT_EQ(small.thinking_budget, 1024);
    const auto tight = share_output({.max_output = 1500, .budget_tokens = 2000}, 1500);
    EXPECT_EQ(tight.max_tokens, 1500);
    EXPECT_EQ(tight.thinking_budget, 1024);
    const auto none = share_output({.max_output = 1000}, 500);
    EXPECT_EQ(none.max_tokens, 500);
    EXPECT_EQ(none.thinking_budget, 0);
}

TEST(anthropic_request, a_short_answer_is_not_spent_on_adaptive_thinking) {
    const messages_options options{.max_output = 4096, .thinking = thinking_mode::adaptive};
    const auto asked = [&](const std::string& members) {
        return nlohmann::json::parse(request_of(
            R"({"model":"m","messages":[{"role":"user","content":"x"}],"temperature":0.5)" + members
                + "}",
            options
        ));
    };
    EXPECT_FALSE(asked(R"(,"max_tokens":5)").contains("thinking"));
    EXPECT_EQ(asked(R"(,"max_tokens":5)")["temperature"], 0.5);
    EXPECT_FALSE(asked(R"(,"max_completion_tokens":1024)").contains("thinking"));
    EXPECT_EQ(asked(R"(,"max_tokens":1025)")["thinking"]["type"], "adaptive");
    EXPECT_EQ(asked("")["thinking"]["type"], "adaptive");
}

TEST(anthropic_request, different_ids_of_calls_stay_different) {
    const auto ids_of = [](const std::string& id) {
        const auto turns = nlohmann::json::parse(turns_of(
            R"([{"role":"assistant","tool_calls":[{"id":")" + id
            + R"(","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":")"
            + id + R"(","content":"ok"}])"
        ));
        EXPECT_EQ(turns[0]["content"][0]["id"], turns[1]["content"][0]["tool_use_id"]);
        return turns[0]["content"][0]["id"].get<std::string>();
    };
    EXPECT_EQ(ids_of("toolu_01-A"), "toolu_01-A");
    const auto dotted = ids_of("a.1");
    EXPECT_EQ(dotted.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
    EXPECT_EQ(dotted, ids_of("a.1"));
    EXPECT_NE(dotted, ids_of("a:1"));
    EXPECT_NE(dotted, ids_of("a_1"));
}

TEST(anthropic_reply, golden_bytes_of_a_message) {
    std::string out;
    ASSERT_TRUE(append_chat_completion(
        R"({"id":"msg_1","model":"m","content":[{"type":"text","text":"a\u00e9"},)"
        R"({"type":"tool_use","id":"t","name":"f","input":{"x":"\n"}}],"stop_reason":"tool_use",)"
        R"("usage":{"input_tokens":1,"output_tokens":2}})",
        "default",
        5,
        out
    ));
    EXPECT_EQ(
        out,
        R"({"id":"msg_1","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,)"
        R"("message":{"role":"assistant","content":"a\u00e9","refusal":null,"tool_calls":[{"id":"t",)"
        R"("type":"function","function":{"name":"f","arguments":"{\"x\":\"\\n\"}"}}]},"logprobs":null,)"
        R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})"
    );
}

TEST(anthropic_reply, what_is_no_message_stays_untouched) {
    std::string out = "x";
    for (const auto* text :
         {"", "<html>", "[]", "{}", R"({"content":"text"})", R"({"content":[}])"}) {
        EXPECT_FALSE(append_chat_completion(text, "m", 1, out)) << text;
        EXPECT_FALSE(append_chat_error(text, 400, out)) << text;
    }
    EXPECT_EQ(out, "x");
}

TEST(anthropic_reply, an_error_in_a_stream_tells_its_status) {
    std::string out;
    ASSERT_TRUE(append_chat_error(
        R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", 0, out
    ));
    EXPECT_EQ(
        out,
        R"({"error":{"status":503,"message":"Overloaded","type":"service_unavailable_error",)"
        R"("param":null,"code":"overloaded"}})"
    );
}

constexpr std::string_view a_stream =
    "event: message_start\n"
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\"usage\":"
    "{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
    "event: ping\ndata: {\"type\":\"ping\"}\n\n"
    "data: "
    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":"
    "\"\"}}\n\n"
    "data: "
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
    "\"h\\u00e9\"}}\n\n"
    "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "data: "
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_"
    "tokens\":2}}\r\n\r\n"
    "data: {\"type\":\"message_stop\"}\n\n";

TEST(anthropic_stream, golden_bytes_in_every_split) {
    const std::string head =
        R"(data: {"id":"msg_1","object":"chat.completion.chunk","created":5,"model":"m","choices":[)";
    const std::string end = R"(,"finish_reason":null}]})"
                            "\n\n";
    const auto expected =
        head + R"({"index":0,"delta":{"role":"assistant","content":""})" + end + head
        + R"({"index":0,"delta":{"content":"h\u00e9"})" + end + head
        + R"({"index":0,"delta":{},"finish_reason":"stop"}]})" + "\n\n" + head
        + R"(],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})"
        + "\n\ndata: [DONE]\n\n";
    for (std::size_t at = 0; at <= a_stream.size(); ++at) {
        anthropic_stream stream("default", 5, true);
        std::string out;
        ASSERT_TRUE(stream.feed(a_stream.substr(0, at), out));
        ASSERT_TRUE(stream.feed(a_stream.substr(at), out));
        ASSERT_EQ(out, expected) << at;
    }
}

TEST(anthropic_stream, an_event_has_a_bound) {
    anthropic_stream stream("m", 1, false);
    std::string out;
    const std::string endless(anthropic_stream::max_event_bytes + 1, 'x');
    EXPECT_FALSE(stream.feed("data: " + endless, out));
    EXPECT_EQ(out, "");
}

// What one stream becomes that is fed the events as a whole.
std::string chat_of(const std::vector<nlohmann::json>& events) {
    anthropic_stream stream("m", 1, true);
    std::string out;
    for (const auto& e : events) {
        EXPECT_TRUE(stream.feed("data: " + e.dump() + "\n\n", out));
    }
    return out;
}

std::vector<nlohmann::json> chunks_of(std::string_view text) {
    std::vector<nlohmann::json> out;
    for (auto end = text.find("\n\n"); end != std::string_view::npos; end = text.find("\n\n")) {
        const auto data = text.substr(6, end - 6);
        if (data != "[DONE]") {
            out.push_back(nlohmann::json::parse(data));
        }
        text.remove_prefix(end + 2);
    }
    return out;
}

std::size_t largest_event(std::string_view text) {
    std::size_t out = 0;
    for (auto end = text.find("\n\n"); end != std::string_view::npos; end = text.find("\n\n")) {
        out = std::max(out, end + 2);
        text.remove_prefix(end + 2);
    }
    return out;
}

nlohmann::json message_start(const std::string& id, const std::string& model) {
    return {
        {"type", "message_start"},
        {"message",
         {{"id", id}, {"model", model}, {"usage", {{"input_tokens", 3}, {"output_tokens", 1}}}}}
    };
}

nlohmann::json block_start(int index, const nlohmann::json& block) {
    return {{"type", "content_block_start"}, {"index", index}, {"content_block", block}};
}

nlohmann::json block_delta(int index, const nlohmann::json& delta) {
    return {{"type", "content_block_delta"}, {"index", index}, {"delta", delta}};
}

nlohmann::json message_end(const nlohmann::json& usage = {{"output_tokens", 2}}) {
    return {{"type", "message_delta"}, {"delta", {{"stop_reason", "end_turn"}}}, {"usage", usage}};
}

TEST(anthropic_stream, a_name_that_every_chunk_repeats_has_a_bound) {
    const std::string longest(256, 'x');
    const auto text = nlohmann::json{{"type", "text"}, {"text", "hi"}};
    const auto kept =
        chunks_of(chat_of({message_start(longest, longest), block_start(0, text), message_end()}));
    const auto dropped = chunks_of(
        chat_of({message_start(longest + "x", longest + "x"), block_start(0, text), message_end()})
    );
    ASSERT_FALSE(kept.empty());
    ASSERT_FALSE(dropped.empty());
    EXPECT_EQ(kept[0]["id"], longest);
    EXPECT_EQ(kept[0]["model"], longest);
    EXPECT_EQ(dropped[0]["id"], "");
    EXPECT_EQ(dropped[0]["model"], "m");
}

TEST(anthropic_stream, thinking_that_fits_no_event_is_left_out) {
    const auto told = [](std::size_t block_bytes, int count) {
        std::vector<nlohmann::json> events{message_start("i", "m")};
        for (int i = 0; i < count; ++i) {
            events.push_back(block_start(i, {{"type", "thinking"}, {"thinking", ""}}));
            const std::string text(block_bytes, 'x');
            events.push_back(block_delta(i, {{"type", "thinking_delta"}, {"thinking", text}}));
            events.push_back(block_delta(i, {{"type", "signature_delta"}, {"signature", "s"}}));
        }
        events.push_back(message_end());
        const auto out = chat_of(events);
        EXPECT_LE(largest_event(out), anthropic_stream::max_event_bytes);
        EXPECT_NE(out.find(R"("finish_reason":"stop")"), std::string::npos);
        std::size_t blocks = 0;
        for (const auto& chunk : chunks_of(out)) {
            if (!chunk["choices"].empty()) {
                blocks +=
                    chunk["choices"][0]["delta"].value("thinking_blocks", nlohmann::json()).size();
            }
        }
        return blocks;
    };
    EXPECT_EQ(told(400'000, 2), 2u);
    EXPECT_EQ(told(400'000, 3), 0u) << "all or none";
    EXPECT_EQ(told(1000, 1024), 0u) << "what is around the texts counts, too";
    EXPECT_EQ(told(900, 1024), 1024u);
}

TEST(anthropic_stream, a_large_input_is_told_in_pieces) {
    std::string text;
    for (int i = 0; i < 130'000; ++i) {
        text += "\"\u00fc\n";  // four and more bytes when they are escaped twice
    }
    const nlohmann::json input = {{"text", text}};
    const auto out = chat_of(
        {message_start("i", "m"),
         block_start(0, {{"type", "tool_use"}, {"id", "t"}, {"name", "f"}, {"input", input}}),
         message_end()}
    );
    EXPECT_LE(largest_event(out), anthropic_stream::max_event_bytes);
    std::string arguments;
    for (const auto& chunk : chunks_of(out)) {
        if (!chunk["choices"].empty() && chunk["choices"][0]["delta"].contains("tool_calls")) {
            const auto& call = chunk["choices"][0]["delta"]["tool_calls"][0];
            arguments += call["function"]["arguments"].get<std::string>();
        }
    }
    EXPECT_EQ(nlohmann::json::parse(arguments), input);
}

TEST(anthropic_stream, usage_is_told_when_its_end_names_it) {
    const auto has_usage = [](const nlohmann::json& end) {
        return chat_of({message_start("i", "m"), end}).find("usage") != std::string::npos;
    };
    EXPECT_TRUE(has_usage(message_end()));
    EXPECT_FALSE(has_usage(message_end(nullptr))) << "what it began with is a placeholder";
    EXPECT_FALSE(has_usage(message_end({{"input_tokens", 3}})));
}

TEST(anthropic_stream, an_error_needs_no_type) {
    const auto told = [](const nlohmann::json& event) {
        const auto chunks = chunks_of(chat_of({message_start("i", "m"), event}));
        return chunks.empty() ? nlohmann::json() : chunks[0]["error"];
    };
    const nlohmann::json overloaded{{"type", "overloaded_error"}, {"message", "busy"}};
    EXPECT_EQ(told({{"error", overloaded}})["status"], 503);
    EXPECT_EQ(told({{"error", overloaded}})["message"], "busy");
    EXPECT_EQ(told({{"error", "busy"}})["status"], 500);
    EXPECT_TRUE(told({{"error", nullptr}}).is_null());
    EXPECT_TRUE(told({{"type", "later"}, {"error", overloaded}}).is_null());
}

TEST(anthropic_stream, a_done_of_the_chat_wire_is_none) {
    anthropic_stream stream("m", 1, false);
    std::string out;
    EXPECT_TRUE(stream.feed("data: [DONE]\n\n", out));
    EXPECT_EQ(out.find("[DONE]"), std::string::npos) << out;
}

TEST(anthropic_stream, without_a_stop_reason_nothing_is_done) {
    anthropic_stream stream("m", 1, false);
    std::string out;
    EXPECT_TRUE(stream.feed("data: {\"type\":\"message_stop\"}\n\n", out));
    EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace meta_model::api
