// Group S, streams: what Anthropic's events become, what goes wrong with them, and the roles such an upstream may have.
#include "contract/anthropic_words.hpp"

#include <algorithm>

namespace meta_model::contract {

namespace {

const json thinking = {{"type", "thinking"}, {"thinking", "hmm \u00fc"}, {"signature", "c2ln+/="}};

class anthropic_streams : public testing::Test {
protected:
    fake_upstream models{};

    config_text config() {
        config_text out(models);
        out.upstream("a", anthropic_lines);
        return out;
    }
};

json block_start(int index, const json& block) {
    return {{"type", "content_block_start"}, {"index", index}, {"content_block", block}};
}

json delta(int index, const json& what) {
    return {{"type", "content_block_delta"}, {"index", index}, {"delta", what}};
}

json text_delta(int index, const std::string& text) {
    return delta(index, {{"type", "text_delta"}, {"text", text}});
}

json arguments(int index, const std::string& text) {
    return delta(index, {{"type", "input_json_delta"}, {"partial_json", text}});
}

json error_event(const std::string& type) {
    return {{"type", "error"}, {"error", {{"type", type}, {"message", "it broke"}}}};
}

// The beginning of an answer with some text, and its end.
std::vector<json> begun() {
    auto events = events_of({.content = json::array({text_block("alpha beta")})});
    events.resize(events.size() - 3);
    return events;
}

std::vector<json> plus(std::vector<json> events, const std::vector<json>& more) {
    events.insert(events.end(), more.begin(), more.end());
    return events;
}

const std::vector<json> ended{
    {{"type", "content_block_stop"}, {"index", 0}},
    {{"type", "message_delta"},
     {"delta", {{"stop_reason", "end_turn"}}},
     {"usage", {{"output_tokens", 7}}}},
    {{"type", "message_stop"}},
};

TEST_F(anthropic_streams, moa_248_a_stream_in_the_words_of_chat) {
    const gateway_process gateway(config());
    models.on(
        "a",
        in_pieces(
            7,
            0ms,
            anthropic_answer(
                {.content =
                     {thinking,
                      text_block("Let me \"look\".\n"),
                      tool_use("toolu_1", "weather", {{"at", "Köln"}}),
                      tool_use("toolu_2", "now")},
                 .stop_reason = "tool_use"}
            )
        )
    );

    const auto result = stream(gateway, say_streamed("a"));

    ASSERT_TRUE(result.has_done()) << result.head.body;
    EXPECT_TRUE(models.last_request("a").json["stream"].get<bool>());
    EXPECT_EQ(result.text(), "Let me \"look\".\n");
    EXPECT_EQ(result.finish_reason(), "tool_calls");
    std::string thought;
    json blocks;
    std::map<int, std::string> inputs;
    for (const auto& chunk : result.chunks()) {
        EXPECT_EQ(chunk["id"], "msg_1");
        EXPECT_EQ(chunk["model"], "claude-real");
        EXPECT_FALSE(chunk.contains("usage")) << "nobody asked for it";
        const auto& d = chunk["choices"][0]["delta"];
        thought += d.value("reasoning_content", "");
        blocks = d.contains("thinking_blocks") ? d["thinking_blocks"] : blocks;
        for (const auto& call : d.value("tool_calls", json::array())) {
            inputs[call["index"]] += call["function"].value("arguments", "");
        }
    }
    EXPECT_EQ(thought, "hmm ü");
    EXPECT_EQ(blocks, json::array({thinking}));
    EXPECT_EQ(inputs, (std::map<int, std::string>{{0, R"({"at":"Köln"})"}, {1, "{}"}}));
}

TEST_F(anthropic_streams, moa_249_a_stream_ends_with_the_usage_that_was_asked_for) {
    gateway_process gateway(config());
    models.on(
        "a",
        anthropic_answer(
            {.content = json::array({text_block("hi")}),
             .usage =
                 {{"input_tokens", 11},
                  {"cache_read_input_tokens", 1000},
                  {"output_tokens", 7},
                  {"output_tokens_details", {{"thinking_tokens", 3}}}}}
        )
    );

    const auto result =
        stream(gateway, with(say_streamed("a"), {{"stream_options", {{"include_usage", true}}}}));
    stream(gateway, say_streamed("a"));

    const auto chunks = result.chunks();
    ASSERT_FALSE(chunks.empty());
    const auto& last = chunks.back();
    EXPECT_EQ(last["choices"], json::array());
    EXPECT_EQ(last["usage"]["prompt_tokens"], 1011);
    EXPECT_EQ(last["usage"]["completion_tokens"], 7);
    EXPECT_EQ(last["usage"]["completion_tokens_details"]["reasoning_tokens"], 3);
    const auto log = final_log(gateway);
    const auto first = log.find("1011");
    ASSERT_NE(first, std::string::npos) << log;
    EXPECT_NE(log.find("1011", first + 1), std::string::npos) << "it counts unasked, too: " << log;
}

TEST_F(anthropic_streams, interleaved_calls_stay_apart) {
    const gateway_process gateway(config());
    const auto open = [](int index, const std::string& id) {
        return block_start(index, tool_use(id, "weather"));
    };
    models.on(
        "a",
        anthropic_events(
            {events_of({}).front(),
             open(3, "one"),
             arguments(3, "{\"a\""),
             open(5, "two"),
             arguments(5, "{\"b\":"),
             arguments(3, ":1}"),
             {{"type", "content_block_stop"}, {"index", 3}},
             arguments(5, "2}"),
             {{"type", "content_block_stop"}, {"index", 5}},
             {{"type", "message_delta"}, {"delta", {{"stop_reason", "tool_use"}}}},
             {{"type", "message_stop"}}}
        )
    );

    const auto result = stream(gateway, say_streamed("a"));

    std::map<int, std::string> calls;
    for (const auto& chunk : result.chunks()) {
        for (const auto& call : chunk["choices"][0]["delta"].value("tool_calls", json::array())) {
            calls[call["index"]] += call.value("id", "") + call["function"].value("arguments", "");
        }
    }
    EXPECT_EQ(calls, (std::map<int, std::string>{{0, "one{\"a\":1}"}, {1, "two{\"b\":2}"}}));
}

TEST_F(anthropic_streams, what_is_not_known_is_skipped) {
    const gateway_process gateway(config());
    models.on(
        "a",
        anthropic_events(plus(
            begun(),
            plus(
                {{{"type", "ping"}},
                 {{"type", "new_event"}, {"delta", {{"type", "text_delta"}, {"text", "no"}}}},
                 block_start(1, {{"type", "server_tool_use"}, {"id", "s"}, {"name", "web"}}),
                 arguments(1, "{\"q\":1}"),
                 block_start(2, {{"type", "new_block"}, {"text", "no"}}),
                 delta(2, {{"type", "new_delta"}, {"text", "no"}}),
                 text_delta(0, " gamma")},
                ended
            )
        ))
    );

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_TRUE(result.has_done());
    EXPECT_EQ(result.text(), "alpha beta gamma");
    EXPECT_EQ(result.finish_reason(), "stop");
}

TEST_F(anthropic_streams, an_error_before_the_answer_is_a_reply_with_its_status) {
    const gateway_process gateway(config());
    models.on("a", anthropic_events({events_of({}).front(), error_event("overloaded_error")}));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_FALSE(result.is_stream());
    EXPECT_EQ(result.head.status, 503) << result.head.body;
}

TEST_F(anthropic_streams, an_error_in_the_middle_is_the_last_event) {
    const gateway_process gateway(config());
    models.on("a", anthropic_events(plus(begun(), {error_event("api_error")})));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.text(), "alpha beta");
    EXPECT_FALSE(result.has_done());
    EXPECT_EQ(result.error()["message"], "it broke");
}

TEST_F(anthropic_streams, a_cut_stream_is_told_as_one) {
    const gateway_process gateway(config());
    models.on("a", anthropic_events(begun()));

    const auto ended_early = stream(gateway, say_streamed("a"));
    models.on(
        "a",
        cut_after_sends(
            1,
            raw_then_cut(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n"
                "data: "
                "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
                "\"text\":\"al\"}}\n\n"
            )
        )
    );
    const auto cut = stream(gateway, say_streamed("a"));

    for (const auto* result : {&ended_early, &cut}) {
        EXPECT_FALSE(result->has_done());
        EXPECT_EQ(result->error()["code"], "upstream_error") << result->head.body;
    }
    EXPECT_EQ(cut.text(), "al");
}

TEST_F(anthropic_streams, malformed_events_are_dropped) {
    const gateway_process gateway(config());
    std::string body;
    for (const auto& e : plus(begun(), ended)) {
        body += "data: " + e.dump() + "\n\ndata: {\"type\":\n\n";
    }
    models.on("a", text_reply(200, "text/event-stream", body));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_TRUE(result.has_done());
    EXPECT_EQ(result.text(), "alpha beta");
}

TEST_F(anthropic_streams, hidden_reasoning_stays_hidden) {
    const gateway_process gateway(config().passthrough("hidden.v1", "a", "expose_reasoning = false")
    );
    models.on("a", anthropic_answer({.content = {thinking, text_block("so")}}));

    const auto whole = chat(gateway, say("hidden.v1"));
    const auto streamed = stream(gateway, say_streamed("hidden.v1"));

    EXPECT_EQ(answer_text(whole), "so");
    EXPECT_EQ(whole.body.find("hmm"), std::string::npos) << whole.body;
    EXPECT_EQ(streamed.text(), "so");
    for (const auto& chunk : streamed.chunks()) {
        EXPECT_EQ(chunk.dump().find("hmm"), std::string::npos);
    }
}

// The roles of an upstream.

TEST_F(anthropic_streams, it_drafts_and_it_synthesizes) {
    const gateway_process gateway(
        config().upstream("s", anthropic_lines).upstream("b").moa("panel.v1", {"a", "b"}, "s")
    );
    models.on("a", anthropic_text("draft of a"));
    models.on("b", ok("draft of b"));
    models.on("s", anthropic_text("the answer"));

    const auto whole = chat(gateway, say("panel.v1"));
    const auto streamed = stream(gateway, say_streamed("panel.v1"));

    EXPECT_EQ(answer_text(whole), "the answer") << whole.body;
    EXPECT_EQ(whole.header("X-MetaModel-Quorum"), "2");
    EXPECT_EQ(whole.json()["model"], "panel.v1");
    EXPECT_EQ(streamed.text(), "the answer");
    EXPECT_TRUE(streamed.has_done());
    const auto shown = models.last_request("s").json.dump();
    EXPECT_NE(shown.find("draft of a"), std::string::npos);
    EXPECT_NE(shown.find("draft of b"), std::string::npos);
}

TEST_F(anthropic_streams, it_votes) {
    const gateway_process gateway(config()
                                      .upstream("b")
                                      .upstream("c", anthropic_lines)
                                      .voting("vote.v1", {"a", "b", "c"})
                                      .raw("[features]\nvoting = true"));
    models.on("a", anthropic_text("yes"));
    models.on("b", ok("no"));
    models.on("c", anthropic_text("Yes."));

    const auto reply = chat(gateway, say("vote.v1", "Is it?"));

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), "yes");
}

