#include "dispatch/verdict.hpp"

#include "unit/dispatch/drafts_of_calls.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

const std::vector<std::string> declared{"f", "g"};
const tool_policy automatic = policy_of(tool_mode::automatic, declared);
const tool_policy required = policy_of(tool_mode::required, declared);

tool_policy asked_none() {
    auto out = policy_of(tool_mode::none, declared);
    out.is_none_asked = true;
    return out;
}

// A panel with drafts of its own.
struct drafted {
    std::vector<api::draft> all;
    const tool_policy& policy;
    std::vector<const api::draft*> views{};
    std::vector<std::int64_t> weights{};  // empty: all the same

    candidates get() {
        views.clear();
        for (const auto& d : all) {
            views.push_back(&d);
        }
        weights.resize(views.size(), 1);
        return {views, weights, policy, "none", {}};
    }
};

TEST(verdict, arbitration_is_for_calls_that_are_needed_or_proposed) {
    drafted texts{{text_draft("a"), text_draft("b")}, automatic};
    drafted one_calls{{text_draft("a"), calling({"f"})}, automatic};
    drafted needed{{text_draft("a")}, required};
    const auto none = asked_none();
    drafted unwanted{{calling({"f"}), calling({"f"})}, none};

    EXPECT_FALSE(needs_arbitration(texts.get()));
    EXPECT_TRUE(needs_arbitration(one_calls.get()));
    EXPECT_TRUE(needs_arbitration(needed.get()));
    EXPECT_FALSE(needs_arbitration(unwanted.get()));
}

TEST(verdict, moa_143_the_synthesizers_text_yields_only_to_a_majority_of_calls) {
    drafted stray{{text_draft("a"), text_draft("b"), calling({"f"})}, automatic};
    drafted half{{text_draft("a"), calling({"f"})}, automatic};
    drafted most{{text_draft("a"), calling({"g"}), calling({"f"}), calling({"f"})}, automatic};

    for (auto* panel : {&stray, &half}) {
        const auto v = settle_synthesis(panel->get(), text_draft("fused"));
        EXPECT_EQ(v.decision, "merged");
        EXPECT_EQ(v.answer->content, "fused");
    }
    const auto v = settle_synthesis(most.get(), text_draft("fused"));
    EXPECT_EQ(v.decision, "tool_preserved");
    EXPECT_EQ(v.answer->tool_calls.at(0).name, "f") << "what most of them call";
}

TEST(verdict, votes_on_calls_are_weighed) {
    drafted heavy{{text_draft("a"), text_draft("b"), calling({"f"})}, automatic, {}, {1, 1, 3}};
    drafted light{{text_draft("a"), calling({"f"}), calling({"f"})}, automatic, {}, {2, 1, 1}};
    drafted split{{calling({"g"}), calling({"f"}), calling({"f"})}, required, {}, {3, 1, 1}};

    EXPECT_EQ(settle_synthesis(heavy.get(), text_draft("fused")).decision, "tool_preserved");
    EXPECT_EQ(settle_synthesis(light.get(), text_draft("fused")).decision, "merged");
    const auto v = settle_by_pick(split.get(), final_fault::none, "best_of_picked");
    EXPECT_EQ(v.answer->tool_calls.at(0).name, "g");
}

TEST(verdict, a_synthesis_without_an_answer_is_none) {
    drafted texts{{text_draft("a"), text_draft("b")}, automatic};
    drafted calls{{text_draft("a"), calling({"f"})}, automatic};
    auto cut = calling({"f", "g"}, R"({"x":"unfinis)");
    cut.finish_reason = "length";

    for (auto* panel : {&texts, &calls}) {
        const auto v = settle_synthesis(panel->get(), text_draft(" \n"));
        EXPECT_FALSE(v.answer);
        EXPECT_EQ(v.fault, final_fault::none);
    }
    EXPECT_FALSE(settle_synthesis(calls.get(), cut).answer) << "cut within a call";
    EXPECT_FALSE(settle_synthesis(texts.get(), calling({"f"})).answer) << "it was to write text";
    cut.tool_calls.back().arguments = "{}";
    EXPECT_TRUE(settle_synthesis(calls.get(), cut).answer);
}

TEST(verdict, moa_149_where_no_calls_are_wanted_an_answer_of_calls_is_an_empty_one) {
    const auto none = asked_none();
    drafted texts{{text_draft("a"), text_draft("b")}, none};

    const auto v = settle_synthesis(texts.get(), calling({"f"}));

    ASSERT_TRUE(v.answer);
    EXPECT_EQ(v.answer->content, "");
    EXPECT_EQ(v.reason, "tool_choice_none_stripped");
    EXPECT_EQ(v.decision, "merged_with_repair");
}

TEST(verdict, calls_that_nobody_asked_for_do_not_stay_in_a_text) {
    drafted texts{{text_draft("a"), text_draft("b")}, automatic};
    auto both = calling({"f"});
    both.content = "text and a call";

    const auto v = settle_synthesis(texts.get(), both);

    ASSERT_TRUE(v.answer);
    EXPECT_TRUE(v.answer->tool_calls.empty());
    EXPECT_EQ(v.answer->content, "text and a call");
    EXPECT_EQ(v.answer->finish_reason, "stop");
}

TEST(verdict, moa_154_a_draft_takes_the_place_of_an_undeclared_call) {
    drafted panel{{calling({"f"}), calling({"f"}), text_draft("a")}, automatic};

    const auto v = settle_synthesis(panel.get(), calling({"rogue"}));

    ASSERT_TRUE(v.answer);
    EXPECT_EQ(v.answer->tool_calls.at(0).name, "f");
    EXPECT_EQ(v.reason, "undeclared_tool_repaired");
    EXPECT_EQ(v.decision, "merged_with_repair");
}

TEST(verdict, an_early_answer_must_meet_the_policy) {
    drafted text{{text_draft("a")}, required};
    drafted call{{calling({"f"})}, required};

    EXPECT_EQ(settle_early(text.get(), 0, "single_success").fault, final_fault::unmet);
    const auto v = settle_early(call.get(), 0, "single_success");
    ASSERT_TRUE(v.answer);
    EXPECT_TRUE(v.is_fastpath);
    EXPECT_EQ(v.decision, "single_success");
    EXPECT_EQ(v.reason, "none");
}

TEST(verdict, a_pick_that_finds_nothing_tells_what_was_not_met) {
    drafted texts{{text_draft("a"), text_draft("b")}, required};

    const auto v = settle_by_pick(texts.get(), final_fault::none, "best_of_picked");
    EXPECT_FALSE(v.answer);
    EXPECT_EQ(v.fault, final_fault::unmet);
    EXPECT_EQ(settle_on(texts.get(), 0, "r", "d").fault, final_fault::unmet);
}

TEST(verdict, where_calls_are_not_wanted_a_draft_with_text_speaks_for_the_panel) {
    const auto none = asked_none();
    drafted panel{{calling({"f"}), calling({"f"}), text_draft("the text")}, none};

    EXPECT_EQ(best_candidate(panel.get()), 2u);
    drafted only_calls{{calling({"f"}), calling({"g"})}, none};
    EXPECT_EQ(best_candidate(only_calls.get()), 0u);
}

}  // namespace
}  // namespace meta_model::dispatch
