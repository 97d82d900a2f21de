// Clients of Anthropic's Messages API: whole answers, errors, counts and the list of models.
#include "contract/messages_words.hpp"
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

http_reply post(
    const gateway_process& gateway,
    const std::string& path,
    const std::string& body,
    header_list headers = {}
) {
    headers.push_back({"Content-Type", "application/json"});
    return fetch(gateway.port(), {"POST", path, std::move(headers), body});
}

TEST(messages, a_whole_answer_of_a_chat_upstream_is_a_message_byte_for_byte) {
    fake_upstream models;
    models.on("a", ok("there \"was\" a\nfrog é"));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = create_message(
        gateway,
        with(
            message_for("a"),
            {{"system", "Be brief."}, {"top_k", 5}, {"stop_sequences", {"END"}}, {"seed", 5}}
        )
    );

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(
        reply.body,
        R"({"id":"msg_upstream","type":"message","role":"assistant","model":"org/a","content":[{"type":"text","text":"there \"was\" a\nfrog é"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":11,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":7}})"
    );
    EXPECT_EQ(reply.header("request-id"), reply.header("X-MetaModel-Request-Id"));
    EXPECT_EQ(reply.header("X-MetaModel-Profile"), "a");
    EXPECT_EQ(reply.header("Content-Length"), std::to_string(reply.body.size()));
    EXPECT_EQ(models.last_request("a").target, "/u/a/v1/chat/completions");
    EXPECT_EQ(
        models.last_request("a").json,
        json(
            {{"model", "org/a"},
             {"messages",
              {{{"role", "system"}, {"content", "Be brief."}},
               {{"role", "user"}, {"content", "What is it?"}}}},
             {"max_tokens", 2000},
             {"stop", {"END"}},
             {"top_k", 5},
             {"seed", 5}}
        )
    );
}

TEST(messages, wishes_for_an_anthropic_upstream_reach_it_and_no_other) {
    fake_upstream models;
    models.on("a", anthropic_text("hello"));
    models.on("b", ok("hello"));
    const gateway_process gateway(
        config_text(models).upstream("a", anthropic_lines).upstream("b").cascade("steps.v1", {"a"})
    );
    const json more = {
        {"max_tokens", 4000},
        {"thinking", {{"type", "enabled"}, {"budget_tokens", 2048}}},
        {"metadata", {{"user_id", std::string(80, 'u')}}}
    };

    EXPECT_EQ(create_message(gateway, with(message_for("steps.v1"), more)).status, 200);
    EXPECT_EQ(create_message(gateway, with(message_for("b"), more)).status, 200);

    const auto sent = models.last_request("a").json;
    EXPECT_EQ(sent["thinking"], more["thinking"]);
    EXPECT_EQ(sent["metadata"], more["metadata"]);
    EXPECT_FALSE(sent.contains("x_meta_messages"));
    const auto chat = models.last_request("b").json;
    EXPECT_EQ(chat["reasoning_effort"], "low");
    EXPECT_EQ(chat["user"], std::string(64, 'u'));
    EXPECT_FALSE(chat.contains("x_meta_messages"));
    EXPECT_FALSE(chat.contains("thinking"));
}

TEST(messages, every_strategy_answers_whole_and_streamed) {
    panel p;
    const gateway_process gateway(
        p.config()
            .cascade("steps.v1", {"a", "b"})
            .passthrough("thin.v1", "a")
            .voting("vote.v1", {"a", "b", "c"}, "ballot = \"text\"\naggregation = \"plurality\"")
            .raw("[features]\nvoting = true")
    );
    for (const std::string model : {panel_name, "steps.v1", "thin.v1", "vote.v1", "a"}) {
        const auto whole = create_message(gateway, message_for(model));
        EXPECT_EQ(whole.status, 200) << whole.body;
        const auto message = whole.json();
        EXPECT_EQ(message["type"], "message") << model;
        EXPECT_EQ(message["stop_reason"], "end_turn");
        ASSERT_EQ(message["content"].size(), 1u) << message;
        const auto transcript = stream_message(gateway, message_for(model));
        EXPECT_TRUE(transcript.is_whole);
        ASSERT_FALSE(transcript.events.empty()) << model << transcript.head.body;
        EXPECT_EQ(transcript.events.front().type, "message_start") << model;
        EXPECT_EQ(transcript.events.back().type, "message_stop") << model;
        const auto streamed = message_of(transcript);
        EXPECT_EQ(streamed["content"], message["content"]) << model;
        EXPECT_EQ(streamed["model"], message["model"]) << model;
        EXPECT_EQ(streamed["stop_reason"], "end_turn");
    }
}

