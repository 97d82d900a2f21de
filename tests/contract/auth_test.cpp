// Group C: bearer authentication.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

constexpr auto invalid_request = "invalid_request_error";

struct locked_gateway {
    fake_upstream models{};
    gateway_process gateway{config_text(models)
                                .server("bearer_token = \" right-token \"")
                                .upstream("a")
                                .passthrough("p", "a")};
};

header_list bearer(const std::string& token) {
    return {{"Authorization", "Bearer " + token}};
}

TEST(auth, moa_40_without_a_token_every_caller_is_let_in) {
    fake_upstream models;
    const gateway_process open(config_text(models).upstream("a"));
    const gateway_process blank(config_text(models).server("bearer_token = \"   \"").upstream("a"));

    EXPECT_EQ(get(open, "/v1/models").status, 200);
    EXPECT_EQ(get(open, "/v1/models", {{"Authorization", "garbage"}}).status, 200);
    EXPECT_EQ(get(blank, "/v1/models").status, 200);
    EXPECT_EQ(get(blank, "/v1/models", {{"Authorization", "garbage"}}).status, 200);
}

TEST(auth, moa_41_a_missing_or_other_scheme_is_a_missing_key) {
    locked_gateway locked;

    for (const header_list& headers :
         {header_list{}, header_list{{"Authorization", "Basic xyz"}}}) {
        const auto reply = get(locked.gateway, "/v1/models", headers);
        expect_error(reply, {401, invalid_request, "missing_api_key", std::nullopt});
        EXPECT_NE(
            reply.json()["error"]["message"].get<std::string>().find("Authorization"),
            std::string::npos
        );
        EXPECT_NE(reply.header("WWW-Authenticate").find("Bearer"), std::string::npos);
    }
}

TEST(auth, moa_42_a_wrong_bearer_is_an_invalid_key) {
    locked_gateway locked;

    for (const std::string token :
         {"wrong-token", "right-toke", "right-token-and-more", "", "RIGHT-TOKEN"}) {
        const auto reply = get(locked.gateway, "/v1/models", bearer(token));
        expect_error(reply, {401, invalid_request, "invalid_api_key", std::nullopt});
        EXPECT_TRUE(reply.has("WWW-Authenticate")) << token;
    }
}

TEST(auth, moa_43_the_right_bearer_opens) {
    locked_gateway locked;

    EXPECT_EQ(get(locked.gateway, "/v1/models", bearer("right-token")).status, 200);
    EXPECT_EQ(
        get(locked.gateway, "/v1/models", {{"Authorization", "bEARER  right-token "}}).status, 200
    );
    EXPECT_EQ(get(locked.gateway, "/v1/models", {{"x-api-key", "right-token"}}).status, 200);
}

TEST(auth, two_different_credentials_are_refused) {
    locked_gateway locked;

    const auto differing =
        get(locked.gateway,
            "/v1/models",
            {{"Authorization", "Bearer right-token"}, {"x-api-key", "other"}});
    const auto equal =
        get(locked.gateway,
            "/v1/models",
            {{"Authorization", "Bearer right-token"}, {"x-api-key", "right-token"}});

    expect_envelope(differing, 401);
    EXPECT_EQ(equal.status, 200);
}

TEST(auth, moa_44_every_family_asks_for_the_key_whatever_the_body) {
    locked_gateway locked;

    for (const char* path : {"/v1/models", "/v1/metrics/moa", "/v1/nothing/here"}) {
        expect_error(
            get(locked.gateway, path), {401, invalid_request, "missing_api_key", std::nullopt}
        );
    }
    for (const char* path :
         {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/tokenize"}) {
        for (const char* body : {"", "{}", "not json"}) {
            const auto reply = fetch(
                locked.gateway.port(), {"POST", path, {{"Content-Type", "application/json"}}, body}
            );
            expect_error(reply, {401, invalid_request, "missing_api_key", std::nullopt});
        }
    }
    EXPECT_TRUE(locked.models.requests().empty());
}

TEST(auth, moa_45_health_metrics_and_openapi_are_open) {
    locked_gateway locked;

    for (const char* path : {"/v1/health", "/health", "/livez", "/metrics", "/openapi.json"}) {
        EXPECT_NE(get(locked.gateway, path).status, 401) << path;
    }
}

TEST(auth, moa_46_the_key_is_judged_before_the_body) {
    locked_gateway locked;

    const auto wrong = chat_bytes(locked.gateway, "{not json", bearer("wrong"));
    const auto none = chat_bytes(locked.gateway, "{not json");

    expect_error(wrong, {401, invalid_request, "invalid_api_key", std::nullopt});
    expect_error(none, {401, invalid_request, "missing_api_key", std::nullopt});
}

TEST(auth, moa_47_a_byte_outside_ascii_is_a_wrong_key_not_a_fault) {
    locked_gateway locked;

    const auto reply = get(locked.gateway, "/v1/models", bearer("right-token\xff"));

    expect_error(reply, {401, invalid_request, "invalid_api_key", std::nullopt});
}

TEST(auth, the_gateways_own_token_may_come_from_the_environment_or_a_file) {
    fake_upstream models;
    const temporary_folder folder;
    const auto file = folder.write("token", "from-file\n");
    const gateway_process by_variable(
        config_text(models).server("bearer_token_env = \"GATE\"").upstream("a"),
        {{"GATE", "from-env"}}
    );
    const gateway_process by_file(
        config_text(models).server("bearer_token_file = \"" + file + "\"").upstream("a")
    );

    EXPECT_EQ(get(by_variable, "/v1/models").status, 401);
    EXPECT_EQ(get(by_variable, "/v1/models", bearer("from-env")).status, 200);
    EXPECT_EQ(get(by_file, "/v1/models").status, 401);
    EXPECT_EQ(get(by_file, "/v1/models", bearer("from-file")).status, 200);
}

}  // namespace

}  // namespace meta_model::contract
