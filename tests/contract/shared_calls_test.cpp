// `max_n`: several samples of one upstream are choices of one call, and each is a draft or a ballot like any other.
#include "contract/sampled_panel.hpp"
#include "contract/tool_words.hpp"

#include <set>

namespace meta_model::contract {

namespace {

// Refuses `n` in a server's own words, as the caller's mistake.
reply refuses_choices(int status, const std::string& message, reply otherwise) {
    return [=](const recorded_request& r) {
        const auto refusal = json_reply(status, {{"error", {{"message", message}}}});
        return r.json.contains("n") ? refusal(r) : otherwise(r);
    };
}

TEST(shared_calls, three_samples_are_one_call_and_three_drafts) {
    sampled_panel p;
    const gateway_process gateway(p.config(8, three_of_b, "min_drafts = 4"));

    const auto reply = chat(gateway, traced(with(say(panel_name), {{"seed", 7}})));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "4");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "4");
    EXPECT_EQ(reply.header("X-MetaModel-Draft-Lengths"), "18,21,21,21");
    ASSERT_EQ(p.asked_choices(), std::vector{3});
    const auto asked = p.models.last_request("b").json;
    EXPECT_EQ(asked["seed"], 7) << "the others follow from it";
    EXPECT_EQ(asked["stream"], true);
    const auto added = all_message_text(p.models.last_request("s").json);
    for (const char* text : {"draft of a", "sample 0 of b", "sample 1 of b", "sample 2 of b"}) {
        EXPECT_NE(added.find(text), std::string::npos) << text;
    }
    const auto billed = lines_of(reply, "b");
    ASSERT_EQ(billed.size(), 1u) << "one call is billed once";
    EXPECT_EQ(billed[0]["samples"], 3);
    EXPECT_EQ(billed[0]["state"], "done");
    EXPECT_EQ(billed[0]["tokens_in"], 100);
    EXPECT_EQ(billed[0]["tokens_out"], 30);
    EXPECT_FALSE(lines_of(reply, "a")[0].contains("samples"));
    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), std::to_string(130 + 18 + 18));
}

TEST(shared_calls, a_reply_that_is_no_stream_brings_them_too) {
    sampled_panel p;
    const gateway_process gateway(p.config(8, three_of_b, "min_drafts = 4", "stream = false"));

    const auto reply = chat(gateway, traced(say(panel_name)));

    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "4");
    EXPECT_EQ(p.asked_choices(), std::vector{3});
    EXPECT_EQ(lines_of(reply, "b")[0]["tokens_out"], 30);
}

TEST(shared_calls, a_call_has_at_most_max_n_samples) {
    sampled_panel p;
    const gateway_process gateway(
        p.config(2, R"([{ upstream = "b", samples = 5 }])", "min_drafts = 5")
    );

    const auto reply = chat(gateway, with(say(panel_name), {{"seed", 10}}));

    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "5");
    EXPECT_EQ(p.asked_choices(), (std::vector{1, 2, 2}));
    std::set<std::pair<int, int>> seeds;
    for (const auto& r : p.models.requests("b")) {
        seeds.insert({r.json["seed"], r.json.value("n", 1)});
    }
    EXPECT_EQ(seeds, (std::set<std::pair<int, int>>{{10, 2}, {12, 2}, {14, 1}}));
}

TEST(shared_calls, without_max_n_each_sample_has_its_own) {
    sampled_panel p;
    const gateway_process gateway(p.config(1, three_of_b, "min_drafts = 4"));

    EXPECT_EQ(chat(gateway, say(panel_name)).header("X-MetaModel-Quorum"), "4");
    EXPECT_EQ(p.asked_choices(), (std::vector{1, 1, 1}));
    EXPECT_FALSE(p.models.last_request("b").json.contains("n"));
}

TEST(shared_calls, generators_that_are_told_their_number_are_asked_one_by_one) {
    sampled_panel p;
    const temporary_folder files;
    const auto own_text = files.write("own.txt", "You are {{number}}.");
    const gateway_process gateway(
        p.config(8, three_of_b, "min_drafts = 4\ngenerator_prompt = \"" + own_text + '"')
    );

    EXPECT_EQ(chat(gateway, say(panel_name)).header("X-MetaModel-Quorum"), "4");
    EXPECT_EQ(p.asked_choices(), (std::vector{1, 1, 1}));
}

