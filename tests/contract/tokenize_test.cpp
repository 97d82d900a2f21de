// Group R: the tokenizer of one of a model's upstreams.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

http_reply tokenize(const gateway_process& gateway, const json& body) {
    return fetch(
        gateway.port(), {"POST", "/tokenize", {{"Content-Type", "application/json"}}, body.dump()}
    );
}

json prompt_for(const std::string& model) {
    return {{"model", model}, {"prompt", "What is it?"}};
}

const json counted = {{"count", 4}, {"max_model_len", 4096}, {"tokens", {1, 2, 3, 4}}};

fake_upstream& answer_all(fake_upstream& models) {
    for (const auto* name : {"a", "b", "c"}) {
        models.on(name, json_reply(200, counted));
    }
    return models;
}

TEST(tokenize, moa_237_the_pinned_upstream_is_asked_beside_its_version) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(answer_all(models))
            .upstreams({"a", "b"})
            .upstream("c", "request_overrides = { temperature = 0.5 }")
            .moa("panel.v1", {"a", "b"}, "c", "tokenizer_upstream = \"b\"")
    );

    const auto reply = tokenize(
        gateway,
        with(
            prompt_for("panel.v1"),
            {{"add_special_tokens", false}, {"x_meta_model", {{"trace", false}}}}
        )
    );

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.json(), counted);
    EXPECT_EQ(reply.header("X-MetaModel-Tokenizer-Upstream"), "b");
    EXPECT_EQ(models.last_request("b").target, "/u/b/tokenize");
    EXPECT_EQ(
        models.last_request("b").json, with(prompt_for("org/b"), {{"add_special_tokens", false}})
    );
    EXPECT_EQ(models.requests().size(), 1u);
}

TEST(tokenize, moa_238_without_a_pin_the_strategy_chooses) {
    fake_upstream models;
    answer_all(models);
    const gateway_process gateway(
        config_text(models)
            .upstreams({"a", "b", "c"})
            .upstream_at("twin", models.base_url("b"), "model_id = \"org/a\"")
            .moa("panel.v1", {"a", "b"}, "c")
            .moa("twins.v1", {"a", "twin"}, "a")
            .cascade("steps.v1", {"b", "a"})
    );
    const std::vector<std::pair<std::string, std::string>> chosen{
        {"panel.v1", "c"}, {"twins.v1", "a"}, {"steps.v1", "b"}, {"a", "a"}
    };
    for (const auto& [model, upstream] : chosen) {
        const auto reply = tokenize(gateway, prompt_for(model));
        EXPECT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(reply.header("X-MetaModel-Tokenizer-Upstream"), upstream) << model;
        EXPECT_EQ(models.last_request(upstream).json, prompt_for("org/" + upstream));
    }
    const json wish = {{"x_meta_model", {{"profile", "steps.v1"}}}};
    EXPECT_EQ(
        tokenize(gateway, with(prompt_for("a"), wish)).header("X-MetaModel-Tokenizer-Upstream"), "b"
    );
}

TEST(tokenize, moa_239_voters_with_different_models_need_a_pin) {
    fake_upstream models;
    answer_all(models);
    const gateway_process gateway(config_text(models)
                                      .upstreams({"a", "b"})
                                      .voting("vote.v1", {"a", "b"})
                                      .voting("pinned.v1", {"a", "b"}, "tokenizer_upstream = \"b\"")
                                      .raw("[features]\nvoting = true\n"));

    const auto reply = tokenize(gateway, prompt_for("vote.v1"));

    expect_error(reply, {409, "invalid_request_error", "heterogeneous_tokenizer", "model"});
    EXPECT_NE(reply.body.find("tokenizer_upstream"), std::string::npos);
    EXPECT_EQ(
        tokenize(gateway, prompt_for("pinned.v1")).header("X-MetaModel-Tokenizer-Upstream"), "b"
    );
}

TEST(tokenize, moa_240_an_unknown_and_a_missing_model) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));

    EXPECT_EQ(tokenize(gateway, prompt_for("nobody")).status, 404);
    EXPECT_EQ(tokenize(gateway, prompt_for("nobody")).error_code(), "model_not_found");
    expect_error(
        tokenize(gateway, {{"prompt", "x"}}),
        {400, "invalid_request_error", "missing_model", "model"}
    );
    expect_error(
        tokenize(gateway, with(prompt_for("a"), {{"model", 5}})),
        {400, "invalid_request_error", std::nullopt, "model"}
    );
    EXPECT_EQ(tokenize(gateway, json::array()).error_code(), "invalid_request");
    EXPECT_EQ(models.requests().size(), 0u);
}

TEST(tokenize, without_a_tokenizer_the_count_is_an_estimate_that_says_so) {
    fake_upstream models;
    for (const int status : {404, 405, 501}) {
        models.on("a", json_reply(status, {{"detail", "no such path"}}));
        const gateway_process gateway(config_text(models).upstream("a"));
        for (int i = 0; i < 12; ++i) {
            const auto reply = tokenize(gateway, prompt_for("a"));
            ASSERT_EQ(reply.status, 200) << reply.body << i << ": no fault of the upstream's";
            EXPECT_EQ(reply.json()["count"], 5);  // 13 bytes
            EXPECT_EQ(reply.json()["estimated"], true);
            EXPECT_EQ(reply.json()["tokens"], json::array());
            EXPECT_GT(reply.json()["max_model_len"], 0);
            EXPECT_EQ(reply.header("X-MetaModel-Usage"), "estimated");
            EXPECT_FALSE(reply.has("X-MetaModel-Tokenizer-Upstream"));
        }
    }
}

TEST(tokenize, what_the_upstream_says_is_relayed_and_what_it_does_not_is_a_502) {
    fake_upstream models;
    const json refusal = {{"error", {{"message", "too long"}}}};
    models.on("refuses", json_reply(400, refusal));
    models.on("text", text_reply(200, "text/plain", "four \"tokens\""));
    models.on("secret", json_reply(401, refusal));
    models.on("closes", close_at_once());
    models.on("slow", hang());
    const gateway_process gateway(
        config_text(models)
            .upstreams({"refuses", "text", "secret", "closes"})
            .upstream("slow", "[upstreams.slow.timeouts]\nfirst_byte_secs = 0.2")
            .upstream_at("gone", models.refused_url())
    );

    const auto refused = tokenize(gateway, prompt_for("refuses"));
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json(), refusal);
    EXPECT_EQ(tokenize(gateway, prompt_for("text")).json(), (json{{"raw", "four \"tokens\""}}));
    EXPECT_EQ(tokenize(gateway, prompt_for("secret")).error_code(), "upstream_auth_failed");
    for (const auto* model : {"closes", "slow", "gone"}) {
        const auto reply = tokenize(gateway, prompt_for(model));
        expect_envelope(reply, 502);
        EXPECT_EQ(reply.error_code(), "upstream_unreachable") << model;
    }
}

TEST(tokenize, a_client_that_leaves_takes_its_call_along) {
    fake_upstream models;
    models.on("a", hang());
    const gateway_process gateway(config_text(models).upstream("a"));
    http_client client(gateway.port());
    client.send(request_bytes(
        {"POST", "/tokenize", {{"Content-Type", "application/json"}}, prompt_for("a").dump()}
    ));
    ASSERT_TRUE(models.wait_for_calls("a", 1));
    const auto left_at = clock::now();
    client.close();
    ASSERT_TRUE(models.wait_for_peer_close("a"));
    EXPECT_LT(*models.last_request("a").peer_closed - left_at, cancel_limit);
}

}  // namespace

}  // namespace meta_model::contract
