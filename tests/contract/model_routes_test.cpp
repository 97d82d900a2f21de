// Embeddings, rerank and moderations: the raw lane to one upstream, as for chats on passthroughs.
#include "contract/contract_test.hpp"

#include <array>

namespace meta_model::contract {

namespace {

struct route_case {
    std::string client_path;
    std::string upstream_path;
    json request;  // without the model
    json reply;    // without the model
};

const std::array cases{
    route_case{
        "/v1/embeddings",
        "/embeddings",
        {{"input", "What is it?"}},
        {{"object", "list"},
         {"data", {{{"object", "embedding"}, {"index", 0}, {"embedding", {0.25, -0.5}}}}},
         {"usage", {{"prompt_tokens", 5}, {"total_tokens", 5}}}}
    },
    route_case{
        "/v1/rerank",
        "/rerank",
        {{"query", "What is it?"}, {"documents", {"one", "two"}}},
        {{"id", "rerank-1"}, {"results", {{{"index", 1}, {"relevance_score", 0.75}}}}}
    },
    route_case{
        "/v1/moderations",
        "/moderations",
        {{"input", json::array({"What is it?"})}},
        {{"id", "modr-1"}, {"results", {{{"flagged", false}}}}}
    },
};

request_parts parts_of(const std::string& path, const std::string& body) {
    return {"POST", path, {{"Content-Type", "application/json"}}, body};
}

http_reply post(const gateway_process& gateway, const std::string& path, const std::string& body) {
    return fetch(gateway.port(), parts_of(path, body));
}

http_reply post(
    const gateway_process& gateway,
    const route_case& route,
    const std::string& model,
    const json& more = json::object()
) {
    return post(
        gateway, route.client_path, with(with(route.request, {{"model", model}}), more).dump()
    );
}

TEST(model_routes, a_request_and_its_reply_are_relayed_byte_for_byte) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a").passthrough("search.v1", "a"));
    for (const auto& route : cases) {
        const std::string reply_bytes =
            " {\"model\" :\"org/a\", \"kept\":1e400, " + route.reply.dump().substr(1) + "\n";
        models.on("a", text_reply(200, "application/json", reply_bytes));
        const auto rest = R"(, "unknown": [1.50, "\u00e9\/"], )" + route.request.dump().substr(1);

        const auto reply = post(gateway, route.client_path, R"({ "model" : "search.v1")" + rest);

        EXPECT_EQ(reply.status, 200) << route.client_path << reply.body;
        EXPECT_EQ(reply.body, reply_bytes);
        EXPECT_EQ(reply.header("Content-Type"), "application/json");
        EXPECT_EQ(reply.header("X-MetaModel-Profile"), "search.v1");
        EXPECT_EQ(reply.header("X-MetaModel-Generators"), "1");
        EXPECT_EQ(models.last_request("a").target, "/u/a/v1" + route.upstream_path);
        EXPECT_EQ(models.last_request("a").body, R"({ "model" : "org/a")" + rest);
    }
}

TEST(model_routes, an_upstream_is_addressed_directly_and_paths_are_found_without_version) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));
    for (const auto& route : cases) {
        models.on("a", json_reply(200, route.reply));
        const auto body = with(route.request, {{"model", "a"}}).dump();

        EXPECT_EQ(post(gateway, route.upstream_path, body).status, 200) << route.upstream_path;
        EXPECT_EQ(post(gateway, route.client_path + "/", body).status, 200);
        EXPECT_EQ(models.last_request("a").json["model"], "org/a");
    }
}

TEST(model_routes, what_the_client_did_not_send_stays_absent) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models)
            .server("system_prompt = \"Be brief.\"")
            .upstream(
                "a",
                "supports_thinking = true\nchat_template_kwargs = { enable_thinking = false }\n"
                "[upstreams.a.openai]\nreasoning_effort = \"low\"\n"
                "max_tokens_param = \"max_completion_tokens\""
            )
    );
    for (const auto& route : cases) {
        models.on("a", json_reply(200, route.reply));

        post(gateway, route, "a", {{"x_meta_model", {{"trace", false}}}});

        EXPECT_EQ(models.last_request("a").json, with(route.request, {{"model", "org/a"}}));
    }
}

TEST(model_routes, optional_fields_of_embeddings_travel_as_they_are) {
    fake_upstream models;
    models.on("a", json_reply(200, cases[0].reply));
    const gateway_process gateway(config_text(models).upstream("a"));
    const json fields = {
        {"dimensions", 2}, {"encoding_format", "base64"}, {"user", nullptr}, {"truncate", true}
    };

    EXPECT_EQ(post(gateway, cases[0], "a", fields).status, 200);

    EXPECT_EQ(
        models.last_request("a").json, with(with(cases[0].request, {{"model", "org/a"}}), fields)
    );
}