TEST(shared_calls, tool_calls_of_interleaved_choices_stay_apart) {
    sampled_panel p;
    p.models.on(
        "b",
        complete_choices(
            {calling({"f", "g"}, R"({"x":1})", "one"),
             calling({"g"}, R"({"x":2})", "two"),
             calling({"f", "g"}, R"({"x":1})", "three")}
        )
    );
    const gateway_process gateway(p.config(
        4, R"([{ upstream = "b", samples = 3 }])", "min_drafts = 3\nsynthesis_mode = \"best-of\""
    ));

    const auto reply = chat(gateway, with(say(panel_name), declaring({"f", "g"})));

    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3");
    EXPECT_EQ(called(reply), (names{"f", "g"}));
    const auto message = message_of(reply);
    for (const auto& call : message["tool_calls"]) {
        EXPECT_EQ(call["function"]["arguments"], R"({"x":1})");
    }
}

TEST(shared_calls, a_draft_that_calls_what_is_not_declared_fails_alone) {
    sampled_panel p;
    p.models.on(
        "b", complete_choices({saying("a good one"), calling({"rm"}), saying("another good one")})
    );
    const gateway_process gateway(p.config(4, three_of_b, "min_drafts = 4"));

    const auto reply = chat(gateway, with(say(panel_name), declaring({"f"})));

    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "4");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3");
    EXPECT_EQ(failed_generators(reply), "b:undeclared_tool");
}

TEST(shared_calls, choices_that_do_not_come_are_drafts_that_fail) {
    for (const char* streams : {"stream = true", "stream = false"}) {
        sampled_panel p;
        p.models.on("b", sampled(2));
        const gateway_process gateway(p.config(8, three_of_b, "min_drafts = 4", streams));

        const auto reply = chat(gateway, say(panel_name));

        EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3") << streams;
        EXPECT_EQ(failed_generators(reply), "b:unusable") << streams;
        chat(gateway, say(panel_name));
        EXPECT_EQ(p.asked_choices(), (std::vector{3, 3})) << "it gives several";
    }
}

TEST(shared_calls, a_server_that_gives_one_whatever_n_says_is_asked_singly_from_then_on) {
    sampled_panel p;
    p.models.on("b", sampled(1));
    gateway_process gateway(p.config(8, three_of_b, "min_drafts = 4"));

    EXPECT_EQ(chat(gateway, say(panel_name)).header("X-MetaModel-Quorum"), "2");
    EXPECT_EQ(chat(gateway, say(panel_name)).header("X-MetaModel-Quorum"), "4");

    EXPECT_EQ(p.asked_choices(), (std::vector{1, 1, 1, 3}));
    EXPECT_NE(final_log(gateway).find("asked for singly"), std::string::npos);
}

TEST(shared_calls, a_server_that_refuses_n_is_asked_singly_at_once_and_from_then_on) {
    const std::vector<std::pair<int, std::string>> refusals{
        {400, "Only one completion choice is allowed"},
        {422, "body.n: Extra inputs are not permitted"},
    };
    for (const auto& [status, message] : refusals) {
        sampled_panel p;
        p.models.on("b", refuses_choices(status, message, sampled()));
        gateway_process gateway(p.config(8, three_of_b, "min_drafts = 4"));

        const auto first = chat(gateway, traced(with(say(panel_name), {{"seed", 3}})));
        const auto second = chat(gateway, say(panel_name));

        for (const auto& reply : {first, second}) {
            EXPECT_EQ(answer_text(reply), "the fused answer");
            EXPECT_EQ(reply.header("X-MetaModel-Generators"), "4");
            EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "4");
            EXPECT_EQ(failed_generators(reply), "");
        }
        EXPECT_EQ(p.asked_choices(), (std::vector{1, 1, 1, 1, 1, 1, 3}));
        std::set<int> seeds;
        for (const auto& r : p.models.requests("b")) {
            seeds.insert(r.json.value("seed", 3));
        }
        EXPECT_EQ(seeds, (std::set{3, 4, 5})) << "each has its own again";
        const auto billed = lines_of(first, "b");
        ASSERT_EQ(billed.size(), 4u);
        EXPECT_EQ(billed[0]["state"], "failed");
        EXPECT_EQ(billed[0]["tokens_in"], 0);
        EXPECT_EQ(first.header("X-MetaModel-Total-Tokens"), std::to_string(3 * 130 + 18 + 18));
        const auto log = final_log(gateway);
        const auto told = log.find("asked for singly");
        EXPECT_NE(told, std::string::npos) << log;
        EXPECT_EQ(told, log.rfind("asked for singly")) << "once";
    }
}

