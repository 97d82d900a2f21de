// Group P: the legacy completions, on passthroughs and on ensembles.
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

request_parts parts_of(const std::string& body) {
    return {"POST", "/v1/completions", {{"Content-Type", "application/json"}}, body};
}

http_reply complete_text(const gateway_process& gateway, const json& body) {
    return fetch(gateway.port(), parts_of(body.dump()));
}

json prompt_for(const std::string& model, const std::string& prompt = "Once upon a time") {
    return {{"model", model}, {"prompt", prompt}};
}

std::string joined_text(const sse_transcript& transcript) {
    std::string out;
    for (const auto& event : transcript.chunks()) {
        for (const auto& choice : event["choices"]) {
            out += choice["text"].get<std::string>();
        }
    }
    return out;
}

sse_transcript stream_text(const gateway_process& gateway, const json& body) {
    http_client client(gateway.port());
    client.send(request_bytes(parts_of(with(body, {{"stream", true}}).dump())));
    return read_transcript(client);
}

TEST(completions, messages_are_refused_by_their_name) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = complete_text(gateway, with(prompt_for("a"), {{"messages", json::array()}}));

    expect_error(reply, {400, "invalid_request_error", "invalid_request", "messages"});
    EXPECT_EQ(models.call_count("a"), 0u);
}

TEST(completions, what_is_no_utf_8_is_not_told_back) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = fetch(
        gateway.port(), parts_of("{\"model\":\"a\",\"prompt\":\"x\",\"x_meta_model\":{\"\xff\":1}}")
    );

    expect_error(reply, {400, "invalid_request_error", "invalid_json", std::nullopt});
}

TEST(completions, moa_215_a_prompt_is_one_user_message_and_the_reply_a_text_completion) {
    fake_upstream models;
    models.on("a", ok("there \"was\" a\nfrog é"));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = complete_text(
        gateway, with(prompt_for("a"), {{"max_tokens", 9}, {"seed", 5}, {"suffix", nullptr}})
    );

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(models.last_request("a").target, "/u/a/v1/chat/completions");
    EXPECT_EQ(
        models.last_request("a").json,
        with(say("org/a", "Once upon a time"), {{"max_tokens", 9}, {"seed", 5}})
    );
    const auto body = reply.json();
    EXPECT_EQ(body["object"], "text_completion");
    EXPECT_EQ(body["id"], "cmpl-upstream");
    EXPECT_EQ(body["model"], "org/a");
    EXPECT_EQ(body["usage"]["total_tokens"], 18);
    EXPECT_EQ(
        body["choices"],
        json::parse(
            R"([{"text":"there \"was\" a\nfrog é","index":0,"logprobs":null,"finish_reason":"stop"}])"
        )
    );
    EXPECT_EQ(reply.header("Content-Length"), std::to_string(reply.body.size()));
    EXPECT_EQ(reply.header("X-MetaModel-Profile"), "a");
}

TEST(completions, moa_216_fields_that_chats_have_no_like_of_are_a_501) {
    panel p;
    const gateway_process gateway(p.config());
    const json fields = {
        {"echo", true},
        {"suffix", "end"},
        {"best_of", 2},
        {"logprobs", 3},
        {"response_format", {{"type", "text"}}},
        {"max_completion_tokens", 5},
        {"stream_options", {{"include_usage", true}}}
    };
    for (const auto& [name, value] : fields.items()) {
        expect_error(
            complete_text(gateway, with(prompt_for("a"), {{name, value}})),
            {501, "invalid_request_error", "unsupported_legacy_param", name}
        );
        EXPECT_EQ(complete_text(gateway, with(prompt_for("a"), {{name, nullptr}})).status, 200)
            << name << ": null is as good as absent";
        EXPECT_FALSE(p.models.last_request("a").json.contains(name));
    }
}