TEST(model_routes, the_operators_overrides_and_drops_hold) {
    fake_upstream models;
    models.on("a", json_reply(200, cases[0].reply));
    const gateway_process gateway(config_text(models).upstream(
        "a",
        "request_overrides = { dimensions = 256 }\n[upstreams.a.openai]\ndrop_params = [\"user\"]"
    ));

    post(gateway, cases[0], "a", {{"dimensions", 2}, {"user", "u"}});

    EXPECT_EQ(
        models.last_request("a").json,
        with(cases[0].request, {{"model", "org/a"}, {"dimensions", 256}})
    );
}

TEST(model_routes, a_wrong_type_is_a_400_that_names_the_field) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));
    const std::vector<std::pair<int, json>> wrong{
        {0, {{"input", 7}}},
        {0, {{"input", nullptr}}},
        {0, {{"dimensions", 0}}},
        {0, {{"encoding_format", 1}}},
        {0, {{"user", {1}}}},
        {1, {{"query", {1}}}},
        {1, {{"documents", "one"}}},
        {1, {{"top_n", -1}}},
        {1, {{"return_documents", "yes"}}},
        {2, {{"input", false}}},
        {2, {{"model", 5}}},
        {2, {{"x_meta_model", 5}}},
    };
    for (const auto& [index, change] : wrong) {
        const auto& route = cases.at(static_cast<std::size_t>(index));
        SCOPED_TRACE(change.dump());
        expect_error(
            post(gateway, route, "a", change),
            {400, "invalid_request_error", std::nullopt, change.begin().key()}
        );
    }
    for (const auto& route : cases) {
        for (const auto& [name, value] : route.request.items()) {
            auto body = with(route.request, {{"model", "a"}});
            body.erase(name);
            expect_error(
                post(gateway, route.client_path, body.dump()),
                {400, "invalid_request_error", std::nullopt, name}
            );
        }
        expect_error(
            post(gateway, route.client_path, route.request.dump()),
            {400, "invalid_request_error", std::nullopt, "model"}
        );
        EXPECT_EQ(post(gateway, route.client_path, "[]").error_code(), "invalid_json");
        EXPECT_EQ(
            post(gateway, route.client_path, R"({"model":"a","model":"b"})").error_code(),
            "invalid_json"
        );
    }
    const auto unnamed = post(gateway, cases.at(2).client_path, cases.at(2).request.dump());
    EXPECT_NE(unnamed.body.find("no model that moderates unless it is named"), std::string::npos)
        << unnamed.body;
    EXPECT_EQ(models.requests().size(), 0u);
}

TEST(model_routes, only_profiles_of_one_upstream_serve_them) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .upstreams({"a", "b"})
                                      .moa("panel.v1", {"a", "b"}, "a")
                                      .cascade("steps.v1", {"a", "b"}));
    for (const auto& route : cases) {
        for (const auto* model : {"panel.v1", "steps.v1"}) {
            expect_error(
                post(gateway, route, model),
                {400, "invalid_request_error", "feature_not_supported_in_v1", "model"}
            );
        }
        expect_error(
            post(gateway, route, "nobody"), {404, "not_found_error", "model_not_found", {}}
        );
    }
    EXPECT_EQ(models.requests().size(), 0u);
}

TEST(model_routes, upstream_failures_are_those_of_a_passthrough) {
    fake_upstream models;
    const json refusal = {{"error", {{"message", "too long"}, {"type", "x"}, {"extra", 1}}}};
    models.on("refuses", json_reply(422, refusal));
    models.on("secret", json_reply(401, refusal));
    models.on("page", html());
    models.on("list", json_array());
    models.on("error", json_reply(200, refusal));
    models.on("cut", cut_after(40, json_reply(200, cases[0].reply)));
    models.on("slow", hang());
    for (const auto& route : cases) {
        const gateway_process gateway(
            config_text(models)
                .upstreams({"refuses", "secret", "page", "list", "error", "cut"})
                .upstream("slow", "[upstreams.slow.timeouts]\nfirst_byte_secs = 0.2")
                .upstream_at("gone", models.refused_url())
        );
        const auto relayed = post(gateway, route, "refuses");
        EXPECT_EQ(relayed.status, 422);
        EXPECT_EQ(relayed.json(), refusal);
        const std::vector<std::tuple<std::string, int, std::string>> typed{
            {"secret", 502, "upstream_auth_failed"},
            {"page", 502, "upstream_protocol_error"},
            {"list", 502, "upstream_protocol_error"},
            {"error", 502, "upstream_error"},
            {"cut", 502, "upstream_error"},
            {"slow", 504, "upstream_timeout"},
            {"gone", 502, "upstream_error"},
        };
        for (const auto& [model, status, code] : typed) {
            SCOPED_TRACE(route.client_path + ' ' + model);
            const auto reply = post(gateway, route, model);
            expect_envelope(reply, status);
            EXPECT_EQ(reply.error_code(), code);
        }
    }
}