TEST(shared_calls, a_refusal_of_something_else_is_not_laid_to_n) {
    sampled_panel p;
    const auto refusal = json_reply(400, {{"error", {{"message", "temperature is too high"}}}});
    p.models.on("b", refusal);
    const gateway_process gateway(p.config(8, three_of_b));

    EXPECT_EQ(answer_text(chat(gateway, say(panel_name))), "draft of a");
    p.models.on("b", sampled());
    chat(gateway, say(panel_name));

    EXPECT_EQ(p.asked_choices(), (std::vector{1, 1, 1, 3, 3}));
}

std::string choice_event(int index, const json& delta, const json& finish = nullptr) {
    const json choice = {{"index", index}, {"delta", delta}, {"finish_reason", finish}};
    return json{{"id", "x"}, {"choices", json::array({choice})}}.dump();
}

const std::string long_text = "The beginning of a long story: " + std::string(209, 'x');

// Choice 0 ends, choice 1 is in the middle of a long text, choice 2 has said a word.
std::vector<std::string> uneven_choices() {
    return {
        choice_event(0, {{"role", "assistant"}, {"content", "whole answer"}}),
        choice_event(1, {{"role", "assistant"}, {"content", long_text}}),
        choice_event(2, {{"role", "assistant"}, {"content", "word"}}),
        choice_event(0, json::object(), "stop"),
    };
}

TEST(shared_calls, what_is_whole_when_the_stream_breaks_stays_a_draft) {
    sampled_panel p;
    p.models.on("b", cut_after_sends(5, sse(uneven_choices())));
    const gateway_process gateway(p.config(8, three_of_b, "min_drafts = 4"));

    const auto reply = chat(gateway, traced(say(panel_name)));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_TRUE(
        lists(failed_generators(reply), "b:transport") || lists(failed_generators(reply), "b:cut")
    ) << failed_generators(reply);
    EXPECT_NE(
        all_message_text(p.models.last_request("s").json).find("whole answer"), std::string::npos
    );
    const auto billed = lines_of(reply, "b");
    ASSERT_EQ(billed.size(), 1u);
    EXPECT_EQ(billed[0]["state"], "failed");
    EXPECT_EQ(billed[0]["usage_source"], "estimated");
    EXPECT_GT(billed[0]["tokens_out"], 240 / 4) << "all of what came was written";
}

TEST(shared_calls, choices_that_are_awaited_no_longer_leave_what_they_had_written) {
    sampled_panel p;
    p.models.on("b", hang_after_sends(5, sse(uneven_choices())));
    const gateway_process gateway(p.config(8, three_of_b, "min_drafts = 2\ngrace_secs = 0.3"));

    const auto reply = chat(gateway, traced(say(panel_name)));

    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2") << "the finished one and a's";
    EXPECT_EQ(failed_generators(reply), "b:cancelled,b:cancelled");
    const auto added = all_message_text(p.models.last_request("s").json);
    EXPECT_NE(added.find(long_text), std::string::npos) << "its unfinished text is shown";
    EXPECT_NE(added.find("(unfinished"), std::string::npos);
    EXPECT_EQ(lines_of(reply, "b")[0]["state"], "partial");
    EXPECT_TRUE(p.models.wait_for_peer_close("b", cancel_limit));
}

TEST(shared_calls, a_finished_choice_does_not_wait_for_the_others) {
    sampled_panel p;
    p.models.on("b", hang_after_sends(5, sse(uneven_choices())));
    const gateway_process gateway(
        p.config(8, R"([{ upstream = "b", samples = 3 }])", "min_drafts = 1\ngrace_secs = 0.0")
    );

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "whole answer");
    EXPECT_TRUE(p.models.wait_for_peer_close("b", cancel_limit));
}

TEST(shared_calls, samples_that_agree_need_no_synthesis) {
    sampled_panel p;
    p.models.on("b", same_choices("42"));
    const gateway_process gateway(p.config(
        8, R"([{ upstream = "b", samples = 3 }])", "min_drafts = 3\nagreement = \"canonical\""
    ));

    const auto reply = chat(gateway, traced(say(panel_name)));

    EXPECT_EQ(answer_text(reply), "42");
    EXPECT_EQ(decision_of(reply), "fastpath_consensus");
    EXPECT_EQ(p.models.call_count("s"), 0u);
    EXPECT_EQ(reply.json()["usage"]["completion_tokens"], 30) << "what the call used";
    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), "130");
}

