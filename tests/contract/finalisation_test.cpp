// Group J: what becomes of an answer that does not call what the request asks for.
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"

namespace meta_model::contract {

namespace {

answer from(const std::string& id, answer what) {
    what.id = id;
    return what;
}

TEST(finalisation, moa_146_a_draft_with_the_forced_call_takes_the_answers_place) {
    panel p;
    auto a = from("reply-a", calling({"right"}, "{}", "a"));
    a.finish = "stop";
    a.usage["total_tokens"] = 99;
    p.models.on("a", complete(a));
    p.models.on("s", complete(from("reply-s", calling({"wrong"}))));
    const gateway_process gateway(p.config());
    const auto wish = with(declaring({"right", "wrong"}), choosing("right"));

    const auto reply = chat(gateway, with(say(panel_name), wish));
    const auto streamed = stream(gateway, with(say_streamed(panel_name), wish));

    EXPECT_EQ(called(reply), names{"right"});
    EXPECT_EQ(reply.json()["id"], "reply-a");
    EXPECT_EQ(reply.json()["usage"]["total_tokens"], 99);
    EXPECT_EQ(finish_of(reply), "tool_calls");
    EXPECT_EQ(reason_of(reply), "tool_choice_repaired");
    EXPECT_EQ(decision_of(reply), "merged_with_repair");
    EXPECT_EQ(called(streamed), names{"right"});
    EXPECT_EQ(streamed.finish_reason(), "tool_calls");
}

TEST(finalisation, moa_147_surplus_calls_are_repaired_or_trimmed) {
    panel p;
    p.models.on("b", complete(calling({"right"}, "{}", "b")));
    p.models.on("s", complete(calling({"right", "extra"}, "{}", "s")));
    const gateway_process gateway(p.config());
    const auto wish = with(declaring({"right", "extra"}), choosing("right"));

    const auto repaired = chat(gateway, with(say(panel_name), wish));
    const auto trimmed =
        chat(gateway, with(with(say(panel_name), wish), {{"parallel_tool_calls", false}}));

    EXPECT_EQ(reason_of(repaired), "tool_choice_repaired");
    EXPECT_EQ(message_of(repaired)["tool_calls"][0]["id"], "b_0");
    EXPECT_EQ(called(repaired), names{"right"});
    EXPECT_EQ(reason_of(trimmed), "parallel_violation_trimmed");
    EXPECT_EQ(message_of(trimmed)["tool_calls"][0]["id"], "s_0");
    EXPECT_EQ(called(trimmed), names{"right"});
    EXPECT_EQ(decision_of(trimmed), "merged_with_repair");
}

TEST(finalisation, moa_148_a_lone_draft_keeps_one_call_where_one_is_allowed) {
    panel p;
    p.models.on("a", complete(calling({"f", "g"})));
    const gateway_process gateway(p.config().moa("one.v1", {"a"}, "s"));
    const auto wish = with(declaring({"f", "g"}), {{"parallel_tool_calls", false}});

    const auto reply = chat(gateway, with(say("one.v1"), wish));

    EXPECT_EQ(called(reply), names{"f"});
    EXPECT_EQ(reason_of(reply), "parallel_violation_trimmed");
    EXPECT_EQ(decision_of(reply), "single_success");
    EXPECT_EQ(p.models.call_count("s"), 0u);
    EXPECT_EQ(called(stream(gateway, with(say_streamed("one.v1"), wish))), names{"f"});
}

TEST(finalisation, moa_149_where_no_call_is_wanted_none_goes_out) {
    panel p;
    p.models.on("a", complete(calling({"f"})));
    const gateway_process gateway(p.config().moa("one.v1", {"a"}, "s"));
    const auto wish = with(declaring({"f"}), {{"tool_choice", "none"}});

    const auto lone = chat(gateway, with(say("one.v1"), wish));
    p.models.on("a", ok("draft of a"));
    p.models.on("s", calls("f"));
    const auto fused = chat(gateway, with(say(panel_name), wish));
    const auto streamed = stream(gateway, with(say_streamed(panel_name), wish));

    for (const auto* reply : {&lone, &fused}) {
        EXPECT_EQ(answer_text(*reply), "");
        EXPECT_TRUE(called(*reply).empty());
        EXPECT_EQ(finish_of(*reply), "stop");
        EXPECT_EQ(reason_of(*reply), "tool_choice_none_stripped");
    }
    EXPECT_EQ(decision_of(lone), "single_success");
    EXPECT_EQ(decision_of(fused), "merged_with_repair");
    EXPECT_TRUE(called(streamed).empty());
    EXPECT_EQ(streamed.finish_reason(), "stop");
}

TEST(finalisation, moa_154_a_draft_takes_the_place_of_an_undeclared_call) {
    panel p;
    p.models.on("a", complete(from("reply-a", calling({"f"}, "{}", "a"))));
    p.models.on("b", complete(calling({"f"}, "{}", "b")));
    p.models.on("s", calls("rogue"));
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say(panel_name), declaring({"f"})));
    const auto streamed = stream(gateway, with(say_streamed(panel_name), declaring({"f"})));

    EXPECT_EQ(called(reply), names{"f"});
    EXPECT_EQ(reply.json()["id"], "reply-a");
    EXPECT_EQ(reason_of(reply), "undeclared_tool_repaired");
    EXPECT_EQ(decision_of(reply), "merged_with_repair");
    EXPECT_EQ(reply.body.find("rogue"), std::string::npos);
    EXPECT_EQ(called(streamed), names{"f"});
}

TEST(finalisation, a_legacy_call_goes_out_as_a_tool_call) {
    panel p;
    p.models.on("a", complete(legacy_calling("f")));
    const gateway_process gateway(p.config().moa("one.v1", {"a"}, "s"));

    const auto reply = chat(gateway, with(say("one.v1"), declaring({"f"})));

    EXPECT_EQ(called(reply), names{"f"});
    EXPECT_EQ(message_of(reply)["tool_calls"][0]["id"], "call_legacy_promoted");
    EXPECT_FALSE(message_of(reply).contains("function_call"));
    EXPECT_EQ(finish_of(reply), "tool_calls");
}

TEST(finalisation, a_fallback_meets_the_policy_too) {
    panel p;
    p.models.on("a", complete(calling({"f"}, "{}", "a")));
    p.models.on("s", html());
    const gateway_process gateway(p.config());
    const auto wish = with(declaring({"f"}), {{"tool_choice", "required"}});

    const auto reply = chat(gateway, with(say(panel_name), wish));

    EXPECT_EQ(called(reply), names{"f"});
    EXPECT_EQ(decision_of(reply), "fallback_primary");
}

TEST(finalisation, a_live_answer_does_not_end_with_calls_that_were_dropped) {
    panel p;
    auto both = calling({"f"});
    both.message["content"] = "the fused answer";
    p.models.on("s", complete(both));
    const gateway_process gateway(p.config());

    const auto streamed = stream(gateway, with(say_streamed(panel_name), declaring({"f"})));

    EXPECT_EQ(streamed.text(), "the fused answer");
    EXPECT_TRUE(called(streamed).empty());
    EXPECT_EQ(streamed.finish_reason(), "stop");
}

}  // namespace

}  // namespace meta_model::contract
