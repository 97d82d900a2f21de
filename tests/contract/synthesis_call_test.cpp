// Group I: when the synthesizer is called, with what, and how long it has.
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"

namespace meta_model::contract {

namespace {

void let_all(panel& p, const reply& what) {
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, what);
    }
}

TEST(synthesis_call, moa_112_calls_agree_whatever_their_ids) {
    panel p;
    p.models.on("a", complete(calling({"f"}, R"({"x":1,"y":[2]})", "a")));
    p.models.on("b", complete(calling({"f"}, R"({ "y": [2], "x": 1 })", "b")));
    p.models.on("c", complete(calling({"f"}, R"({"x":1,"y":[2]})", "c")));
    p.models.on("s", calls("f"));
    const gateway_process gateway(p.config("fastpath_on_agreement = true"));
    const auto request = with(say(panel_name), declaring({"f", "g"}));

    const auto same = chat(gateway, request);
    EXPECT_EQ(p.models.call_count("s"), 0u);
    p.models.on("c", complete(calling({"g"}, R"({"x":1,"y":[2]})", "c")));
    const auto different = chat(gateway, request);

    EXPECT_EQ(decision_of(same), "fastpath_consensus");
    EXPECT_EQ(same.header("X-MetaModel-Fastpath"), "true");
    EXPECT_EQ(message_of(same)["tool_calls"][0]["id"], "a_0");
    EXPECT_EQ(decision_of(different), "merged");
    EXPECT_EQ(p.models.call_count("s"), 1u);
}

TEST(synthesis_call, agreeing_texts_are_repaired_where_a_call_is_required) {
    panel p;
    let_all(p, ok("the same text"));
    p.models.on("s", calls("f"));
    const gateway_process gateway(p.config("fastpath_on_agreement = true"));

    const auto reply =
        chat(gateway, with(with(say(panel_name), declaring({"f"})), {{"tool_choice", "required"}}));

    EXPECT_EQ(called(reply), names{"f"});
    EXPECT_EQ(decision_of(reply), "merged");
}

TEST(synthesis_call, moa_113_different_thoughts_are_no_agreement) {
    panel p;
    p.models.on("a", with_reasoning("", "it is Oslo"));
    p.models.on("b", with_reasoning("", "it is Bergen"));
    p.models.on("c", with_reasoning("", "it is Oslo"));
    const gateway_process gateway(p.config("fastpath_on_agreement = true"));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(decision_of(reply), "merged");
    EXPECT_EQ(p.models.call_count("s"), 1u);
}

TEST(synthesis_call, moa_117_the_clients_wishes_for_the_answer_are_forwarded) {
    panel p;
    const gateway_process gateway(p.config());
    const json wish = {
        {"response_format", {{"type", "json_object"}}},
        {"stop", json::array({"END"})},
        {"n", 1},
        {"stream", false}
    };

    ASSERT_EQ(chat(gateway, with(say(panel_name), wish)).status, 200);

    EXPECT_EQ(p.synthesis()["response_format"], wish["response_format"]);
    EXPECT_EQ(p.synthesis()["stop"], wish["stop"]);
    EXPECT_FALSE(p.synthesis().contains("n"));
    EXPECT_EQ(p.synthesis()["stream"], true) << "the gateway's own wish, whatever the client's";
}

TEST(synthesis_call, moa_118_the_synthesizer_has_its_share_of_the_time) {
    panel p;
    p.models.on("c", hang());
    p.models.on("s", delayed(500ms, ok("the fused answer")));
    const gateway_process gateway(p.config(
        "synthesis_share = 0.5\nmin_drafts = 3\ngrace_secs = 30", "request_timeout_secs = 2"
    ));

    const auto fused = chat(gateway, say(panel_name));
    p.models.on("s", hang());
    const auto start = clock::now();
    const auto late = chat(gateway, say(panel_name));

    EXPECT_EQ(decision_of(fused), "merged") << "there was time left for it";
    EXPECT_EQ(failed_generators(fused), "c:timeout");
    EXPECT_EQ(decision_of(late), "fallback_primary");
    EXPECT_LT(clock::now() - start, 2000ms + cancel_limit);
}

TEST(synthesis_call, moa_119_a_short_deadline_does_not_switch_synthesis_off) {
    panel p;
    const gateway_process gateway(p.config("", "request_timeout_secs = 1"));

    EXPECT_EQ(decision_of(chat(gateway, say(panel_name))), "merged");
    const json hurry = {{"x_meta_model", {{"deadline_ms", 900}}}};
    EXPECT_EQ(decision_of(chat(gateway, with(say(panel_name), hurry))), "merged");
}

TEST(synthesis_call, moa_127_proposed_calls_are_shown_and_thoughts_are_not) {
    panel p;
    auto blank = calling({"look_up"}, R"({"zone":1,"city":"Oslo"})");
    blank.message["content"] = "";
    auto thinking = calling({"measure"}, "{}");
    thinking.message["reasoning_content"] = "a secret thought";
    p.models.on("a", complete(blank));
    p.models.on("b", complete(thinking));
    p.models.on("c", complete(legacy_calling("recall")));
    const gateway_process gateway(p.config());

    chat(gateway, with(say(panel_name), declaring({"look_up", "measure", "recall"})));

    const auto added = p.added_text();
    for (const char* part :
         {R"("arguments":{"city":"Oslo","zone":1},"name":"look_up")",
          "measure",
          "function_call",
          "recall"}) {
        EXPECT_NE(added.find(part), std::string::npos) << part << '\n' << added;
    }
    EXPECT_EQ(added.find("secret"), std::string::npos);
    EXPECT_EQ(added.find("(empty)"), std::string::npos);
}

TEST(synthesis_call, moa_128_a_draft_of_thoughts_shows_them) {
    panel p;
    answer null_text;
    null_text.message = {{"role", "assistant"}, {"content", nullptr}, {"reasoning", "thought a"}};
    null_text.always_json = true;
    p.models.on("a", complete(null_text));
    p.models.on("b", with_reasoning("", "thought b"));
    p.models.on("c", with_reasoning("  \n", "thought c"));
    const gateway_process gateway(p.config());

    chat(gateway, say(panel_name));

    const auto added = p.added_text();
    for (const char* part : {"thought a", "thought b", "thought c"}) {
        EXPECT_NE(added.find(part), std::string::npos) << part;
    }
    EXPECT_EQ(added.find("(empty)"), std::string::npos);
}

}  // namespace

}  // namespace meta_model::contract