TEST(shared_calls, ballots_come_by_one_call_too) {
    sampled_panel p;
    p.models.on("b", complete_choices({saying("yes"), saying("no"), saying("yes")}));
    auto config = p.config(8, R"(["a"])");
    config.raw(
        "[features]\nvoting = true\n[profiles.\"vote.v1\"]\ntype = \"voting\"\n"
        "aggregation = \"majority\"\nupstreams = [{ upstream = \"b\", samples = 3 }]"
    );
    const gateway_process gateway(config);

    const auto reply = chat(gateway, traced(say("vote.v1")));

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.header("X-MetaModel-Voters"), "3");
    EXPECT_EQ(reply.header("X-MetaModel-Verdict"), "yes");
    EXPECT_EQ(reply.json()["x_meta_model"]["votes"].size(), 3u);
    EXPECT_EQ(p.asked_choices(), std::vector{3});
    EXPECT_EQ(reply.json()["usage"]["total_tokens"], 130);
}

TEST(shared_calls, a_vote_that_is_decided_ends_the_call_with_the_rest) {
    sampled_panel p;
    p.models.on(
        "b",
        hang_after_sends(
            6,
            sse(
                {choice_event(0, {{"content", "yes"}}),
                 choice_event(1, {{"content", "yes"}}),
                 choice_event(2, {{"content", "n"}}),
                 choice_event(0, json::object(), "stop"),
                 choice_event(1, json::object(), "stop")}
            )
        )
    );
    auto config = p.config(8, R"(["a"])");
    config.raw(
        "[features]\nvoting = true\n[profiles.\"vote.v1\"]\ntype = \"voting\"\n"
        "aggregation = \"majority\"\nupstreams = [{ upstream = \"b\", samples = 3 }]"
    );
    const gateway_process gateway(config);

    const auto reply = chat(gateway, say("vote.v1"));

    EXPECT_EQ(reply.header("X-MetaModel-Verdict"), "yes");
    EXPECT_EQ(reply.json()["x_meta_model"]["votes"][2], nullptr) << reply.body;
    EXPECT_TRUE(p.models.wait_for_peer_close("b", cancel_limit));
}

TEST(shared_calls, a_client_that_leaves_ends_the_call) {
    sampled_panel p;
    p.models.on("b", hang_after_sends(5, sse(uneven_choices())));
    const gateway_process gateway(p.config(8, three_of_b, "min_drafts = 4"));
    {
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(say(panel_name).dump())));
        ASSERT_TRUE(p.models.wait_for_calls("b", 1));
    }

    EXPECT_TRUE(p.models.wait_for_peer_close("b", cancel_limit));
}

TEST(shared_calls, a_lone_call_that_is_refused_for_the_moment_is_made_again) {
    sampled_panel p;
    p.models.next("b", json_reply(503, {{"error", {{"message", "busy"}}}}));
    const gateway_process gateway(p.config(
        8,
        R"([{ upstream = "b", samples = 3 }])",
        "min_drafts = 3",
        "[upstreams.b.retry]\nbase_ms = 1\ncap_ms = 2"
    ));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3") << reply.body;
    EXPECT_EQ(p.asked_choices(), (std::vector{3, 3}));
}

TEST(shared_calls, simulated_upstreams_draw_what_single_calls_would) {
    const fake_upstream none;
    const auto config_with = [&](int max_n) {
        config_text out(none);
        out.raw(
            "[upstreams.b]\nmodel_id = \"b\"\nprotocol = \"test\"\ncontext = 8192\nmax_output = 100\n"
            "max_n = " + std::to_string(max_n)
            + "\n[upstreams.b.test]\nfirst_token_ms = 1\nchunk_ms = 1\n[profiles.\"panel.v1\"]\n"
              "type = \"moa\"\ngenerators = [{ upstream = \"b\", samples = 3 }]\n"
              "synthesizer = \"b\"\nmin_drafts = 3\n"
        );
        return out;
    };
    const gateway_process singly(config_with(1));
    const gateway_process shared(config_with(8));
    const auto body = with(say(panel_name), {{"seed", 4}});

    const auto one = chat(singly, body);
    const auto other = chat(shared, body);

    EXPECT_EQ(other.header("X-MetaModel-Quorum"), "3");
    EXPECT_EQ(one.header("X-MetaModel-Draft-Lengths"), other.header("X-MetaModel-Draft-Lengths"));
    EXPECT_EQ(answer_text(one), answer_text(other)) << "it tells of the drafts";
}

}  // namespace

}  // namespace meta_model::contract