TEST(messages, what_was_called_and_found_goes_back_to_a_panel) {
    panel p;
    const gateway_process gateway(p.config());
    auto body = message_for(panel_name, "How warm?");
    body["messages"].push_back(
        {{"role", "assistant"}, {"content", {tool_use("t1", "weather", {{"at", "x"}})}}}
    );
    body["messages"].push_back(
        {{"role", "user"},
         {"content",
          {{{"type", "tool_result"}, {"tool_use_id", "t1"}, {"content", "9 degrees"}},
           text_block("Is that cold?")}}}
    );
    body["tools"] = {{{"name", "weather"}, {"input_schema", {{"type", "object"}}}}};

    const auto reply = create_message(gateway, body);

    EXPECT_EQ(reply.status, 200) << reply.body;
    const auto sent = p.models.last_request("a").json["messages"];
    ASSERT_EQ(sent.size(), 4u) << sent;
    EXPECT_EQ(sent[1]["tool_calls"][0], call_of("t1", "weather", R"({"at":"x"})"));
    EXPECT_EQ(sent[2], json({{"role", "tool"}, {"tool_call_id", "t1"}, {"content", "9 degrees"}}));
    EXPECT_EQ(sent[3]["content"], "Is that cold?");
}

TEST(messages, a_prefill_is_carried_by_passthroughs_and_left_out_by_ensembles) {
    panel p;
    const gateway_process gateway(p.config());
    auto body = message_for("a");
    body["messages"].push_back({{"role", "assistant"}, {"content", "It is"}});

    EXPECT_EQ(create_message(gateway, body).status, 200);
    EXPECT_EQ(p.models.last_request("a").json["messages"].back()["content"], "It is");
    body["model"] = panel_name;
    EXPECT_EQ(create_message(gateway, body).status, 200);
    EXPECT_EQ(p.models.last_request("a").json["messages"].back()["role"], "user");
    body["messages"].erase(0);
    const auto alone = create_message(gateway, body);
    expect_messages_error(alone, 400, "invalid_request_error");
    EXPECT_NE(
        alone.json()["error"]["message"].get<std::string>().find("messages"), std::string::npos
    );
}

TEST(messages, errors_before_the_body_are_in_its_envelope) {
    fake_upstream models;
    models.on("a", ok("hello"));
    const gateway_process gateway(config_text(models)
                                      .server("bearer_token = \"key\"")
                                      .server_table("limits", "max_body_bytes = 1000")
                                      .upstream("a"));
    const header_list key{{"x-api-key", "key"}};
    const auto body = message_for("a").dump();

    expect_messages_error(post(gateway, "/v1/messages", body), 401, "authentication_error");
    expect_messages_error(
        post(gateway, "/v1/messages", body, {{"x-api-key", "other"}}), 401, "authentication_error"
    );
    expect_messages_error(
        post(gateway, "/v1/messages/count_tokens", body), 401, "authentication_error"
    );
    expect_messages_error(post(gateway, "/v1/messages/batches", body, key), 404, "not_found_error");
    expect_messages_error(get(gateway, "/v1/messages", key), 405, "invalid_request_error");
    expect_messages_error(
        post(gateway, "/v1/messages", std::string(1001, ' '), key), 413, "request_too_large"
    );
    auto encoded = key;
    encoded.push_back({"Content-Encoding", "gzip"});
    expect_messages_error(
        post(gateway, "/v1/messages", body, encoded), 415, "invalid_request_error"
    );
    EXPECT_EQ(post(gateway, "/v1/messages", body, key).status, 200);
    EXPECT_EQ(post(gateway, "/messages", body, key).status, 200);
    expect_error(
        post(gateway, "/v1/messagesx", body, key),
        {404, "not_found_error", std::nullopt, std::nullopt}
    );
}

TEST(messages, what_is_wrong_with_a_request_is_named) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));

    expect_messages_error(post(gateway, "/v1/messages", "{"), 400, "invalid_request_error");
    expect_messages_error(
        post(gateway, "/v1/messages", "{\"model\":\"\xff\"}"), 400, "invalid_request_error"
    );
    const auto wrong =
        create_message(gateway, with(message_for("a"), {{"messages", {{{"role", "user"}}}}}));
    expect_messages_error(wrong, 400, "invalid_request_error");
    EXPECT_EQ(wrong.json()["error"]["message"], "messages.0.content: must be given");
    expect_messages_error(create_message(gateway, message_for("nobody")), 404, "not_found_error");
    const auto wish =
        create_message(gateway, with(message_for("a"), {{"x_meta_model", {{"trace", 5}}}}));
    expect_messages_error(wish, 400, "invalid_request_error");
    EXPECT_NE(
        wish.json()["error"]["message"].get<std::string>().find("x_meta_model.trace"),
        std::string::npos
    );
    EXPECT_TRUE(models.requests().empty());
}

