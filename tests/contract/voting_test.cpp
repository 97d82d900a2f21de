// Group L: votes of yes and no, as they always were on the wire.
#include "contract/voters.hpp"

namespace meta_model::contract {

namespace {

const reply busy = json_reply(503, {{"error", {{"message", "busy"}}}});

TEST(voting, moa_171_one_yes_is_enough) {
    voters v("no", "", "no");
    const gateway_process gateway(v.config());

    const auto reply = chat_with_last(v, gateway, say(vote_name), "b", "Yes.");

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(answer_text(reply), "yes");
    EXPECT_EQ(reply.header("X-MetaModel-Verdict"), "yes");
    EXPECT_EQ(reply.header("X-MetaModel-Voters"), "3");
    EXPECT_EQ(reply.header("X-MetaModel-Vote-Failures"), "0");
    EXPECT_EQ(extension(reply), (json{{"votes", {"no", "yes", "no"}}, {"verdict", "yes"}}));
}

TEST(voting, moa_171_all_no_is_no) {
    voters v("No", "no, it is not", "NO");
    const gateway_process gateway(v.config());

    const auto reply = chat(gateway, say(vote_name));

    const auto body = reply.json();
    EXPECT_EQ(body["object"], "chat.completion");
    EXPECT_EQ(body["model"], vote_name);
    EXPECT_EQ(body["id"].get<std::string>().rfind("metamodel-vote-", 0), 0u);
    EXPECT_EQ(body["id"].get<std::string>().size(), 15u + 24u);
    ASSERT_EQ(body["choices"].size(), 1u);
    EXPECT_EQ(body["choices"][0]["message"]["content"], "no");
    EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
    EXPECT_EQ(body["usage"]["total_tokens"], 3 * 18) << "the sum of what the voters reported";
    EXPECT_EQ(extension(reply), (json{{"votes", {"no", "no", "no"}}, {"verdict", "no"}}));
    EXPECT_EQ(reply.header("X-MetaModel-Verdict"), "no");
    EXPECT_FALSE(reply.has("X-MetaModel-Usage"));
}

TEST(voting, moa_172_a_failed_voter_has_the_failure_vote) {
    voters v("no", "no", "no");
    v.models.on("b", busy);
    const gateway_process yes(v.config());
    const gateway_process no(v.config("failure_vote = \"no\""));

    const auto counted_as_yes = chat(yes, say(vote_name));
    const auto counted_as_no = chat(no, say(vote_name));

    EXPECT_EQ(answer_text(counted_as_yes), "yes");
    EXPECT_EQ(counted_as_yes.header("X-MetaModel-Vote-Failures"), "1");
    EXPECT_EQ(extension(counted_as_yes)["votes"], (json{"no", "yes", "no"}));
    EXPECT_EQ(answer_text(counted_as_no), "no");
    EXPECT_EQ(counted_as_no.header("X-MetaModel-Vote-Failures"), "1");
}

TEST(voting, moa_172_when_all_fail_the_failure_vote_is_the_answer) {
    voters v("no", "no", "no");
    v.models.on("a", busy);
    v.models.on("b", html());
    v.models.on("c", reset_at_once());
    const gateway_process gateway(v.config());

    const auto reply = chat(gateway, say(vote_name));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(answer_text(reply), "yes");
    EXPECT_EQ(reply.header("X-MetaModel-Vote-Failures"), "3");
    EXPECT_EQ(reply.header("X-MetaModel-Usage"), "estimated");
    EXPECT_FALSE(reply.json().contains("usage"));
}

TEST(voting, moa_173_without_the_feature_it_is_disabled) {
    fake_upstream models;
    const gateway_process gateway(config_text(models)
                                      .upstreams({"a", "b"})
                                      .voting(vote_name, {"a", "b"}, "aliases = [\"poll\"]"));

    for (const char* name : {vote_name, "poll"}) {
        const auto reply = chat(gateway, say(name));
        EXPECT_EQ(reply.status, 400);
        EXPECT_EQ(reply.error_code(), "feature_disabled");
        EXPECT_NE(reply.body.find(vote_name), std::string::npos);
    }
    EXPECT_TRUE(models.requests().empty());
}

TEST(voting, moa_174_voters_get_no_tools_and_few_tokens) {
    voters v("no", "no", "no");
    const gateway_process gateway(v.config());
    const json tool = {{"type", "function"}, {"function", {{"name", "f"}}}};

    const auto reply = chat(
        gateway,
        with(
            say(vote_name),
            {{"max_completion_tokens", 900},
             {"tools", json::array({tool})},
             {"tool_choice", "auto"},
             {"parallel_tool_calls", true},
             {"response_format", {{"type", "json_object"}}},
             {"temperature", 1.5},
             {"user", "u-1"}}
        )
    );

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("X-MetaModel-Tools-Tokens"), "0");
    for (const char* name : {"a", "b", "c"}) {
        const auto sent = v.models.last_request(name).json;
        for (const char* key :
             {"max_completion_tokens",
              "tools",
              "tool_choice",
              "parallel_tool_calls",
              "response_format",
              "x_meta_model"}) {
            EXPECT_FALSE(sent.contains(key)) << name << ' ' << key;
        }
        EXPECT_EQ(sent["max_tokens"], 5);
        EXPECT_EQ(sent["temperature"], 0);
        EXPECT_EQ(sent["user"], "u-1");
        EXPECT_EQ(sent["messages"], say(vote_name)["messages"]);
    }
}

TEST(voting, moa_175_what_says_neither_has_the_failure_vote) {
    voters v("no", "unknown", "no");
    const gateway_process gateway(v.config());

    const auto reply = chat(gateway, say(vote_name));

    EXPECT_EQ(answer_text(reply), "yes");
    EXPECT_EQ(extension(reply)["votes"], (json{"no", "yes", "no"}));
    EXPECT_EQ(reply.header("X-MetaModel-Vote-Failures"), "0") << "its call did not fail";
}

TEST(voting, reasoning_is_no_vote) {
    voters v("<think>yes, surely</think>no", "no", "no");
    v.models.on("b", with_reasoning("", "no, because"));
    const gateway_process gateway(v.config());

    const auto reply = chat(gateway, say(vote_name));

    EXPECT_EQ(extension(reply)["votes"], (json{"no", "yes", "no"}));
}

TEST(voting, a_decided_vote_waits_for_nobody) {
    voters v("", "", "");
    const auto gate = make_gate();
    v.models.on("a", held(gate, ok("yes")));
    v.models.on("b", hang());
    v.models.on("c", hang());
    const gateway_process gateway(v.config());
    http_client client(gateway.port());

    client.send(request_bytes(chat_parts(say(vote_name).dump())));
    ASSERT_TRUE(v.models.wait_until([&] { return v.models.requests().size() == 3; }));
    gate->open();
    const auto reply = client.read_reply();

    EXPECT_EQ(extension(reply)["votes"], (json{"yes", nullptr, nullptr}));
    EXPECT_EQ(reply.header("X-MetaModel-Vote-Failures"), "0");
    EXPECT_TRUE(v.models.wait_for_peer_close("b", cancel_limit));
    EXPECT_TRUE(v.models.wait_for_peer_close("c", cancel_limit));
}

TEST(voting, a_slow_voter_is_waited_for_while_it_can_change_the_result) {
    voters v("no", "no", "");
    const gateway_process gateway(v.config());

    const auto reply = chat_with_last(v, gateway, say(vote_name), "c", "yes");

    EXPECT_EQ(answer_text(reply), "yes") << "two of three are no quorum";
}

TEST(voting, a_voter_who_is_too_late_has_failed) {
    voters v("no", "no", "no");
    v.models.on("c", hang());
    const gateway_process gateway(v.config("panel_timeout_secs = 0.3"));

    const auto start = clock::now();
    const auto reply = chat(gateway, say(vote_name));

    EXPECT_LT(clock::now() - start, 300ms + cancel_limit);
    EXPECT_EQ(answer_text(reply), "yes");
    EXPECT_EQ(reply.header("X-MetaModel-Vote-Failures"), "1");
    EXPECT_TRUE(v.models.wait_for_peer_close("c", cancel_limit));
}

TEST(voting, a_client_that_leaves_ends_all_calls) {
    voters v("no", "no", "no");
    v.models.on("b", hang());
    v.models.on("c", hang());
    const gateway_process gateway(v.config());
    {
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(say(vote_name).dump())));
        ASSERT_TRUE(v.models.wait_for_calls("b", 1));
        ASSERT_TRUE(v.models.wait_for_calls("c", 1));
    }
    EXPECT_TRUE(v.models.wait_for_peer_close("b", cancel_limit));
    EXPECT_TRUE(v.models.wait_for_peer_close("c", cancel_limit));
}

TEST(voting, the_facade_names_the_reply) {
    voters v("no", "no", "no");
    auto config = v.config("", "model_name = \"house-1\"");
    const gateway_process gateway(config.passthrough("fast.v1", "a"));

    EXPECT_EQ(chat(gateway, say(vote_name)).json()["model"], "house-1");
}

}  // namespace

}  // namespace meta_model::contract