TEST(completions, moa_217_lists_of_prompts_and_several_choices_are_a_501) {
    panel p;
    const gateway_process gateway(p.config());

    expect_error(
        complete_text(gateway, with(prompt_for("a"), {{"prompt", {"one", "two"}}})),
        {501, "invalid_request_error", "unsupported_legacy_param", "prompt"}
    );
    expect_error(
        complete_text(gateway, with(prompt_for("a"), {{"n", 2}})),
        {501, "invalid_request_error", "unsupported_legacy_param", "n"}
    );
    EXPECT_EQ(complete_text(gateway, with(prompt_for("a"), {{"n", 1}})).status, 200);
}

TEST(completions, moa_218_a_missing_prompt_and_wrong_types_are_a_400) {
    panel p;
    const gateway_process gateway(p.config());

    expect_error(
        complete_text(gateway, {{"model", "a"}}),
        {400, "invalid_request_error", "invalid_request", "prompt"}
    );
    expect_error(
        complete_text(gateway, with(prompt_for("a"), {{"prompt", nullptr}})),
        {400, "invalid_request_error", "invalid_request", "prompt"}
    );
    expect_error(
        complete_text(gateway, with(prompt_for("a"), {{"max_tokens", 0}})),
        {400, "invalid_request_error", std::nullopt, "max_tokens"}
    );
    expect_error(
        complete_text(gateway, {{"prompt", "hello"}}),
        {400, "invalid_request_error", "missing_model", "model"}
    );
    EXPECT_EQ(fetch(gateway.port(), parts_of("[1]")).error_code(), "invalid_request");
    EXPECT_EQ(fetch(gateway.port(), parts_of("{\"prompt\":")).error_code(), "invalid_json");
    EXPECT_EQ(p.models.requests().size(), 0u);
}

TEST(completions, moa_219_an_unknown_model_or_profile_is_a_404_of_its_field) {
    panel p;
    const gateway_process gateway(p.config());
    for (const bool streams : {false, true}) {
        const json more = {{"stream", streams}};
        expect_error(
            complete_text(gateway, with(prompt_for("nobody"), more)),
            {404, "invalid_request_error", "model_not_found", "model"}
        );
        const json wish = {{"x_meta_model", {{"profile", "nobody"}}}};
        expect_error(
            complete_text(gateway, with(with(prompt_for("a"), more), wish)),
            {404, "invalid_request_error", "model_not_found", "model"}
        );
    }
}

TEST(completions, moa_220_a_stream_is_text_chunks_with_its_finish_heartbeats_and_end) {
    fake_upstream models;
    const auto go_on = make_gate();
    models.on(
        "a", held_after(2, go_on, ok("north south east west and then onwards forever again"))
    );
    const gateway_process gateway(
        config_text(models).server("stream_commit_secs = 0.2\nkeepalive_secs = 0.2").upstream("a")
    );
    http_client client(gateway.port());
    client.send(request_bytes(parts_of(with(prompt_for("a"), {{"stream", true}}).dump())));
    client.read_head();
    std::string body;
    while (body.find(": heartbeat\n\n") == std::string::npos) {
        ASSERT_EQ(client.read_body(body, clock::now() + 10s), body_end::open) << body;
    }
    go_on->open();
    while (client.read_body(body, clock::now() + 10s) == body_end::open) {
    }

    EXPECT_EQ(body.find("chat.completion.chunk"), std::string::npos) << body;
    EXPECT_EQ(body.find("delta"), std::string::npos);
    EXPECT_EQ(body.find("role"), std::string::npos);
    EXPECT_TRUE(body.ends_with("data: [DONE]\n\n")) << body;

    go_on->open();
    const auto transcript = stream_text(gateway, prompt_for("a"));
    EXPECT_EQ(joined_text(transcript), "north south east west and then onwards forever again");
    const auto chunks = transcript.chunks();
    ASSERT_GE(chunks.size(), 2u);
    EXPECT_EQ(chunks.front()["object"], "text_completion");
    EXPECT_EQ(chunks.front()["id"], "cmpl-upstream");
    EXPECT_EQ(chunks.front()["choices"][0]["finish_reason"], nullptr);
    EXPECT_EQ(chunks.back()["choices"][0]["text"], "");
    EXPECT_EQ(chunks.back()["choices"][0]["finish_reason"], "stop");
}

