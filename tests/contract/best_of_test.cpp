// Groups I and J: profiles that answer with one of the drafts, chosen by a judge or, of calls, by the gateway.
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"

namespace meta_model::contract {

namespace {

constexpr auto best_of = "synthesis_mode = \"best-of\"";

answer named(const std::string& id, const std::string& text) {
    answer out;
    out.message["content"] = text;
    out.id = id;
    return out;
}

TEST(best_of, moa_114_the_judges_number_chooses_the_draft) {
    panel p;
    p.models.on("b", complete(named("reply-b", "the draft of b")));
    p.models.on("s", choosing_draft("the draft of b"));
    const gateway_process gateway(p.config(best_of));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "the draft of b");
    EXPECT_EQ(reply.json()["id"], "reply-b");
    EXPECT_EQ(reply.json()["usage"]["total_tokens"], 18);
    EXPECT_EQ(decision_of(reply), "best_of_picked");
    EXPECT_EQ(reason_of(reply), "none");
    EXPECT_EQ(reply.header("X-MetaModel-Fastpath"), "false");
    const auto added = p.added_text();
    for (const char* part : {"index", "candidate 1", "candidate 3", "draft of a"}) {
        EXPECT_TRUE(contains_ignoring_case(added, part)) << part;
    }
    EXPECT_EQ(added.find("SYNTHESIS TASK"), std::string::npos);
}

TEST(best_of, moa_115_a_judge_without_a_choice_leaves_it_to_the_rank) {
    panel p;
    p.models.on("a", ok("zzzz qqqq xxxx"));
    p.models.on("b", ok("The capital of France is Paris, on the Seine."));
    p.models.on("c", ok("The capital of France is Paris, at the Seine."));
    gateway_process gateway(p.config(best_of));

    for (const auto& judge : {ok("the second one"), ok("9"), html(), ok(""), reset_at_once()}) {
        p.models.on("s", judge);
        const auto reply = chat(gateway, say(panel_name));
        ASSERT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(answer_text(reply), "The capital of France is Paris, on the Seine.");
        EXPECT_EQ(reason_of(reply), "synth_failed_picked_primary");
        EXPECT_EQ(decision_of(reply), "fallback_primary");
    }
    EXPECT_NE(final_log(gateway).find("elapsed_ms"), std::string::npos);
}

TEST(best_of, a_judges_parameters_are_its_own) {
    panel p;
    p.models.on("s", ok("1"));
    const gateway_process gateway(p.config(std::string(best_of) + "\nsynthesizer_temperature = 0.1")
    );
    json wish = declaring({"f"});
    wish["tool_choice"] = "auto";
    wish["parallel_tool_calls"] = false;
    wish["response_format"] = {{"type", "json_object"}};
    wish["stop"] = json::array({"1"});
    wish["max_completion_tokens"] = 1;
    wish["logprobs"] = true;

    ASSERT_EQ(chat(gateway, with(say(panel_name), wish)).status, 200);

    const auto judge = p.synthesis();
    for (const char* field :
         {"tools",
          "tool_choice",
          "parallel_tool_calls",
          "response_format",
          "stop",
          "logprobs",
          "max_completion_tokens"}) {
        EXPECT_FALSE(judge.contains(field)) << field;
        EXPECT_TRUE(p.models.last_request("a").json.contains(field)) << field;
    }
    EXPECT_EQ(judge["max_tokens"], 1024);
    EXPECT_EQ(judge["temperature"], 0.1);
}

TEST(best_of, the_judges_reasoning_is_no_choice) {
    panel p;
    p.models.on("s", choosing_draft("the draft of b", "<think>1 or 3? 3.</think>\n"));
    const gateway_process gateway(p.config(best_of));

    EXPECT_EQ(answer_text(chat(gateway, say(panel_name))), "the draft of b");
}

TEST(best_of, moa_150_calls_are_voted_on_without_the_judge) {
    panel p;
    p.models.on("a", complete(calling({"g"}, "{}", "a")));
    p.models.on("b", complete(calling({"f"}, R"({"x":1,"y":2})", "b")));
    p.models.on("c", complete(calling({"f"}, R"({"y":2, "x":1})", "c")));
    const gateway_process gateway(p.config(best_of));
    const auto wish = with(declaring({"f", "g"}), {{"tool_choice", "required"}});

    const auto majority = chat(gateway, with(say(panel_name), wish));
    const auto streamed = stream(gateway, with(say_streamed(panel_name), wish));
    p.models.on("c", complete(calling({"f"}, R"({"x":3})", "c")));
    const auto tie = chat(gateway, with(say(panel_name), wish));

    EXPECT_EQ(message_of(majority)["tool_calls"][0]["id"], "b_0");
    EXPECT_EQ(decision_of(majority), "best_of_picked");
    EXPECT_EQ(called(streamed), names{"f"});
    EXPECT_EQ(message_of(tie)["tool_calls"][0]["id"], "a_0");
    EXPECT_EQ(p.models.call_count("s"), 0u);
}

TEST(best_of, moa_151_a_lone_text_cannot_stand_for_a_required_call) {
    panel p;
    const gateway_process gateway(p.config(best_of).moa("one.v1", {"a"}, "s", best_of));
    const auto wish = with(declaring({"f"}), {{"tool_choice", "required"}});

    for (const char* model : {"one.v1", panel_name}) {
        const auto reply = chat(gateway, with(say(model), wish));
        expect_envelope(reply, 502);
        EXPECT_EQ(reply.error_code(), "synthesis_failed");
        EXPECT_NE(reply.body.find("tool_required_unmet"), std::string::npos) << reply.body;
    }
    EXPECT_EQ(p.models.call_count("s"), 0u);
}

TEST(best_of, moa_152_where_there_is_nothing_to_call_the_judge_decides) {
    panel p;
    p.models.on("s", choosing_draft("the draft of b"));
    const gateway_process gateway(p.config(best_of));
    const auto texts = chat(gateway, with(say(panel_name), declaring({"f"})));
    p.models.on("s", ok("2"));
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, complete(calling({"f"}, "{}", name)));
    }
    const auto wish = with(declaring({"f"}), {{"tool_choice", "none"}});

    const auto stripped = chat(gateway, with(say(panel_name), wish));

    EXPECT_EQ(answer_text(texts), "the draft of b");
    EXPECT_EQ(stripped.status, 200) << stripped.body;
    EXPECT_EQ(answer_text(stripped), "");
    EXPECT_TRUE(called(stripped).empty());
    EXPECT_EQ(reason_of(stripped), "tool_choice_none_stripped");
    EXPECT_EQ(decision_of(stripped), "best_of_picked");
    EXPECT_EQ(p.models.call_count("s"), 2u);
}