TEST(model_routes, a_client_that_leaves_takes_its_call_along_and_its_deadline_holds) {
    fake_upstream models;
    models.on("a", hang());
    const gateway_process gateway(config_text(models).upstream("a"));
    for (const auto& route : cases) {
        const auto late = post(gateway, route, "a", {{"x_meta_model", {{"deadline_ms", 100}}}});
        EXPECT_EQ(late.error_code(), "upstream_timeout");

        const auto before = models.call_count("a");
        http_client client(gateway.port());
        const auto body = with(route.request, {{"model", "a"}}).dump();
        client.send(request_bytes(parts_of(route.client_path, body)));
        ASSERT_TRUE(models.wait_for_calls("a", before + 1));
        const auto left_at = clock::now();
        client.close();
        ASSERT_TRUE(models.wait_for_peer_close("a"));
        EXPECT_LT(*models.last_request("a").peer_closed - left_at, cancel_limit);
    }
}

TEST(model_routes, the_facade_name_is_on_the_reply_and_reasoning_rules_leave_it_alone) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .server("model_name = \"one-model\"")
                                      .upstream("a")
                                      .passthrough("p.v1", "a", "expose_reasoning = false"));
    for (const auto& route : cases) {
        models.on("a", json_reply(200, with(route.reply, {{"model", "org/a"}})));

        const auto reply = post(gateway, route, "p.v1");

        EXPECT_EQ(reply.json(), with(route.reply, {{"model", "one-model"}}));
    }
}

TEST(model_routes, megabytes_of_vectors_arrive_whole) {
    fake_upstream models;
    json reply = cases[0].reply;
    reply["data"] = json::array();
    for (int i = 0; i < 200; ++i) {
        reply["data"].push_back(
            {{"object", "embedding"}, {"index", i}, {"embedding", std::vector<double>(3000, 0.125)}}
        );
    }
    models.on("a", json_reply(200, reply));
    const gateway_process gateway(
        config_text(models).upstream("a").passthrough("p.v1", "a", "expose_reasoning = false")
    );
    for (const auto* model : {"a", "p.v1"}) {
        const auto answer = post(gateway, cases[0], model);
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, reply.dump()) << model;
    }
}

TEST(model_routes, usage_reaches_the_access_line_and_is_estimated_where_none_is_told) {
    fake_upstream models;
    gateway_process gateway(config_text(models).upstream("a"));
    models.on("a", json_reply(200, cases[0].reply));
    const auto told = post(gateway, cases[0], "a");
    models.on("a", json_reply(200, cases[1].reply));
    const auto estimated = post(gateway, cases[1], "a");

    EXPECT_FALSE(told.has("X-MetaModel-Usage"));
    EXPECT_EQ(estimated.header("X-MetaModel-Usage"), "estimated");
    EXPECT_EQ(estimated.header("X-MetaModel-Prompt-Tokens-In"), "10");  // 26 bytes
    const auto metrics = get(gateway, "/metrics").body;
    EXPECT_NE(metrics.find(R"(upstream="a",outcome="ok"} 2)"), std::string::npos) << metrics;
    const auto log = final_log(gateway);
    EXPECT_NE(log.find("path=/v1/embeddings"), std::string::npos) << log;
    EXPECT_NE(log.find("tokens_in=5 tokens_out=0"), std::string::npos) << log;
    EXPECT_NE(log.find("tokens_in=10 tokens_out=0"), std::string::npos) << log;
}

TEST(model_routes, the_books_and_a_cost_limit_count_what_is_read) {
    fake_upstream models;
    models.on("a", json_reply(200, cases[0].reply));
    const gateway_process gateway(config_text(models).upstream(
        "a", "[upstreams.a.pricing]\ninput_usd_per_mtok = 2.0\noutput_usd_per_mtok = 1000.0"
    ));

    const auto paid = post(
        gateway, cases[0], "a", {{"x_meta_model", {{"trace", true}, {"max_cost_usd", 0.001}}}}
    );
    const auto refused =
        post(gateway, cases[0], "a", {{"x_meta_model", {{"max_cost_usd", 0.000001}}}});

    EXPECT_EQ(paid.status, 200) << paid.body;
    EXPECT_EQ(paid.header("X-MetaModel-Cost-USD").rfind("0.00001", 0), 0u)
        << paid.header("X-MetaModel-Cost-USD");
    EXPECT_EQ(paid.json()["data"], cases[0].reply["data"]);
    EXPECT_TRUE(paid.json()["x_meta_model"].is_object());
    EXPECT_FALSE(models.last_request("a").json.contains("max_tokens"));
    EXPECT_EQ(refused.error_code(), "cost_limit_exceeded");
    EXPECT_EQ(models.call_count("a"), 1u);
}

}  // namespace

}  // namespace meta_model::contract