TEST_F(anthropic_streams, it_is_a_step_of_a_cascade) {
    const gateway_process gateway(
        config().upstream("b").cascade("up.v1", {"a", "b"}).cascade("down.v1", {"b", "a"})
    );
    models.on("a", anthropic_error(529, "overloaded_error", "Overloaded"));
    models.on("b", ok("from b"));
    const auto spared = chat(gateway, say("up.v1"));
    models.on("a", anthropic_text("from a"));
    models.on("b", json_reply(500, {{"error", {{"message", "down"}}}}));
    const auto stepped = chat(gateway, say("down.v1"));
    const auto streamed = stream(gateway, say_streamed("down.v1"));

    EXPECT_EQ(answer_text(spared), "from b") << spared.body;
    EXPECT_EQ(answer_text(stepped), "from a") << stepped.body;
    EXPECT_EQ(streamed.text(), "from a");
}

TEST_F(anthropic_streams, a_prompt_that_is_too_long_goes_to_a_larger_step) {
    const gateway_process gateway(
        config().upstream("large", "context = 100000").cascade("up.v1", {"a", "large"})
    );
    models.on(
        "a",
        anthropic_error(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")
    );
    models.on("large", ok("it fits"));

    EXPECT_EQ(answer_text(chat(gateway, say("up.v1"))), "it fits");
}

TEST_F(anthropic_streams, an_answer_as_json_to_a_stream_request_is_streamed) {
    const gateway_process gateway(config());
    models.on(
        "a",
        json_reply(
            200,
            {{"type", "message"},
             {"content", json::array({text_block("whole")})},
             {"stop_reason", "end_turn"}}
        )
    );

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_TRUE(result.has_done());
    EXPECT_EQ(result.text(), "whole");
}

TEST_F(anthropic_streams, a_client_that_leaves_ends_the_call) {
    const gateway_process gateway(config());
    models.on("a", hang_after_sends(4, in_pieces(100, 0ms, anthropic_events(begun()))));
    {
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(say_streamed("a").dump())));
        ASSERT_TRUE(models.wait_for_calls("a", 1));
    }
    EXPECT_TRUE(models.wait_for_peer_close("a"));
}