TEST(messages, a_wrong_type_is_named_on_every_upstream) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a", anthropic_lines).upstream("b"));
    const std::vector<std::pair<std::string, json>> wrong{
        {"/v1/messages", {{"top_k", 1.5}}},
        {"/v1/messages", {{"service_tier", 5}}},
        {"/v1/messages", {{"output_config", "x"}}},
        {"/v1/messages/count_tokens", {{"output_config", "x"}}},
        {"/v1/messages/count_tokens", {{"output_format", 5}}},
    };
    for (const auto* upstream : {"a", "b"}) {
        for (const auto& [path, change] : wrong) {
            SCOPED_TRACE(path + change.dump() + upstream);
            const auto reply = post(gateway, path, with(message_for(upstream), change).dump());
            expect_messages_error(reply, 400, "invalid_request_error");
            EXPECT_NE(
                reply.json()["error"]["message"].get<std::string>().find(change.begin().key()),
                std::string::npos
            ) << reply.body;
        }
    }
    EXPECT_TRUE(models.requests().empty());
}

TEST(messages, what_an_upstream_refuses_is_told_in_the_words_of_the_wire) {
    fake_upstream models;
    const std::string once = "[upstreams.a.retry]\nmax_attempts = 1\n";
    const gateway_process gateway(
        config_text(models)
            .upstream("a", once)
            .upstream("b", std::string(anthropic_lines) + "[upstreams.b.retry]\nmax_attempts = 1\n")
            .passthrough("quiet.v1", "b", "expose_reasoning = false")
    );
    struct row {
        int status;
        std::string type;
    };
    for (const auto& [status, type] :
         {row{400, "invalid_request_error"},
          row{402, "billing_error"},
          row{404, "not_found_error"},
          row{413, "request_too_large"},
          row{422, "invalid_request_error"},
          row{429, "rate_limit_error"},
          row{500, "api_error"},
          row{503, "overloaded_error"},
          row{504, "timeout_error"}}) {
        models.on("a", json_reply(status, {{"error", {{"message", "because"}, {"type", "x"}}}}));
        const auto reply = create_message(gateway, message_for("a"));
        expect_messages_error(reply, status, type);
        EXPECT_EQ(reply.json()["error"]["message"], "because");
    }
    models.on("a", json_reply(401, {{"error", {{"message", "sk-secret"}}}}));
    const auto withheld = create_message(gateway, message_for("a"));
    expect_messages_error(withheld, 502, "api_error");
    EXPECT_EQ(withheld.body.find("sk-secret"), std::string::npos);
    models.on("b", anthropic_error(529, "overloaded_error", "Overloaded"));
    expect_messages_error(
        create_message(gateway, message_for("quiet.v1")), 503, "overloaded_error"
    );
}

TEST(messages, what_is_no_chat_completion_is_a_502) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models).upstream("a", "[upstreams.a.retry]\nmax_attempts = 1\n")
    );
    for (const auto& body : {json{{"foo", 1}}, json{{"choices", json::array()}}}) {
        models.on("a", json_reply(200, body));
        expect_messages_error(create_message(gateway, message_for("a")), 502, "api_error");
    }
}

TEST(messages, the_ledger_is_shown_to_who_asks_for_it) {
    panel p;
    const gateway_process gateway(p.config());
    const auto body = with(message_for(panel_name), {{"x_meta_model", {{"trace", true}}}});

    const auto whole = create_message(gateway, body).json();
    const auto streamed = stream_message(gateway, body);

    EXPECT_TRUE(whole["x_meta_model"].contains("legs")) << whole;
    ASSERT_GE(streamed.events.size(), 2u);
    const auto delta = (streamed.events.end() - 2)->json();
    EXPECT_EQ(delta["type"], "message_delta");
    EXPECT_TRUE(delta["x_meta_model"].contains("legs")) << delta;
    EXPECT_FALSE(create_message(gateway, message_for(panel_name)).json().contains("x_meta_model"));
}

TEST(messages, tokens_are_counted_by_an_upstream_that_can_and_else_estimated) {
    fake_upstream models;
    models.on("a", json_reply(200, {{"input_tokens", 42}}));
    const gateway_process gateway(config_text(models).upstream("a", anthropic_lines).upstream("b"));
    auto body = message_for("a");
    body.erase("max_tokens");
    body["system"] = "Be brief.";
    const auto count = [&](const json& request) {
        return post(gateway, "/v1/messages/count_tokens", request.dump());
    };

    const auto counted = count(body);
    EXPECT_EQ(counted.body, R"({"input_tokens":42})");
    EXPECT_EQ(models.last_request("a").target, "/u/a/v1/messages/count_tokens");
    EXPECT_EQ(models.last_request("a").json, with(body, {{"model", "org/a"}}));
    EXPECT_FALSE(counted.has("X-MetaModel-Usage"));

    body["model"] = "b";
    const auto estimated = count(body);
    EXPECT_EQ(estimated.status, 200) << estimated.body;
    EXPECT_GT(estimated.json()["input_tokens"], 5);
    EXPECT_EQ(estimated.json().size(), 1u);
    EXPECT_EQ(estimated.header("X-MetaModel-Usage"), "estimated");
    EXPECT_EQ(models.call_count("b"), 0u);
    const auto few = estimated.json()["input_tokens"].get<int>();
    body["tools"] = {{{"name", "f"}, {"input_schema", {{"type", "object"}}}}};
    EXPECT_GT(count(body).json()["input_tokens"].get<int>(), few);

    expect_messages_error(count({{"model", "b"}}), 400, "invalid_request_error");
    expect_messages_error(count(with(body, {{"model", "no"}})), 404, "not_found_error");
    models.on("a", anthropic_error(400, "invalid_request_error", "too much"));
    const auto refused = count(with(body, {{"model", "a"}}));
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json()["error"]["message"], "too much");
}

