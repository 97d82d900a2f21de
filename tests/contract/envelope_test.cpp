// Group E: error envelopes and validation of the chat request.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

constexpr auto invalid_request = "invalid_request_error";

struct small_gateway {
    fake_upstream models{};
    gateway_process gateway{config_text(models)
                                .upstreams({"a", "b", "s"})
                                .passthrough("fast.v1", "a")
                                .moa("panel.v1", {"a", "b"}, "s")};

    small_gateway() {
        for (const char* name : {"a", "b", "s"}) {
            models.on(name, ok("fine"));
        }
    }
};

TEST(envelope, moa_57_unknown_paths_and_wrong_methods_have_the_envelope) {
    small_gateway small;

    expect_error(
        get(small.gateway, "/v1/nothing"), {404, "not_found_error", std::nullopt, std::nullopt}
    );
    const auto post = fetch(small.gateway.port(), {"POST", "/v1/health", {}, {}});
    expect_error(post, {405, invalid_request, std::nullopt, std::nullopt});
    EXPECT_TRUE(lists(post.header("Allow"), "GET")) << post.header("Allow");
    expect_error(
        get(small.gateway, "/v1/chat/completions"),
        {405, invalid_request, std::nullopt, std::nullopt}
    );
}

TEST(envelope, moa_59_a_missing_field_is_named) {
    small_gateway small;

    const auto no_messages = chat(small.gateway, {{"model", "a"}});
    const auto no_role =
        chat(small.gateway, json::parse(R"({"model":"a","messages":[{"content":"x"}]})"));
    const auto no_model =
        chat(small.gateway, json::parse(R"({"messages":[{"role":"user","content":"x"}]})"));

    expect_error(no_messages, {400, invalid_request, std::nullopt, "messages"});
    expect_error(no_role, {400, invalid_request, std::nullopt, "messages[0].role"});
    EXPECT_EQ(no_model.status, 400);
    EXPECT_EQ(no_model.json()["error"]["param"], "model");
    EXPECT_TRUE(small.models.requests().empty());
}

TEST(envelope, fields_of_a_wrong_type_are_named) {
    small_gateway small;
    const std::vector<std::pair<json, std::string>> cases{
        {{{"model", 5}}, "model"},
        {{{"messages", json::array()}}, "messages"},
        {{{"messages", "hi"}}, "messages"},
        {{{"messages", json::array({"hi"})}}, "messages[0]"},
        {{{"messages", json::array({{{"role", "user"}, {"content", 7}}})}}, "messages[0].content"},
        {{{"stream", "yes"}}, "stream"},
        {{{"temperature", 3}}, "temperature"},
        {{{"temperature", "hot"}}, "temperature"},
        {{{"top_p", 1.5}}, "top_p"},
        {{{"max_tokens", 0}}, "max_tokens"},
        {{{"max_tokens", 1.5}}, "max_tokens"},
        {{{"n", 0}}, "n"},
        {{{"tools", "none"}}, "tools"},
        {{{"stop", 5}}, "stop"},
        {{{"stream_options", true}}, "stream_options"},
        {{{"x_meta_model", "p"}}, "x_meta_model"},
    };

    for (const auto& [change, param] : cases) {
        const auto reply = chat(small.gateway, with(say("a"), change));
        expect_error(reply, {400, invalid_request, std::nullopt, param});
    }
    EXPECT_TRUE(small.models.requests().empty());
}

TEST(envelope, explicit_nulls_count_as_absent) {
    small_gateway small;
    const json nulls = {
        {"stream", nullptr},
        {"stream_options", nullptr},
        {"temperature", nullptr},
        {"max_tokens", nullptr},
        {"parallel_tool_calls", nullptr},
        {"n", nullptr},
        {"tools", nullptr},
        {"x_meta_model", nullptr}
    };

    EXPECT_EQ(chat(small.gateway, with(say("a"), nulls)).status, 200);
    EXPECT_EQ(chat(small.gateway, with(say("panel.v1"), nulls)).status, 200);
}

TEST(envelope, moa_60_both_output_limits_conflict) {
    small_gateway small;

    const auto reply =
        chat(small.gateway, with(say("a"), {{"max_tokens", 5}, {"max_completion_tokens", 5}}));

    EXPECT_EQ(reply.error_code(), "conflicting_params");
    expect_envelope(reply, 400);
}

