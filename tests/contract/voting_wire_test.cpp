// Votes beyond yes and no: ballots, aggregations, weights, samples, ties, streams.
#include "contract/voters.hpp"

#include <set>

namespace meta_model::contract {

namespace {

json tools_named(const std::string& name) {
    return json::array({{{"type", "function"}, {"function", {{"name", name}}}}});
}

TEST(ballots, a_majority_of_labels_ends_the_vote) {
    voters v("approve", "Approve: it is fine", "reject");
    v.models.on("c", hang());
    const gateway_process gateway(v.config(
        "ballot = \"label\"\nlabels = [\"approve\", \"reject\"]\naggregation = \"majority\""
    ));

    const auto reply = chat(gateway, say(vote_name));

    EXPECT_EQ(answer_text(reply), "approve");
    EXPECT_EQ(reply.header("X-MetaModel-Verdict"), "approve");
    EXPECT_EQ(
        extension(reply),
        (json{
            {"votes", {"approve", "approve", nullptr}},
            {"verdict", "approve"},
            {"ballot", "label"},
            {"aggregation", "majority"},
            {"tally", json::array({{{"value", "approve"}, {"votes", 2}}})},
            {"margin", 2}
        })
    );
    EXPECT_EQ(v.models.last_request("a").json["max_tokens"], 16);
}

TEST(ballots, all_yes_needs_everybody) {
    voters v("yes", "yes", "no");
    const gateway_process gateway(v.config("aggregation = \"all_yes\""));

    EXPECT_EQ(answer_text(chat(gateway, say(vote_name))), "no");
    v.models.on("c", ok("yes"));
    const auto reply = chat(gateway, say(vote_name));
    EXPECT_EQ(answer_text(reply), "yes");
    EXPECT_EQ(extension(reply)["margin"], 3);
}

TEST(ballots, numbers_agree_by_value) {
    voters v("The answer is 1,000.", "so we get 7", "");
    const gateway_process gateway(v.config("ballot = \"number\""));

    const auto reply =
        chat_with_last(v, gateway, with(say(vote_name), {{"max_tokens", 77}}), "c", "\\boxed{1e3}");

    EXPECT_EQ(answer_text(reply), "1000");
    EXPECT_EQ(extension(reply)["votes"], (json{"1000", "7", "1000"}));
    EXPECT_EQ(v.models.last_request("a").json["max_tokens"], 77) << "as the client asked";
}

TEST(ballots, fields_of_json_are_counted_one_by_one) {
    voters v(
        R"({"name":"Ann","age":41})", R"({"name":"Ann","age":40})", R"({"name":"Anna","age":40})"
    );
    const gateway_process gateway(v.config("ballot = \"json\""));

    const auto reply =
        chat(gateway, with(say(vote_name), {{"response_format", {{"type", "json_object"}}}}));

    EXPECT_EQ(json::parse(answer_text(reply)), (json{{"name", "Ann"}, {"age", 40}}));
    EXPECT_EQ(extension(reply)["verdict"], (json{{"name", "Ann"}, {"age", 40}}));
    EXPECT_EQ(extension(reply)["margin"], 1);
    EXPECT_EQ(extension(reply)["votes"][0], (json{{"name", "Ann"}, {"age", 41}}));
    EXPECT_TRUE(v.models.last_request("a").json.contains("response_format"));
}

TEST(ballots, the_call_that_most_make_is_the_answer) {
    voters v("", "", "I would rather not.");
    v.models.on("a", calls("find", R"({"q":"x","n":1})"));
    v.models.on("b", calls("find", R"({"n": 1, "q": "x"})"));
    const gateway_process gateway(v.config("ballot = \"tool_call\""));

    const auto reply = chat(gateway, with(say(vote_name), {{"tools", tools_named("find")}}));

    const auto choice = reply.json()["choices"][0];
    EXPECT_EQ(choice["finish_reason"], "tool_calls");
    ASSERT_EQ(choice["message"]["tool_calls"].size(), 1u);
    EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["name"], "find");
    EXPECT_EQ(v.models.last_request("a").json["tools"], tools_named("find"));
    EXPECT_NE(reply.header("X-MetaModel-Tools-Tokens"), "0");
}

TEST(ballots, a_call_that_was_not_offered_never_leaves_the_gateway) {
    voters v("", "", "");
    for (const char* name : {"a", "b", "c"}) {
        v.models.on(name, calls("rm", "{}"));
    }
    const gateway_process gateway(v.config("ballot = \"tool_call\""));

    const auto reply = chat(gateway, with(say(vote_name), {{"tools", tools_named("find")}}));

    EXPECT_EQ(reply.status, 502);
    EXPECT_EQ(reply.error_code(), "insufficient_drafts");
}

TEST(ballots, texts_that_end_alike_agree_and_one_of_them_is_the_answer) {
    voters v("It is big. Answer: Paris", "It is old. Answer: paris.", "Answer: Lyon");
    const gateway_process gateway(v.config("ballot = \"text\""));

    const auto reply = chat(gateway, say(vote_name));

    EXPECT_EQ(answer_text(reply).rfind("It is ", 0), 0u) << "the whole text";
    EXPECT_EQ(extension(reply)["verdict"], "paris");
    EXPECT_FALSE(reply.has("X-MetaModel-Verdict")) << "a text is no header";
}

TEST(ballots, nobody_having_voted_is_an_error) {
    voters v("", "", "");
    const gateway_process gateway(v.config("ballot = \"number\""));
    for (const char* name : {"a", "b", "c"}) {
        v.models.on(name, json_reply(500, {{"error", {{"message", "no"}}}}));
    }

    expect_error(
        chat(gateway, say(vote_name)), {502, "api_error", "all_generators_failed", std::nullopt}
    );
}

TEST(ballots, the_heaviest_answer_wins) {
    voters v("red", "green", "green");
    const gateway_process gateway(v.config_of(
        "[{ upstream = \"a\", weight = 2.5 }, \"b\", \"c\"]",
        "ballot = \"label\"\nlabels = [\"red\", \"green\"]\naggregation = \"weighted\""
    ));

    const auto reply = chat_with_last(v, gateway, say(vote_name), "a", "red");

    EXPECT_EQ(answer_text(reply), "red");
    EXPECT_EQ(extension(reply)["margin"], 0.5);
}

TEST(ballots, samples_of_one_model_are_ballots_of_their_own) {
    voters v("", "", "");
    v.models.on("a", ok("8"));
    v.models.next("a", ok("7"));
    const gateway_process gateway(
        v.config_of("[{ upstream = \"a\", samples = 4 }]", "ballot = \"number\"")
    );

    const auto reply = chat(gateway, with(say(vote_name), {{"seed", 40}}));

    EXPECT_EQ(answer_text(reply), "8");
    EXPECT_EQ(reply.header("X-MetaModel-Voters"), "4");
    std::set<std::int64_t> seeds;
    for (const auto& request : v.models.requests("a")) {
        seeds.insert(request.json["seed"].get<std::int64_t>());
        EXPECT_EQ(request.json["temperature"], 0.7);
    }
    EXPECT_EQ(seeds, (std::set<std::int64_t>{40, 41, 42, 43}));
}

TEST(ballots, a_tie_goes_to_the_first_voter) {
    voters v("3", "2", "1");
    const gateway_process gateway(v.config("ballot = \"number\"\naggregation = \"plurality\""));

    const auto reply = chat(gateway, say(vote_name));

    EXPECT_EQ(answer_text(reply), "3");
    EXPECT_EQ(extension(reply)["tie_break"], "first");
    EXPECT_EQ(extension(reply)["margin"], 0);
}

const std::string judged = "ballot = \"number\"\ntie_break = \"judge\"\njudge = \"j\"";

// Chooses the candidate whose text it is told.
reply judge_for(const std::string& text) {
    return [text](const recorded_request& request) {
        const auto shown = all_message_text(request.json);
        const auto before = shown.substr(0, shown.find("=\n" + text + "\n="));
        const auto label = before.rfind("candidate ");
        return ok("Candidate " + before.substr(label + 10, 1))(request);
    };
}

TEST(ballots, a_judge_breaks_a_tie) {
    voters v("3000", "2000", "1000");
    v.models.on("j", judge_for("2000"));
    const gateway_process gateway(v.config(judged));

    const auto reply = chat(gateway, with(say(vote_name), {{"tools", tools_named("find")}}));

    EXPECT_EQ(answer_text(reply), "2000");
    EXPECT_EQ(extension(reply)["tie_break"], "judge");
    EXPECT_EQ(reply.json()["usage"]["total_tokens"], 4 * 18) << "with the judge's";
    const auto asked = v.models.last_request("j").json;
    EXPECT_FALSE(asked.contains("tools"));
    EXPECT_EQ(asked["messages"].size(), 2u);
    EXPECT_EQ(asked["messages"][0], say(vote_name)["messages"][0]);
}

TEST(ballots, a_judge_that_fails_leaves_the_tie_to_the_first) {
    voters v("3000", "2000", "1000");
    const gateway_process gateway(v.config(judged));

    for (const auto& fault : {reset_at_once(), ok("none of them"), ok("9"), ok("")}) {
        v.models.on("j", fault);
        const auto reply = chat(gateway, say(vote_name));
        EXPECT_EQ(answer_text(reply), "3000");
        EXPECT_EQ(extension(reply)["tie_break"], "first");
    }
}

TEST(ballots, no_judge_is_asked_without_a_tie) {
    voters v("3", "3", "1");
    const gateway_process gateway(v.config(judged));

    EXPECT_EQ(answer_text(chat(gateway, say(vote_name))), "3");
    EXPECT_EQ(v.models.call_count("j"), 0u);
}

TEST(streaming, moa_202_a_vote_streams_the_same_grammar) {
    voters v("no", "no", "no");
    const gateway_process gateway(v.config());

    const auto result = stream(
        gateway, with(say_streamed(vote_name), {{"stream_options", {{"include_usage", true}}}})
    );

    EXPECT_EQ(result.text(), "no");
    EXPECT_EQ(result.finish_reason(), "stop");
    EXPECT_TRUE(result.has_done());
    EXPECT_EQ(result.head.header("X-MetaModel-Verdict"), "no");
    const auto chunks = result.chunks();
    EXPECT_EQ(chunks.front()["choices"][0]["delta"]["role"], "assistant");
    EXPECT_EQ(chunks.back()["usage"]["total_tokens"], 3 * 18);
    const auto last = chunks[chunks.size() - 2];
    EXPECT_EQ(last["x_meta_model"]["verdict"], "no");
    EXPECT_TRUE(last["usage"].is_null());
    for (std::size_t i = 0; i + 2 < chunks.size(); ++i) {
        EXPECT_FALSE(chunks[i].contains("x_meta_model"));
        EXPECT_EQ(chunks[i]["object"], "chat.completion.chunk");
    }
}

TEST(ballots, calls_are_streamed_too) {
    voters v("", "", "");
    for (const char* name : {"a", "b", "c"}) {
        v.models.on(name, calls("find", "{}"));
    }
    const gateway_process gateway(v.config("ballot = \"tool_call\""));

    const auto result =
        stream(gateway, with(say_streamed(vote_name), {{"tools", tools_named("find")}}));

    EXPECT_EQ(result.finish_reason(), "tool_calls");
    EXPECT_TRUE(result.has_done());
}

TEST(ballots, votes_are_counted_in_the_metrics) {
    voters v("no", "no", "no");
    const gateway_process gateway(v.config());

    chat(gateway, say(vote_name));

    EXPECT_NE(get(gateway, "/metrics").body.find("strategy=\"voting\""), std::string::npos);
}

}  // namespace

}  // namespace meta_model::contract