TEST(completions, moa_221_calls_are_an_empty_text_and_parts_are_joined) {
    fake_upstream models;
    models.on("caller", calls("look_up"));
    models.on(
        "parts",
        complete(
            {.message =
                 {{"role", "assistant"},
                  {"content",
                   {{{"type", "text"}, {"text", "one "}},
                    {{"type", "image_url"}, {"image_url", {{"url", "x"}}}},
                    {{"type", "text"}, {"text", "two"}}}}}}
        )
    );
    const gateway_process gateway(config_text(models).upstreams({"caller", "parts"}));

    const auto called = complete_text(gateway, prompt_for("caller")).json()["choices"][0];
    EXPECT_EQ(called["text"], "");
    EXPECT_EQ(called["finish_reason"], "tool_calls");
    EXPECT_EQ(complete_text(gateway, prompt_for("parts")).json()["choices"][0]["text"], "one two");
    const auto streamed = stream_text(gateway, prompt_for("caller"));
    EXPECT_EQ(joined_text(streamed), "");
    EXPECT_EQ(streamed.chunks().back()["choices"][0]["finish_reason"], "tool_calls");
}

TEST(completions, every_strategy_answers_whole_and_streamed) {
    panel p;
    const gateway_process gateway(p.config().cascade("steps.v1", {"a", "b"}));
    for (const std::string model : {panel_name, "steps.v1"}) {
        const auto whole = complete_text(gateway, prompt_for(model));
        EXPECT_EQ(whole.status, 200) << whole.body;
        EXPECT_EQ(whole.json()["object"], "text_completion");
        const auto text = whole.json()["choices"][0]["text"].get<std::string>();
        EXPECT_FALSE(text.empty());
        const auto transcript = stream_text(gateway, prompt_for(model));
        EXPECT_TRUE(transcript.has_done());
        EXPECT_EQ(joined_text(transcript), text) << model;
    }
}

TEST(completions, tokens_go_out_as_they_come) {
    fake_upstream models;
    const auto go_on = make_gate();
    models.on(
        "a", held_after(3, go_on, ok("first second third fourth fifth sixth seventh eighth"))
    );
    const gateway_process gateway(config_text(models).upstream("a"));
    http_client client(gateway.port());
    client.send(request_bytes(parts_of(with(prompt_for("a"), {{"stream", true}}).dump())));
    client.read_head();
    std::string body;
    while (body.find("\"text\":\"first") == std::string::npos) {
        ASSERT_EQ(client.read_body(body, clock::now() + 10s), body_end::open) << body;
    }
    go_on->open();
    while (client.read_body(body, clock::now() + 10s) == body_end::open) {
    }
    EXPECT_TRUE(body.ends_with("data: [DONE]\n\n"));
}

TEST(completions, errors_pass_unchanged_before_and_inside_a_stream) {
    fake_upstream models;
    const json refusal = {{"error", {{"message", "busy"}, {"type", "overloaded"}}}};
    models.on("busy", json_reply(429, refusal));
    models.on("cut", cut_after_sends(4, ok("words that never end well because of the cable")));
    const gateway_process gateway(config_text(models).upstreams({"busy", "cut"}));

    const auto refused = complete_text(gateway, prompt_for("busy"));
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.json(), refusal);
    const auto cut = stream_text(gateway, prompt_for("cut"));
    EXPECT_FALSE(cut.has_done());
    EXPECT_EQ(cut.error()["code"], "upstream_error");
}

TEST(completions, a_megabyte_of_text_arrives_whole) {
    fake_upstream models;
    const std::string text(3u << 20, 'x');
    models.on("a", ok(text));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = complete_text(gateway, prompt_for("a"));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json()["choices"][0]["text"], text);
    EXPECT_EQ(reply.header("Content-Length"), std::to_string(reply.body.size()));
}

}  // namespace

}  // namespace meta_model::contract