TEST(best_of, moa_202_a_best_of_profile_streams_the_same_grammar) {
    panel p;
    p.models.on("s", choosing_draft("this is the draft of c"));
    const gateway_process gateway(p.config(best_of));

    const auto streamed = stream(gateway, say_streamed(panel_name));

    const auto chunks = streamed.chunks();
    ASSERT_GE(chunks.size(), 3u);
    EXPECT_EQ(
        chunks.front()["choices"][0]["delta"], (json{{"role", "assistant"}, {"content", ""}})
    );
    EXPECT_EQ(chunks.front()["model"], panel_name);
    EXPECT_EQ(streamed.text(), "this is the draft of c");
    EXPECT_EQ(streamed.finish_reason(), "stop");
    EXPECT_TRUE(streamed.has_done());
    EXPECT_EQ(decision_of(streamed.head), "best_of_picked");
}

TEST(best_of, a_draft_that_was_cut_off_is_no_candidate) {
    panel p;
    p.models.on("a", hang_after_sends(3, ok(std::string(300, 'w') + " more words of a")));
    p.models.on("s", choosing_draft("the draft of b"));
    const gateway_process gateway(p.config(std::string(best_of) + "\ngrace_secs = 0.2"));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "the draft of b") << p.added_text();
    EXPECT_EQ(p.added_text().find("candidate 3"), std::string::npos);
}

}  // namespace

}  // namespace meta_model::contract