TEST(envelope, moa_61_several_choices_are_for_passthrough_only) {
    small_gateway small;

    const auto whole = chat(small.gateway, with(say("panel.v1"), {{"n", 2}}));
    const auto streamed = stream(small.gateway, with(say_streamed("panel.v1"), {{"n", 2}}));
    const auto carried = chat(small.gateway, with(say("a"), {{"n", 2}}));

    expect_envelope(whole, 400);
    EXPECT_EQ(whole.error_code(), "unsupported_v1");
    expect_envelope(streamed.head, 400);
    EXPECT_EQ(streamed.head.error_code(), "unsupported_v1");
    EXPECT_EQ(carried.status, 200);
    ASSERT_EQ(small.models.requests().size(), 1u);
    EXPECT_EQ(small.models.last_request("a").json["n"], 2);
}

TEST(envelope, moa_62_an_unknown_extension_key_is_named) {
    small_gateway small;

    const auto reply = chat(small.gateway, with(say("a"), {{"x_meta_model", {{"foo", 1}}}}));

    expect_error(reply, {400, invalid_request, std::nullopt, "x_meta_model.foo"});
}

TEST(envelope, moa_63_an_unknown_model_is_not_found) {
    small_gateway small;

    const auto reply = chat(small.gateway, say("ghost"));

    expect_error(reply, {404, "not_found_error", "model_not_found", std::nullopt});
    EXPECT_NE(reply.json()["error"]["message"].get<std::string>().find("ghost"), std::string::npos);
}

TEST(envelope, moa_64_an_unknown_profile_in_the_extension_is_the_one_named) {
    small_gateway small;

    const auto reply =
        chat(small.gateway, with(say("a"), {{"x_meta_model", {{"profile", "ghost.v1"}}}}));

    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.error_code(), "model_not_found");
    EXPECT_NE(
        reply.json()["error"]["message"].get<std::string>().find("ghost.v1"), std::string::npos
    );
}

TEST(envelope, moa_65_without_config_there_is_no_upstream) {
    const gateway_process gateway({{"serve", "--port", "0"}, {}, {}}, "listening on http://");

    expect_error(
        chat(gateway, say("x")), {503, "service_unavailable_error", "no_upstream", std::nullopt}
    );
}

TEST(envelope, a_voting_profile_without_its_feature_is_disabled) {
    fake_upstream models;
    const gateway_process gateway(
        config_text(models).upstreams({"a", "b"}).voting("v.v1", {"a", "b"}, "aliases = [\"poll\"]")
    );

    const auto reply = chat(gateway, say("poll"));

    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.error_code(), "feature_disabled");
    EXPECT_NE(reply.json()["error"]["message"].get<std::string>().find("v.v1"), std::string::npos);
}

TEST(envelope, request_ids_are_ours_except_a_valid_one_of_the_client) {
    small_gateway small;

    const auto made = chat(small.gateway, say("a"));
    const auto echoed = chat(small.gateway, say("a"), {{"X-Request-Id", "client-1.a_B"}});
    const auto refused = chat(small.gateway, say("a"), {{"X-Request-Id", "not valid!"}});

    EXPECT_EQ(made.header("X-MetaModel-Request-Id").rfind("metamodel-", 0), 0u);
    EXPECT_EQ(made.header("X-MetaModel-Request-Id").size(), 34u);
    EXPECT_EQ(made.header("X-Request-Id"), made.header("X-MetaModel-Request-Id"));
    EXPECT_EQ(made.header("OpenAI-Request-Id"), made.header("X-MetaModel-Request-Id"));
    EXPECT_EQ(echoed.header("X-Request-Id"), "client-1.a_B");
    EXPECT_EQ(echoed.header("X-MetaModel-Request-Id").rfind("metamodel-", 0), 0u);
    EXPECT_EQ(refused.header("X-Request-Id").rfind("metamodel-", 0), 0u);
    EXPECT_NE(made.header("X-MetaModel-Request-Id"), echoed.header("X-MetaModel-Request-Id"));
}

}  // namespace

}  // namespace meta_model::contract
