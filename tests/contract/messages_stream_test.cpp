// Streams to clients of the Messages API, and thinking over several turns.
#include "contract/messages_words.hpp"
#include "contract/panel.hpp"

#include <algorithm>

namespace meta_model::contract {

namespace {

const json weather = {
    {"name", "weather"}, {"description", "now"}, {"input_schema", {{"type", "object"}}}
};

std::string chunk(const json& delta, const json& finish = nullptr) {
    return json({{"id", "chatcmpl-1"},
                 {"object", "chat.completion.chunk"},
                 {"created", 5},
                 {"model", "m"},
                 {"choices", {{{"index", 0}, {"delta", delta}, {"finish_reason", finish}}}}}
    ).dump();
}

std::string call_chunk(int index, const json& call) {
    return chunk({{"tool_calls", {with({{"index", index}}, call)}}});
}

TEST(messages_stream, events_are_those_of_the_wire_in_their_order) {
    fake_upstream models;
    models.on("a", ok("one two three four five six seven eight nine ten eleven"));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto result = stream_message(gateway, message_for("a"));

    EXPECT_EQ(result.head.header("Content-Type"), "text/event-stream");
    EXPECT_EQ(result.head.header("request-id"), result.head.header("X-MetaModel-Request-Id"));
    EXPECT_TRUE(models.last_request("a").wants_usage());
    std::vector<std::string> types;
    for (const auto& e : result.events) {
        if (types.empty() || types.back() != e.type) {
            types.push_back(e.type);
        }
    }
    EXPECT_EQ(
        types,
        (std::vector<std::string>{
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        })
    );
    const auto message = message_of(result);
    EXPECT_EQ(message["id"], "msg_upstream");
    EXPECT_EQ(
        message["content"][0]["text"], "one two three four five six seven eight nine ten eleven"
    );
    EXPECT_EQ(message["usage"]["input_tokens"], 11);
    EXPECT_EQ(message["usage"]["output_tokens"], 7);
}

TEST(messages_stream, tokens_go_out_as_they_come_and_heartbeats_are_pings) {
    fake_upstream models;
    const auto go_on = make_gate();
    models.on(
        "a", held_after(3, go_on, ok("first second third fourth fifth sixth seventh eighth"))
    );
    const gateway_process gateway(
        config_text(models).server("stream_commit_secs = 0.2\nkeepalive_secs = 0.2").upstream("a")
    );
    http_client client(gateway.port());
    client.send(request_bytes(messages_parts(with(message_for("a"), {{"stream", true}}))));
    client.read_head();
    std::string body;
    while (body.find("\"text\":\"first") == std::string::npos
           || body.find("event: ping\ndata: {\"type\":\"ping\"}\n\n") == std::string::npos) {
        ASSERT_EQ(client.read_body(body, clock::now() + 10s), body_end::open) << body;
    }
    go_on->open();
    while (client.read_body(body, clock::now() + 10s) == body_end::open) {
    }
    EXPECT_TRUE(body.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    EXPECT_EQ(body.find("heartbeat"), std::string::npos);
    EXPECT_EQ(body.find("[DONE]"), std::string::npos);
}

TEST(messages_stream, progress_rides_on_pings) {
    panel p;
    const gateway_process gateway(p.config());

    const auto result = stream_message(
        gateway, with(message_for(panel_name), {{"x_meta_model", {{"progress", true}}}})
    );

    std::size_t told = 0;
    for (const auto& e : result.events) {
        if (e.type == "ping" && e.json().contains("x_meta_model")) {
            EXPECT_TRUE(e.json()["x_meta_model"]["progress"].contains("upstream"));
            ++told;
        }
    }
    EXPECT_GE(told, 4u);
    EXPECT_EQ(message_of(result)["content"][0]["text"], "the fused answer");
}

TEST(messages_stream, calls_side_by_side_become_blocks_behind_each_other) {
    fake_upstream models;
    models.on(
        "a",
        sse(
            {call_chunk(
                 0,
                 {{"id", "c0"},
                  {"type", "function"},
                  {"function", {{"name", "f"}, {"arguments", ""}}}}
             ),
             call_chunk(
                 1,
                 {{"id", "c1"},
                  {"type", "function"},
                  {"function", {{"name", "g"}, {"arguments", ""}}}}
             ),
             call_chunk(1, {{"function", {{"arguments", "{\"b\":"}}}}),
             call_chunk(0, {{"function", {{"arguments", "{\"a\":"}}}}),
             call_chunk(0, {{"function", {{"arguments", "1}"}}}}),
             call_chunk(1, {{"function", {{"arguments", "2}"}}}}),
             chunk(json::object(), "tool_calls"),
             "[DONE]"}
        )
    );
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto message =
        message_of(stream_message(gateway, with(message_for("a"), {{"tools", {weather}}})));

    EXPECT_EQ(
        message["content"],
        json::array({tool_use("c0", "f", {{"a", 1}}), tool_use("c1", "g", {{"b", 2}})})
    );
    EXPECT_EQ(message["stop_reason"], "tool_use");
}

TEST(messages_stream, what_ended_an_answer_is_told) {
    fake_upstream models;
    const anthropic_message what{.content = {text_block("one")}, .stop_reason = "stop_sequence"};
    auto events = events_of(what);
    events[events.size() - 2]["delta"]["stop_sequence"] = "END";
    json whole = events.front()["message"];
    whole.update(
        {{"content", what.content}, {"stop_reason", "stop_sequence"}, {"stop_sequence", "END"}}
    );
    const gateway_process gateway(config_text(models).upstream("a", anthropic_lines));

    models.on("a", anthropic_events(events));
    const auto streamed = message_of(stream_message(gateway, message_for("a")));
    models.on("a", json_reply(200, whole));
    const auto message = create_message(gateway, message_for("a")).json();

    for (const auto& each : {streamed, message}) {
        EXPECT_EQ(each["stop_reason"], "stop_sequence") << each;
        EXPECT_EQ(each["stop_sequence"], "END");
        EXPECT_EQ(each["content"][0]["text"], "one");
    }
}

TEST(messages_stream, errors_are_events_of_the_wire) {
    fake_upstream models;
    models.on("cut", cut_after_sends(4, ok("words that never end well because of the cable")));
    models.on(
        "busy",
        sse(
            {chunk({{"content", "some words that are long enough"}}),
             R"({"error":{"message":"busy","type":"rate_limit_error"}})"}
        )
    );
    models.on("first", sse({R"({"error":{"message":"no","type":"rate_limit_error","code":429}})"}));
    const gateway_process gateway(
        config_text(models)
            .upstreams({"cut", "busy"})
            .upstream("first", "[upstreams.first.retry]\nmax_attempts = 1\n")
    );

    const auto cut = stream_message(gateway, message_for("cut"));
    ASSERT_FALSE(cut.events.empty());
    EXPECT_EQ(cut.events.back().type, "error");
    const auto told = cut.events.back().json();
    EXPECT_EQ(told["error"]["type"], "api_error");
    EXPECT_EQ(told["request_id"], cut.head.header("X-MetaModel-Request-Id"));
    EXPECT_TRUE(cut.is_whole);
    const auto busy = stream_message(gateway, message_for("busy"));
    ASSERT_FALSE(busy.events.empty());
    EXPECT_EQ(busy.events.back().type, "error");
    EXPECT_EQ(busy.events.back().json()["error"]["type"], "rate_limit_error");
    const auto first = stream_message(gateway, message_for("first"));
    EXPECT_FALSE(first.is_stream()) << "nothing was told yet: it has its status";
    expect_messages_error(first.head, 429, "rate_limit_error");
}

TEST(messages_stream, a_client_that_leaves_ends_the_call) {
    fake_upstream models;
    models.on("a", hang_after_sends(3, ok("first second third fourth fifth sixth seventh")));
    const gateway_process gateway(config_text(models).upstream("a"));
    {
        http_client client(gateway.port());
        client.send(request_bytes(messages_parts(with(message_for("a"), {{"stream", true}}))));
        client.read_head();
        ASSERT_TRUE(models.wait_for_calls("a", 1));
    }
    EXPECT_TRUE(models.wait_for_peer_close("a"));
}

// ---- three turns of thinking ---------------------------------------------------------------------------------------

const json blocks = {
    {{"type", "thinking"}, {"thinking", "h\u00fcm\n \"1\" \u2028"}, {"signature", "c2ln+/="}},
    {{"type", "redacted_thinking"}, {"data", "RXRl+/="}},
};

// A chat upstream that tells what it thought, whole and streamed.
reply thoughtful(const std::string& call_id) {
    return [call_id](const recorded_request& request) {
        const auto call = call_of(call_id, "weather", R"({"at": "x"})");
        if (!request.wants_stream()) {
            return complete({.message = {{"role", "assistant"}, {"content", "let me see"}, {"reasoning_content", blocks[0]["thinking"]}, {"thinking_blocks", blocks}, {"tool_calls", {call}}}, .finish = "tool_calls"})(
                request
            );
        }
        return sse(
            {chunk({{"role", "assistant"}, {"reasoning_content", blocks[0]["thinking"]}}),
             chunk({{"thinking_blocks", blocks}}),
             chunk({{"content", "let me see"}}),
             call_chunk(0, call),
             chunk(json::object(), "tool_calls"),
             "[DONE]"}
        )(request);
    };
}

class thinking_turns : public testing::TestWithParam<bool> {
protected:
    // Asks three times, answering each call, and expects every answer to go back to `name` as `expected` says.
    json ask(const gateway_process& gateway, const json& body) {
        if (GetParam()) {
            return message_of(stream_message(gateway, body));
        }
        const auto reply = create_message(gateway, body);
        EXPECT_EQ(reply.status, 200) << reply.body;
        return reply.json();
    }

    static json result_of(const std::string& id) {
        return {
            {"role", "user"},
            {"content", {{{"type", "tool_result"}, {"tool_use_id", id}, {"content", "9"}}}}
        };
    }

    fake_upstream models{};
};

TEST_P(thinking_turns, come_back_byte_for_byte_from_a_chat_upstream) {
    const gateway_process gateway(config_text(models).upstream("a"));
    auto body = with(message_for("a", "How warm?"), {{"tools", {weather}}});
    for (const std::string id : {"call_1", "call:2", "call_3"}) {
        models.on("a", thoughtful(id));
        const auto message = ask(gateway, body);
        auto expected = blocks;
        expected.push_back(text_block("let me see"));
        expected.push_back(tool_use(id, "weather", {{"at", "x"}}));
        ASSERT_EQ(message["content"], expected) << message;
        body["messages"].push_back({{"role", "assistant"}, {"content", message["content"]}});
        body["messages"].push_back(result_of(id));
    }
    models.on("a", ok("cold"));
    EXPECT_EQ(ask(gateway, body)["content"][0]["text"], "cold");
    const auto sent = models.last_request("a").json["messages"];
    ASSERT_EQ(sent.size(), 7u);
    for (const std::size_t at : {1u, 3u, 5u}) {
        EXPECT_EQ(sent[at]["thinking_blocks"], blocks);
        EXPECT_EQ(sent[at]["reasoning_content"], blocks[0]["thinking"]);
        EXPECT_EQ(sent[at]["content"], "let me see");
        EXPECT_EQ(sent[at]["tool_calls"][0]["id"], sent[at + 1]["tool_call_id"]);
    }
    const auto raw = models.last_request("a").body;
    EXPECT_NE(raw.find(blocks[0]["thinking"].dump()), std::string::npos);
}

TEST_P(thinking_turns, come_back_byte_for_byte_from_an_anthropic_upstream) {
    const gateway_process gateway(config_text(models).upstream("a", anthropic_lines));
    auto body = with(
        message_for("a", "How warm?"),
        {{"tools", {weather}}, {"thinking", {{"type", "enabled"}, {"budget_tokens", 1024}}}}
    );
    json expected = body["messages"];
    for (const std::string id : {"toolu_1", "toolu_2", "toolu_3"}) {
        auto content = blocks;
        content.push_back(text_block("let me see"));
        content.push_back(tool_use(id, "weather", {{"at", "x"}}));
        models.on("a", anthropic_answer({.content = content, .stop_reason = "tool_use"}));
        const auto message = ask(gateway, body);
        ASSERT_EQ(message["content"], content) << message;
        EXPECT_EQ(message["id"], "msg_1");
        EXPECT_EQ(message["stop_reason"], "tool_use");
        EXPECT_EQ(models.last_request("a").json["messages"], expected);
        body["messages"].push_back({{"role", "assistant"}, {"content", message["content"]}});
        body["messages"].push_back(result_of(id));
        expected.push_back({{"role", "assistant"}, {"content", content}});
        expected.push_back(result_of(id));
    }
    models.on("a", anthropic_text("cold"));
    EXPECT_EQ(ask(gateway, body)["content"][0]["text"], "cold");
    EXPECT_EQ(models.last_request("a").json["messages"], expected);
    EXPECT_EQ(models.last_request("a").json["thinking"], body["thinking"]);
}

// Steps whose answer is passed on as it comes, and such whose answer is looked at first.
config_text cascades_of(const fake_upstream& models) {
    config_text out(models);
    out.upstream("a").upstream("b", anthropic_lines);
    for (const std::string name : {"a", "b"}) {
        out.cascade("live_" + name + ".v1", {name}, "expose_reasoning = true");
        out.raw(
            "[profiles.\"gated_" + name + ".v1\"]\ntype = \"cascade\"\nexpose_reasoning = true\n"
            + "steps = [{ use = \"" + name + "\", accept = { finish_reasons = [\"tool_calls\"] } }]"
        );
    }
    return out;
}

json thinking_request(const std::string& model) {
    return with(
        message_for(model, "How warm?"),
        {{"max_tokens", 4000},
         {"tools", {weather}},
         {"thinking", {{"type", "enabled"}, {"budget_tokens", 1024}}}}
    );
}

TEST_P(thinking_turns, come_back_through_a_cascade) {
    const gateway_process gateway(cascades_of(models));
    auto content = blocks;
    content.push_back(text_block("let me see"));
    content.push_back(tool_use("call_1", "weather", {{"at", "x"}}));
    models.on("a", thoughtful("call_1"));
    models.on("b", anthropic_answer({.content = content, .stop_reason = "tool_use"}));
    for (const std::string model : {"live_a.v1", "gated_a.v1", "live_b.v1", "gated_b.v1"}) {
        SCOPED_TRACE(model);
        const auto name = model.substr(model.find('_') + 1, 1);
        auto body = thinking_request(model);
        const auto message = ask(gateway, body);
        ASSERT_EQ(message["content"], content) << message;
        body["messages"].push_back({{"role", "assistant"}, {"content", message["content"]}});
        body["messages"].push_back(result_of("call_1"));
        EXPECT_EQ(ask(gateway, body)["content"], content);
        const auto sent = models.last_request(name).json["messages"];
        ASSERT_EQ(sent.size(), 3u);
        EXPECT_EQ(
            name == "a" ? sent[1]["thinking_blocks"] : sent[1]["content"],
            name == "a" ? blocks : content
        );
    }
}

TEST_P(thinking_turns, several_blocks_come_through_a_cascade_each_with_its_own_text) {
    const gateway_process gateway(cascades_of(models));
    const json content = {
        blocks[1],
        blocks[0],
        {{"type", "thinking"}, {"thinking", "and more"}, {"signature", "Ym90aA=="}},
        tool_use("call_1", "weather", {{"at", "x"}})
    };
    models.on("b", anthropic_answer({.content = content, .stop_reason = "tool_use"}));
    for (const std::string model : {"live_b.v1", "gated_b.v1"}) {
        EXPECT_EQ(ask(gateway, thinking_request(model))["content"], content) << model;
    }

    // A whole reply to a request for a stream is told in the same order.
    const std::string shown =
        blocks[0]["thinking"].get<std::string>() + content[2]["thinking"].get<std::string>();
    const json said = {
        {"role", "assistant"},
        {"content", nullptr},
        {"reasoning_content", shown},
        {"thinking_blocks", {content[0], content[1], content[2]}},
        {"tool_calls", {call_of("call_1", "weather", R"({"at": "x"})")}}
    };
    models.on(
        "a",
        json_reply(
            200,
            {{"id", "c"},
             {"object", "chat.completion"},
             {"model", "m"},
             {"choices", {{{"index", 0}, {"message", said}, {"finish_reason", "tool_calls"}}}}}
        )
    );
    for (const std::string model : {"live_a.v1", "gated_a.v1"}) {
        EXPECT_EQ(ask(gateway, thinking_request(model))["content"], content) << model;
    }
}

TEST(messages_stream, thinking_between_texts_keeps_its_place_in_a_cascade) {
    fake_upstream models;
    const gateway_process gateway(cascades_of(models));
    const json content = {
        blocks[0],
        text_block("let me see"),
        {{"type", "thinking"}, {"thinking", "and more"}, {"signature", "Ym90aA=="}},
        tool_use("call_1", "weather", {{"at", "x"}})
    };
    models.on("b", anthropic_answer({.content = content, .stop_reason = "tool_use"}));

    const auto message = message_of(stream_message(gateway, thinking_request("live_b.v1")));

    EXPECT_EQ(message["content"], content);
}

// As LiteLLM tells it: every piece in two members, the signature last.
TEST(messages_stream, thinking_in_pieces_comes_once_through_a_cascade) {
    fake_upstream models;
    const gateway_process gateway(cascades_of(models));
    const auto piece = [](const std::string& text) {
        return chunk(
            {{"reasoning_content", text},
             {"thinking_blocks",
              json::array({{{"type", "thinking"}, {"thinking", text}, {"signature", ""}}})}}
        );
    };
    const json seal = {{"type", "thinking"}, {"thinking", ""}, {"signature", "c2ln"}};
    models.on(
        "a",
        sse(
            {piece("h\u00fcm\u2028"),
             piece(" so"),
             chunk({{"thinking_blocks", json::array({seal})}}),
             chunk({{"content", "warm"}}),
             chunk(json::object(), "stop"),
             "[DONE]"}
        )
    );
    const auto expected = json::array(
        {{{"type", "thinking"}, {"thinking", "h\u00fcm\u2028 so"}, {"signature", "c2ln"}},
         text_block("warm")}
    );

    const auto direct = message_of(stream_message(gateway, message_for("a")));
    const auto stepped = message_of(stream_message(gateway, message_for("live_a.v1")));

    EXPECT_EQ(direct["content"], expected);
    EXPECT_EQ(stepped["content"], expected);
}

INSTANTIATE_TEST_SUITE_P(messages, thinking_turns, testing::Bool(), [](const auto& each) {
    return each.param ? "streamed" : "whole";
});

}  // namespace

}  // namespace meta_model::contract
