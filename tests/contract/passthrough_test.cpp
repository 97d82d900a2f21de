// Group F, first part: the raw lane to one upstream.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

TEST(passthrough, moa_66_direct_addressing_replaces_the_model) {
    fake_upstream models;
    models.on("a", ok("hello"));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = chat(gateway, say("a"));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(answer_text(reply), "hello");
    EXPECT_EQ(models.last_request("a").target, "/u/a/v1/chat/completions");
    EXPECT_EQ(models.last_request("a").json["model"], "org/a");
    EXPECT_EQ(reply.header("X-MetaModel-Request-Id").rfind("metamodel-", 0), 0u);
    EXPECT_EQ(reply.header("X-MetaModel-Profile"), "a");
    EXPECT_EQ(reply.json()["model"], "org/a") << "the raw lane keeps what the upstream wrote";
}

TEST(passthrough, moa_67_credentials_reach_their_upstream) {
    fake_upstream models;
    models.on("keyed", ok("x"));
    models.on("basic", ok("x"));
    const gateway_process gateway(
        config_text(models)
            .upstream("keyed", "api_key = \"sesame\"")
            .upstream("basic", "basic_auth_user = \"alice\"\nbasic_auth_pass = \"wonderland\"")
    );

    chat(gateway, say("keyed"), {{"Authorization", "Bearer of-the-client"}});
    chat(gateway, say("basic"));

    EXPECT_EQ(models.last_request("keyed").header("Authorization"), "Bearer sesame");
    EXPECT_EQ(
        models.last_request("basic").header("Authorization"), "Basic YWxpY2U6d29uZGVybGFuZA=="
    );
}

TEST(passthrough, moa_68_a_panel_of_one_with_itself_is_one_relayed_call) {
    fake_upstream models;
    models.on("a", json_reply(200, {{"id", "ok"}, {"choices", json::array()}}));
    const gateway_process gateway(config_text(models).upstream("a").moa("solo.v1", {"a"}, "a"));

    const auto reply = chat(gateway, say("solo.v1"));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json()["id"], "ok");
    EXPECT_EQ(models.requests().size(), 1u);
}

TEST(passthrough, moa_69_nothing_is_added_to_the_body) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a"));

    chat(gateway, with(say("a"), {{"x_meta_model", {{"trace", false}}}}));

    EXPECT_EQ(models.last_request("a").json, say("org/a"));
}

TEST(passthrough, what_the_client_wrote_travels_byte_for_byte) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a"));
    const std::string rest =
        R"(, "messages" : [ {"role":"user","content":"caf\u00e9 \ud83d\ude00 \/ ünï"} ],  "seed": 123456789012345678901234567890, "unknown_field":{"z":1.50,"a":[1e400]}})";

    const auto reply = chat_bytes(gateway, R"({ "model" : "a")" + rest);

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(models.last_request("a").body, R"({ "model" : "org/a")" + rest);
}

TEST(passthrough, moa_70_configured_template_arguments_replace_the_clients) {
    fake_upstream models;
    models.on("thinker", ok("x"));
    models.on("plain", ok("x"));
    const gateway_process gateway(
        config_text(models)
            .upstream(
                "thinker",
                "supports_thinking = true\nchat_template_kwargs = { enable_thinking = false }"
            )
            .upstream("plain")
    );
    const json wish = {{"chat_template_kwargs", {{"enable_thinking", true}, {"more", 1}}}};

    chat(gateway, with(say("thinker"), wish));
    chat(gateway, with(say("plain"), wish));

    EXPECT_EQ(
        models.last_request("thinker").json["chat_template_kwargs"],
        json::parse(R"({"enable_thinking":false})")
    );
    EXPECT_FALSE(models.last_request("plain").json.contains("chat_template_kwargs"));
}

TEST(passthrough, moa_71_overrides_are_merged_over_the_body) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream(
        "a", "request_overrides = { reasoning_effort = \"low\", include_reasoning = false }"
    ));

    chat(gateway, with(say("a"), {{"reasoning_effort", "high"}}));

    const auto body = models.last_request("a").json;
    EXPECT_EQ(body["reasoning_effort"], "low");
    EXPECT_EQ(body["include_reasoning"], false);
    EXPECT_EQ(models.last_request("a").body.find("high"), std::string::npos)
        << "no duplicate member remains";
}

TEST(passthrough, moa_72_overrides_cannot_change_model_or_template_arguments) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream(
        "a",
        "request_overrides = { model = \"other\", chat_template_kwargs = { x = 1 }, top_k = 5 }"
    ));

    chat(gateway, say("a"));

    const auto body = models.last_request("a").json;
    EXPECT_EQ(body["model"], "org/a");
    EXPECT_FALSE(body.contains("chat_template_kwargs"));
    EXPECT_EQ(body["top_k"], 5);
}

TEST(passthrough, moa_73_an_upstreams_own_error_object_is_relayed) {
    fake_upstream models;
    const json body = {{"error", {{"message", "busy"}, {"type", "overloaded"}, {"extra", 1}}}};
    models.on("a", json_reply(503, body));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = chat(gateway, say("a"));

    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.json(), body);
    EXPECT_EQ(reply.header("X-MetaModel-Request-Id").rfind("metamodel-", 0), 0u);
}

