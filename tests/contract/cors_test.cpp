// Group D: what browsers ask.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

constexpr auto origin = "https://app.example";

http_reply preflight(
    const gateway_process& gateway, const std::string& from, header_list more = {}
) {
    more.emplace_back("Origin", from);
    more.emplace_back("Access-Control-Request-Method", "POST");
    return fetch(gateway.port(), {"OPTIONS", "/v1/models", more, {}});
}

std::string locked_list() {
    return std::string("cors_allow_origins = [\"") + origin + "\"]";
}

std::size_t origin_tokens(const http_reply& reply) {
    std::size_t count = 0;
    for (const auto& [name, value] : reply.headers) {
        if (!same_name(name, "Vary")) {
            continue;
        }
        auto rest = lower_case(value) + ",";
        for (auto comma = rest.find(','); comma != std::string::npos; comma = rest.find(',')) {
            auto token = rest.substr(0, comma);
            rest.erase(0, comma + 1);
            token.erase(0, token.find_first_not_of(' '));
            count += token == "origin" ? 1 : 0;
        }
    }
    return count;
}

TEST(cors, moa_48_a_preflight_is_answered_by_default) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = preflight(gateway, origin);

    EXPECT_EQ(reply.status, 204);
    EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "*");
    for (const char* method : {"GET", "POST", "DELETE", "OPTIONS"}) {
        EXPECT_TRUE(lists(reply.header("Access-Control-Allow-Methods"), method)) << method;
    }
    EXPECT_TRUE(
        contains_ignoring_case(reply.header("Access-Control-Allow-Headers"), "authorization")
    );
    EXPECT_TRUE(contains_ignoring_case(reply.header("Access-Control-Allow-Headers"), "content-type")
    );
    EXPECT_EQ(reply.header("Access-Control-Max-Age"), "86400");
    EXPECT_EQ(origin_tokens(reply), 1u);
    EXPECT_FALSE(reply.has("Access-Control-Allow-Credentials"));
}

TEST(cors, moa_49_requested_headers_are_echoed) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));
    const std::string asked = "authorization, x-stainless-os, openai-beta";

    const auto reply = preflight(gateway, origin, {{"Access-Control-Request-Headers", asked}});

    EXPECT_EQ(reply.header("Access-Control-Allow-Headers"), asked);
}

TEST(cors, moa_50_a_real_request_with_an_origin_gets_the_wildcard) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = get(gateway, "/v1/models", {{"Origin", origin}});

    EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(origin_tokens(reply), 1u);
    EXPECT_TRUE(contains_ignoring_case(
        reply.header("Access-Control-Expose-Headers"), "X-MetaModel-Request-Id"
    ));
}

TEST(cors, moa_51_a_listed_origin_is_named_back) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).server(locked_list()).upstream("a"));

    EXPECT_EQ(preflight(gateway, origin).header("Access-Control-Allow-Origin"), origin);
    EXPECT_EQ(
        get(gateway, "/v1/models", {{"Origin", origin}}).header("Access-Control-Allow-Origin"),
        origin
    );
}

TEST(cors, moa_52_a_foreign_origin_gets_nothing) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).server(locked_list()).upstream("a"));

    const auto asked = preflight(gateway, "https://evil.example");
    const auto real = get(gateway, "/v1/models", {{"Origin", "https://evil.example"}});

    EXPECT_EQ(asked.status, 204);
    EXPECT_FALSE(asked.has("Access-Control-Allow-Origin"));
    EXPECT_FALSE(real.has("Access-Control-Allow-Origin"));
    EXPECT_EQ(origin_tokens(real), 1u);
}

TEST(cors, moa_53_a_request_without_origin_still_varies) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).server(locked_list()).upstream("a"));

    const auto reply = get(gateway, "/v1/models");

    EXPECT_FALSE(reply.has("Access-Control-Allow-Origin"));
    EXPECT_EQ(origin_tokens(reply), 1u);
}

TEST(cors, moa_54_a_preflight_needs_no_token) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).server("bearer_token = \"t\"").upstream("a"));

    const auto reply = preflight(gateway, origin);

    EXPECT_EQ(reply.status, 204);
    EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "*");
}

TEST(cors, moa_55_a_refusal_can_be_read_by_the_listed_origin) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models).server(locked_list()).server("bearer_token = \"t\"").upstream("a")
    );

    const auto reply = get(gateway, "/v1/models", {{"Origin", origin}});

    expect_error(reply, {401, "invalid_request_error", "missing_api_key", std::nullopt});
    EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), origin);
}

TEST(cors, moa_56_vary_names_origin_exactly_once) {
    fake_upstream models;
    const json body = {{"id", "x"}, {"choices", json::array()}};
    models.on("a", json_reply(200, body, {{"Vary", "User-Origin-Sent"}}));
    models.on("b", json_reply(200, body, {{"Vary", "Accept, origin"}}));
    const gateway_process gateway(config_text(models).upstreams({"a", "b"}));

    for (const char* model : {"a", "b"}) {
        const auto reply = chat(gateway, say(model), {{"Origin", origin}});
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(origin_tokens(reply), 1u) << model;
    }
}

TEST(cors, a_simple_form_post_from_a_page_is_refused) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = fetch(
        gateway.port(),
        {"POST",
         "/v1/chat/completions",
         {{"Origin", origin}, {"Content-Type", "text/plain"}},
         say("a").dump()}
    );

    expect_envelope(reply, 415);
    EXPECT_EQ(reply.error_code(), "unsupported_media_type");
    EXPECT_EQ(models.call_count("a"), 0u);
}

TEST(cors, a_foreign_host_name_on_a_loopback_bind_is_refused) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models).server("allowed_hosts = [\"gate.example\"]").upstream("a")
    );

    expect_envelope(get(gateway, "/v1/models", {{"Host", "rebound.example"}}), 403);
    for (const char* host :
         {"127.0.0.1", "127.0.0.1:8400", "[::1]:8400", "localhost", "localhost:8400", "gate.example"
         }) {
        EXPECT_EQ(get(gateway, "/v1/models", {{"Host", host}}).status, 200) << host;
    }
}

}  // namespace

}  // namespace meta_model::contract