// Health.

TEST_F(anthropic_streams, moa_252_a_probe_carries_its_own_credentials) {
    const gateway_process gateway(config());

    EXPECT_EQ(get(gateway, "/v1/health").status, 200);

    ASSERT_FALSE(models.probes("a").empty());
    const auto probe = models.probes("a")[0];
    EXPECT_EQ(probe.target, "/u/a/v1/models");
    EXPECT_EQ(probe.header("x-api-key"), "sk-ant-1");
    EXPECT_EQ(probe.header("anthropic-version"), "2023-06-01");
    EXPECT_EQ(probe.header("Authorization"), "");
    EXPECT_TRUE(models.requests().empty());
}

TEST_F(anthropic_streams, a_probe_turns_the_pages_of_the_list) {
    const auto page = [](const std::string& id, bool has_more) -> json {
        return {{"data", {{{"id", id}}}}, {"has_more", has_more}, {"last_id", id}};
    };
    models.on_models("a", [&](const recorded_request& request) {
        const bool is_second = request.target.find("after_id=org%2Ffirst") != std::string::npos;
        return json_reply(200, is_second ? page("org/a", false) : page("org/first", true))(request);
    });
    const gateway_process gateway(config());

    EXPECT_EQ(get(gateway, "/v1/health").status, 200);
}

TEST_F(anthropic_streams, a_probe_knows_that_names_may_stand_for_a_version) {
    const auto answers = [&](const json& one) {
        models.on_models("a", [one](const recorded_request& request) {
            const bool is_one = request.target == "/u/a/v1/models/org%2Fa";
            return json_reply(200, is_one ? one : json({{"data", {{{"id", "org/a-20260101"}}}}}))(
                request
            );
        });
        const gateway_process gateway(config());
        return get(gateway, "/v1/health").status;
    };

    EXPECT_EQ(answers({{"type", "model"}, {"id", "org/a-20260101"}}), 200);
    EXPECT_EQ(answers({{"data", json::array()}}), 503);
}

}  // namespace

}  // namespace meta_model::contract