TEST(passthrough, moa_74_transport_faults_are_typed) {
    fake_upstream models;
    models.on("silent", hang());
    models.on("html", html());
    const gateway_process gateway(
        config_text(models)
            .upstream("silent", "[upstreams.silent.timeouts]\nfirst_byte_secs = 0.2")
            .upstream("html")
            .upstream_at("refusing", models.refused_url())
    );

    const auto start = clock::now();
    const auto silent = chat(gateway, say("silent"));
    const auto took = clock::now() - start;
    const auto refused = chat(gateway, say("refusing"));
    const auto garbled = chat(gateway, say("html"));

    expect_error(silent, {504, "api_error", "upstream_timeout", std::nullopt});
    EXPECT_LT(took, 1000ms);
    EXPECT_TRUE(models.wait_for_peer_close("silent"));
    expect_error(refused, {502, "api_error", "upstream_error", std::nullopt});
    expect_error(garbled, {502, "api_error", "upstream_protocol_error", std::nullopt});
}

TEST(passthrough, the_whole_request_has_a_deadline) {
    fake_upstream models;
    models.on("a", hang());
    const gateway_process gateway(
        config_text(models).server("request_timeout_secs = 1").upstream("a")
    );
    const auto start = clock::now();

    const auto reply = chat(gateway, say("a"));

    expect_error(reply, {504, "api_error", "upstream_timeout", std::nullopt});
    EXPECT_GE(reply.end_at - start, 900ms);
    EXPECT_LT(reply.end_at - start, 2000ms);
    EXPECT_TRUE(models.wait_for_peer_close("a"));
}

TEST(passthrough, moa_75_its_headers_tell_a_panel_of_one) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a").passthrough("fast.v1", "a"));

    const auto reply = chat(gateway, say("fast.v1"));

    EXPECT_EQ(reply.header("X-MetaModel-Profile"), "fast.v1");
    EXPECT_EQ(reply.header("X-MetaModel-Compacted-N"), "0");
    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "1");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "1");
    EXPECT_EQ(reply.header("X-MetaModel-Fallback-Reason"), "none");
    EXPECT_GT(std::stoi(reply.header("X-MetaModel-Prompt-Tokens-In")), 0);
    EXPECT_EQ(
        reply.header("X-MetaModel-Prompt-Tokens-In"), reply.header("X-MetaModel-Prompt-Tokens-Out")
    );
    EXPECT_EQ(reply.header("X-MetaModel-Tools-Tokens"), "0");
}

TEST(passthrough, moa_79_openai_options_set_rename_and_drop) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream(
        "a",
        "[upstreams.a.openai]\nreasoning_effort = \"xhigh\"\nmax_tokens_param = "
        "\"max_completion_tokens\"\n"
        "drop_params = [\"temperature\", \"top_p\"]"
    ));

    chat(
        gateway,
        with(say("a"), {{"max_tokens", 256}, {"temperature", 0.5}, {"top_p", 0.9}, {"seed", 4}})
    );

    EXPECT_EQ(
        models.last_request("a").json,
        with(
            say("org/a"),
            {{"reasoning_effort", "xhigh"}, {"max_completion_tokens", 256}, {"seed", 4}}
        )
    );
}

TEST(passthrough, moa_80_without_options_nothing_is_touched) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a"));
    const json wishes = {{"max_tokens", 256}, {"temperature", 0.5}};

    chat(gateway, with(say("a"), wishes));

    EXPECT_EQ(models.last_request("a").json, with(say("org/a"), wishes));
}

TEST(passthrough, only_named_headers_reach_the_upstream) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = chat(
        gateway,
        say("a"),
        {{"Cookie", "c=1"},
         {"X-Forwarded-For", "1.2.3.4"},
         {"OpenAI-Organization", "org"},
         {"OpenAI-Beta", "b=v1"},
         {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
         {"User-Agent", "sdk/1"}}
    );

    const auto seen = models.last_request("a");
    for (const char* name : {"Cookie", "X-Forwarded-For", "OpenAI-Organization", "Authorization"}) {
        EXPECT_FALSE(has_header(seen.headers, name)) << name;
    }
    EXPECT_EQ(seen.header("OpenAI-Beta"), "b=v1");
    EXPECT_EQ(
        seen.header("traceparent"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    );
    EXPECT_EQ(seen.header("User-Agent").rfind("meta-model/", 0), 0u);
    EXPECT_EQ(seen.header("Accept-Encoding"), "identity");
    EXPECT_EQ(seen.header("X-Request-Id"), reply.header("X-MetaModel-Request-Id"));
    EXPECT_EQ(seen.header("Content-Type"), "application/json");
}

TEST(passthrough, upstream_headers_stay_behind_except_the_named_ones) {
    fake_upstream models;
    models.on(
        "a",
        json_reply(
            429,
            {{"error", {{"message", "slow down"}}}},
            {{"Retry-After", "7"},
             {"Set-Cookie", "c=1"},
             {"Server", "secret/1"},
             {"x-ratelimit-remaining-requests", "3"},
             {"x-request-id", "up-1"}}
        )
    );
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = chat(gateway, say("a"));

    EXPECT_EQ(reply.status, 429);
    EXPECT_EQ(reply.header("Retry-After"), "7");
    EXPECT_EQ(reply.header("x-ratelimit-remaining-requests"), "3");
    EXPECT_EQ(reply.header("X-Upstream-Request-Id"), "up-1");
    EXPECT_FALSE(reply.has("Set-Cookie"));
    EXPECT_NE(reply.header("Server"), "secret/1");
}

}  // namespace

}  // namespace meta_model::contract