// Of each strategy a profile that has to count with `claude`, and one that can count with nobody.
TEST(messages, tokens_of_an_ensemble_are_counted_as_its_profile_has_it) {
    fake_upstream models;
    models.on("claude", json_reply(200, {{"input_tokens", 42}}));
    const gateway_process gateway(
        config_text(models)
            .upstreams({"a", "b"})
            .upstream("claude", anthropic_lines)
            .moa("moa.counted", {"a", "b"}, "claude")
            .moa("moa.estimated", {"claude", "a"}, "b")
            .cascade("cascade.counted", {"claude", "a"})
            .cascade("cascade.estimated", {"a", "claude"})
            .voting("voting.counted", {"a", "b", "claude"}, "tokenizer_upstream = \"claude\"")
            .voting("voting.estimated", {"a", "b"})
            .raw("[features]\nvoting = true")
    );
    const auto count = [&](const std::string& profile) {
        auto body = message_for(profile);
        body["system"] = "Be brief.";
        return post(gateway, "/v1/messages/count_tokens", body.dump());
    };
    std::size_t calls = 0;
    for (const std::string strategy : {"moa", "cascade", "voting"}) {
        SCOPED_TRACE(strategy);
        const auto counted = count(strategy + ".counted");
        EXPECT_EQ(counted.status, 200);
        EXPECT_EQ(counted.body, R"({"input_tokens":42})");
        EXPECT_FALSE(counted.has("X-MetaModel-Usage"));
        EXPECT_EQ(counted.header("X-MetaModel-Tokenizer-Upstream"), "claude");
        ASSERT_EQ(models.call_count("claude"), ++calls);
        const auto sent = models.last_request("claude");
        EXPECT_EQ(sent.target, "/u/claude/v1/messages/count_tokens");
        EXPECT_EQ(sent.json["model"], "org/claude");
        EXPECT_EQ(sent.json["system"], "Be brief.");

        const auto estimated = count(strategy + ".estimated");
        EXPECT_EQ(estimated.status, 200) << estimated.body;
        EXPECT_EQ(estimated.header("X-MetaModel-Usage"), "estimated");
        EXPECT_EQ(estimated.json().size(), 1u) << estimated.body;
        const auto tokens = estimated.json().value("input_tokens", 0);
        EXPECT_TRUE(tokens > 5 && tokens < 100) << tokens;
        EXPECT_EQ(models.requests().size(), calls) << "an estimate asks nobody";
    }
}

TEST(messages, models_are_listed_as_anthropic_does_to_who_names_its_version) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a").passthrough("b/c", "a"));
    const header_list version{{"anthropic-version", "2023-06-01"}};

    const auto list = get(gateway, "/v1/models", version).json();
    ASSERT_FALSE(list["data"].empty());
    EXPECT_EQ(list["has_more"], false);
    EXPECT_EQ(list["first_id"], list["data"].front()["id"]);
    EXPECT_EQ(list["last_id"], list["data"].back()["id"]);
    for (const auto& model : list["data"]) {
        EXPECT_EQ(model["type"], "model");
        EXPECT_EQ(model["display_name"], model["id"]);
        EXPECT_EQ(model["created_at"].get<std::string>().size(), 20u);
    }
    const auto one = get(gateway, "/v1/models/b%2Fc", version).json();
    EXPECT_EQ(one["id"], "b/c");
    EXPECT_EQ(one["type"], "model");
    expect_messages_error(get(gateway, "/v1/models/none", version), 404, "not_found_error");
    EXPECT_EQ(get(gateway, "/v1/models").json()["object"], "list");
    EXPECT_EQ(get(gateway, "/v1/models/b%2Fc").json()["object"], "model");
    expect_envelope(get(gateway, "/v1/models/none"), 404);
    expect_envelope(get(gateway, "/v1/models/%ff"), 404);
}

}  // namespace

}  // namespace meta_model::contract
