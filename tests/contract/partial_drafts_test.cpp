// Drafts of generators that the panel ended before they had finished.
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

// 240 bytes, and where they begin.
const std::string unfinished = "The beginning of a long story: " + std::string(209, 'x');

json delta_event(const json& delta) {
    return {{"id", "x"}, {"choices", json::array({{{"index", 0}, {"delta", delta}}})}};
}

// Streams these deltas and then says nothing more.
reply stops_after(const std::vector<json>& deltas) {
    std::vector<std::string> events;
    for (const auto& delta : deltas) {
        events.push_back(delta_event(delta).dump());
    }
    return hang_after_sends(1 + events.size(), sse(events));
}

reply stops_after_text(const std::string& text) {
    return stops_after(
        {{{"role", "assistant"}, {"content", text.substr(0, 10)}}, {{"content", text.substr(10)}}}
    );
}

json leg_states(const gateway_process& gateway, const std::string& name) {
    return get(gateway, "/v1/metrics/moa").json()["profiles"][panel_name]["legs"][name]["states"];
}

// Enough time for the deltas to arrive.
constexpr auto short_grace = "grace_secs = 0.5";

TEST(partial_drafts, a_straggler_ended_by_the_grace_leaves_what_it_had_written) {
    panel p;
    p.models.on("c", stops_after_text(unfinished));
    const gateway_process gateway(p.config(short_grace));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_EQ(failed_generators(reply), "c:cancelled");
    EXPECT_EQ(reply.header("X-MetaModel-Degraded"), "true");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_EQ(reply.header("X-MetaModel-Fallback-Reason"), "reduced_quorum");
    EXPECT_EQ(reply.header("X-MetaModel-Draft-Lengths"), "18,22") << "of the drafts that count";
    const auto added = p.added_text();
    const auto number = number_shown(added, unfinished);
    EXPECT_NE(added.find("candidate " + number + " (unfinished"), std::string::npos) << added;
    EXPECT_EQ(added.find("(unfinished"), added.rfind("(unfinished")) << "and no other is";
    EXPECT_EQ(leg_states(gateway, "c"), (json{{"partial", 1}}));
}

TEST(partial_drafts, the_panels_deadline_leaves_them_too) {
    panel p;
    p.models.on("c", stops_after_text(unfinished));
    const gateway_process gateway(p.config("min_drafts = 3\npanel_timeout_secs = 0.5"));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(failed_generators(reply), "c:timeout");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_NE(p.added_text().find(unfinished), std::string::npos);
    EXPECT_EQ(leg_states(gateway, "c"), (json{{"partial", 1}}));
}

TEST(partial_drafts, what_is_short_or_half_a_call_or_not_wanted_is_dropped) {
    panel p;
    const json call = {
        {"index", 0},
        {"id", "c1"},
        {"type", "function"},
        {"function", {{"name", "f"}, {"arguments", "{"}}}
    };
    const std::vector<std::pair<std::string, reply>> cases{
        {short_grace, stops_after_text(unfinished.substr(0, 199))},
        {short_grace, stops_after_text("<think>" + unfinished)},
        {short_grace,
         stops_after({{{"content", unfinished}}, {{"tool_calls", json::array({call})}}})},
        {std::string(short_grace) + "\nkeep_partial_drafts = false", stops_after_text(unfinished)},
    };
    for (const auto& [lines, straggler] : cases) {
        p.models.on("c", straggler);
        const gateway_process gateway(p.config(lines));

        const auto reply = chat(gateway, say(panel_name));

        EXPECT_EQ(answer_text(reply), "the fused answer");
        EXPECT_EQ(failed_generators(reply), "c:cancelled");
        EXPECT_EQ(p.added_text().find("long story"), std::string::npos) << lines;
        EXPECT_EQ(p.added_text().find("candidate 3"), std::string::npos) << lines;
        EXPECT_EQ(leg_states(gateway, "c"), (json{{"cancelled", 1}})) << lines;
    }
}

TEST(partial_drafts, a_leg_that_fails_on_its_own_leaves_none) {
    panel p;
    p.models.on(
        "c", cut_after_sends(2, sse({delta_event({{"content", unfinished}}).dump(), "[DONE]"}))
    );
    const gateway_process gateway(p.config(short_grace));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_EQ(p.added_text().find("long story"), std::string::npos);
    EXPECT_EQ(leg_states(gateway, "c"), (json{{"failed", 1}}));
}

TEST(partial_drafts, they_never_answer_alone) {
    panel p;
    const auto busy = json_reply(503, {{"error", {{"message", "busy"}}}});
    p.models.on("a", busy);
    p.models.on("b", stops_after_text(unfinished));
    p.models.on("c", stops_after_text(unfinished));
    const gateway_process gateway(p.config("panel_timeout_secs = 0.5"));

    const auto none = chat(gateway, say(panel_name));
    p.models.on("a", ok("the only whole one"));
    const auto one = chat(gateway, say(panel_name));

    EXPECT_EQ(none.error_code(), "all_generators_failed") << none.body;
    EXPECT_EQ(none.body.find("long story"), std::string::npos);
    EXPECT_EQ(answer_text(one), "the only whole one");
    EXPECT_EQ(one.header("X-MetaModel-Synth-Decision"), "single_success");
    EXPECT_EQ(p.models.call_count("s"), 0u);
}

TEST(partial_drafts, a_failed_synthesizer_falls_back_to_a_whole_one) {
    panel p;
    p.models.on("a", stops_after_text(unfinished));
    p.models.on("b", ok("The beginning of a short story."));
    p.models.on("c", ok("The beginning of another story."));
    p.models.on("s", html());
    const gateway_process gateway(p.config(short_grace));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "The beginning of a short story.");
    EXPECT_EQ(reply.header("X-MetaModel-Synth-Decision"), "fallback_primary");
}

}  // namespace

}  // namespace meta_model::contract
