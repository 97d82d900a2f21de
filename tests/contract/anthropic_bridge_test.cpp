// Anthropic upstreams beyond the acceptance rows: errors, thinking over turns, caches, words that exist on both wires.
#include "contract/anthropic_words.hpp"

namespace meta_model::contract {

namespace {

const json thinking = {{"type", "thinking"}, {"thinking", "hmm\n"}, {"signature", "c2ln+/="}};

class anthropic_bridge : public anthropic_upstream {};

TEST_F(anthropic_bridge, errors_are_told_in_the_words_of_openai) {
    const gateway_process gateway(config("", "[upstreams.a.retry]\nmax_attempts = 1\n"));
    const auto told = [&](const reply& error) {
        models.on("a", error);
        return chat(gateway, say("a"));
    };

    expect_error(
        told(anthropic_error(
            400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"
        )),
        {400, "invalid_request_error", "context_length_exceeded", {}}
    );
    expect_error(
        told(anthropic_error(529, "overloaded_error", "Overloaded")),
        {503, "service_unavailable_error", "overloaded", {}}
    );
    const auto limited =
        told(anthropic_error(429, "rate_limit_error", "slow down", {{"Retry-After", "7"}}));
    expect_error(limited, {429, "rate_limit_error", "rate_limit_exceeded", {}});
    EXPECT_EQ(limited.header("Retry-After"), "7");
    EXPECT_EQ(limited.json()["error"]["message"], "slow down");
}

TEST_F(anthropic_bridge, credentials_that_it_refuses_stay_here) {
    const gateway_process gateway(config());
    models.on("a", anthropic_error(401, "authentication_error", "invalid x-api-key"));

    const auto reply = chat(gateway, say("a"));

    EXPECT_EQ(reply.status, 502);
    EXPECT_EQ(reply.error_code(), "upstream_auth_failed");
}

TEST_F(anthropic_bridge, its_request_id_is_shown) {
    const gateway_process gateway(config());
    models.on("a", json_reply(400, {{"error", {{"type", "x"}}}}, {{"request-id", "req_9"}}));

    EXPECT_EQ(chat(gateway, say("a")).header("X-Upstream-Request-Id"), "req_9");
}

TEST_F(anthropic_bridge, words_that_exist_there_are_carried_over) {
    const gateway_process gateway(config(
        "structured_outputs = \"native\"\n",
        "request_overrides = { service_tier = \"standard_only\", seed = 1 }\n"
    ));

    const auto body = sent(
        gateway,
        with(
            say("a"),
            {{"user", "u-1"},
             {"temperature", 1.7},
             {"top_k", 5},
             {"seed", 7},
             {"logit_bias", json::object()},
             {"response_format",
              {{"type", "json_schema"},
               {"json_schema", {{"name", "n"}, {"schema", {{"type", "object"}}}}}}}}
        )
    );

    EXPECT_EQ(body["metadata"]["user_id"], "u-1");
    EXPECT_EQ(body["temperature"], 1);
    EXPECT_EQ(body["top_k"], 5);
    EXPECT_EQ(body["service_tier"], "standard_only");
    EXPECT_EQ(
        body["output_config"]["format"],
        json({{"type", "json_schema"}, {"schema", {{"type", "object"}}}})
    );
    EXPECT_FALSE(body.contains("seed"));
    EXPECT_FALSE(body.contains("logit_bias"));
    EXPECT_FALSE(body.contains("response_format"));
}

TEST_F(anthropic_bridge, a_tool_is_strict_where_the_api_keeps_to_schemas) {
    const json function{{"name", "f"}, {"parameters", {{"type", "object"}}}, {"strict", true}};
    const auto request =
        with(say("a"), {{"tools", json::array({{{"type", "function"}, {"function", function}}})}});
    const gateway_process native(config("structured_outputs = \"native\"\n"));
    EXPECT_EQ(sent(native, request)["tools"][0]["strict"], true);
    const gateway_process in_words(config());
    EXPECT_FALSE(sent(in_words, request)["tools"][0].contains("strict"));
}

TEST_F(anthropic_bridge, a_schema_is_told_in_the_system_text) {
    const gateway_process gateway(config());

    const auto body = sent(
        gateway,
        with(
            say("a"),
            {{"response_format",
              {{"type", "json_schema"},
               {"json_schema", {{"name", "n"}, {"schema", {{"title", "T1"}}}}}}}}
        )
    );

    EXPECT_NE(body["system"].get<std::string>().find(R"({"title":"T1"})"), std::string::npos);
}

TEST_F(anthropic_bridge, cacheable_beginnings_are_marked) {
    const gateway_process gateway(config("prompt_caching = true\n"));
    const json mark = {{"type", "ephemeral"}};
    const json messages = {
        {{"role", "system"}, {"content", "Be brief."}}, {{"role", "user"}, {"content", "one"}}
    };

    const auto ours = sent(gateway, ask(messages, {{"tools", {weather_tool()}}}));
    auto marked = messages;
    marked[1]["content"] = json::array(
        {{{"type", "text"},
          {"text", "one"},
          {"cache_control", {{"type", "ephemeral"}, {"ttl", "1h"}}}}}
    );
    const auto theirs = sent(gateway, ask(marked));

    EXPECT_EQ(ours["system"][0]["cache_control"], mark);
    EXPECT_EQ(ours["tools"][0]["cache_control"], mark);
    EXPECT_EQ(ours["messages"][0]["content"][0]["cache_control"], mark);
    EXPECT_EQ(theirs["system"], "Be brief.");
    EXPECT_EQ(theirs["messages"][0]["content"][0]["cache_control"]["ttl"], "1h");
}

TEST_F(anthropic_bridge, a_demanded_call_is_made_without_thinking) {
    const gateway_process gateway(config("thinking = \"adaptive\"\n"));

    const auto body =
        sent(gateway, with(say("a"), {{"tools", {weather_tool()}}, {"tool_choice", "required"}}));

    EXPECT_FALSE(body.contains("thinking"));
    EXPECT_EQ(body["tool_choice"]["type"], "any");
}

TEST_F(anthropic_bridge, thinking_is_sent_back_byte_for_byte) {
    const gateway_process gateway(config("thinking = \"enabled\"\nbudget_tokens = 1024\n"));
    const json hidden = {{"type", "redacted_thinking"}, {"data", "RXRl"}};
    const anthropic_message what{
        .content = {thinking, hidden, tool_use("toolu_1", "weather", {{"at", "x"}})},
        .stop_reason = "tool_use"
    };
    models.on("a", anthropic_answer(what));
    const json tools = {{"tools", {weather_tool()}}};
    const json question = {{"role", "user"}, {"content", "How warm?"}};

    auto answer =
        chat(gateway, ask(json::array({question}), tools)).json()["choices"][0]["message"];
    const json result = {{"role", "tool"}, {"tool_call_id", "toolu_1"}, {"content", "9"}};
    const auto next = sent(gateway, ask({question, answer, result}, tools));
    answer.erase("thinking_blocks");
    const auto lost = sent(gateway, ask({question, answer, result}, tools));

    EXPECT_EQ(next["messages"][1]["content"], what.content);
    EXPECT_TRUE(next.contains("thinking"));
    EXPECT_FALSE(lost.contains("thinking")) << "the API refuses a round without its thinking";
}

TEST_F(anthropic_bridge, one_choice_is_all_that_it_gives) {
    const gateway_process gateway(config().passthrough("thin.v1", "a"));

    for (const auto* model : {"a", "thin.v1"}) {
        for (const bool is_stream : {false, true}) {
            const auto reply = chat(gateway, with(say(model), {{"n", 2}, {"stream", is_stream}}));
            expect_error(reply, {400, "invalid_request_error", "unsupported_v1", "n"});
        }
    }
    EXPECT_TRUE(models.requests().empty());
    EXPECT_EQ(chat(gateway, with(say("a"), {{"n", 1}})).status, 200);
}

TEST_F(anthropic_bridge, a_block_that_begins_is_a_first_token) {
    const gateway_process gateway(config("", "[upstreams.a.timeouts]\nfirst_token_secs = 0.3\n"));
    std::vector<json> events{events_of({}).front()};
    events.push_back(
        {{"type", "content_block_start"},
         {"index", 0},
         {"content_block", {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}}}
    );
    for (int i = 0; i < 8; ++i) {
        events.push_back(
            {{"type", "content_block_delta"},
             {"index", 0},
             {"delta", {{"type", "thinking_delta"}, {"thinking", ""}}}}
        );
    }
    const auto rest = events_of({.content = json::array({text_block("at last")})});
    events.insert(events.end(), rest.begin() + 2, rest.end());
    models.on("a", in_pieces(200, 100ms, anthropic_events(events)));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.text(), "at last") << result.head.body;
    EXPECT_TRUE(result.has_done());
}

TEST_F(anthropic_bridge, a_long_error_of_a_stream_keeps_its_status) {
    const gateway_process gateway(config()
                                      .upstream("b")
                                      .upstream("c")
                                      .cascade("up.v1", {"a", "c"})
                                      .cascade("on.v1", {"b", "c"}));
    const std::string message(2000, 'x');
    const json error = {{"type", "invalid_request_error"}, {"message", message}};
    models.on("a", anthropic_events({{{"type", "error"}, {"error", error}}}));
    const json own = {{"error", {{"message", message}, {"code", 400}}}};
    models.on("b", text_reply(200, "text/event-stream", "data: " + own.dump() + "\n\n"));
    models.on("c", ok("from c"));

    for (const auto* model : {"up.v1", "on.v1"}) {
        const auto result = stream(gateway, say_streamed(model));
        EXPECT_EQ(result.head.status, 400) << model << ": " << result.head.body;
    }
    EXPECT_EQ(models.call_count("c"), 0u);
}

TEST_F(anthropic_bridge, what_it_writes_to_its_cache_costs_more) {
    const auto cost_of = [&](const std::string& price, bool is_streamed) {
        const gateway_process gateway(
            config("", "[upstreams.a.pricing]\ninput_usd_per_mtok = 4.0\n" + price)
                .cascade("steps.v1", {"a"})
        );
        const json traced = {{"x_meta_model", {{"trace", true}}}};
        if (!is_streamed) {
            return chat(gateway, with(say("steps.v1"), traced)).json()["x_meta_model"]["cost_usd"];
        }
        json out;
        for (const auto& chunk : stream(gateway, with(say_streamed("steps.v1"), traced)).chunks()) {
            out = chunk.value("x_meta_model", out);
        }
        return out["cost_usd"];
    };
    models.on(
        "a",
        anthropic_answer(
            {.content = json::array({text_block("hi")}),
             .usage =
                 {{"input_tokens", 100}, {"cache_creation_input_tokens", 1000}, {"output_tokens", 7}
                 }}
        )
    );

    for (const bool is_streamed : {false, true}) {
        EXPECT_DOUBLE_EQ(cost_of("", is_streamed).get<double>(), 0.0054);
        const auto twice = cost_of("cache_write_usd_per_mtok = 8.0\n", is_streamed);
        EXPECT_DOUBLE_EQ(twice.get<double>(), 0.0084);
    }
}

TEST_F(anthropic_bridge, pictures_in_tool_results_are_kept) {
    const gateway_process gateway(config("", "modalities = [\"text\", \"image\"]\n"));
    const json picture = {
        {"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,AA=="}}}
    };

    const auto body = sent(
        gateway,
        ask(
            {{{"role", "user"}, {"content", "Look."}},
             {{"role", "assistant"},
              {"content", nullptr},
              {"tool_calls", {call_of("c1", "shot", "{}")}}},
             {{"role", "tool"}, {"tool_call_id", "c1"}, {"content", {text_block("seen"), picture}}}}
        )
    );

    const auto& result = body["messages"][2]["content"][0]["content"];
    ASSERT_EQ(result.size(), 2u) << result;
    EXPECT_EQ(result[0], text_block("seen"));
    EXPECT_EQ(result[1]["source"]["data"], "AA==");
}

}  // namespace

}  // namespace meta_model::contract
