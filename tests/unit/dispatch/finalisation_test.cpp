#include "dispatch/finalisation.hpp"

#include "unit/dispatch/drafts_of_calls.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

const std::vector<std::string> declared{"f", "g", "right", "extra", "wrong"};
const tool_policy automatic = policy_of(tool_mode::automatic, declared);
const tool_policy required = policy_of(tool_mode::required, declared);
const tool_policy forced = forcing("right", declared);

tool_policy single(tool_policy policy) {
    policy.is_parallel = false;
    return policy;
}

std::vector<std::string> names(const api::draft& d) {
    std::vector<std::string> out;
    for (const auto& call : d.tool_calls) {
        out.push_back(call.name);
    }
    return out;
}

TEST(finalisation, what_meets_the_policy_stays_as_it_is) {
    const auto text = finalise(text_draft("hello"), automatic);
    EXPECT_EQ(text.fault, final_fault::none);
    EXPECT_EQ(text.label, "");
    EXPECT_EQ(text.answer.content, "hello");
    EXPECT_EQ(text.answer.finish_reason, "stop");

    auto d = calling({"f"}, "not json");
    d.tool_calls[0].id = "c1";
    const auto call = finalise(d, automatic);
    EXPECT_EQ(call.fault, final_fault::none);
    EXPECT_EQ(call.answer.tool_calls[0].id, "c1");
    EXPECT_EQ(call.answer.tool_calls[0].arguments, "not json") << "the caller's to judge";
    EXPECT_EQ(finalise(text_draft("hel", "length"), automatic).answer.finish_reason, "length");
}

TEST(finalisation, a_legacy_call_is_promoted) {
    const auto f = finalise(legacy_calling("f<|end|>", R"({"x":1})"), automatic);

    EXPECT_FALSE(f.answer.function_call);
    ASSERT_EQ(f.answer.tool_calls.size(), 1u);
    EXPECT_EQ(f.answer.tool_calls[0].id, "call_legacy_promoted");
    EXPECT_EQ(f.answer.tool_calls[0].type, "function");
    EXPECT_EQ(f.answer.tool_calls[0].name, "f");
    EXPECT_EQ(f.answer.tool_calls[0].arguments, R"({"x":1})");
    EXPECT_EQ(f.answer.finish_reason, "tool_calls");
    const auto unusable = finalise(legacy_calling("<|im_end|>"), automatic);
    EXPECT_TRUE(unusable.answer.tool_calls.empty());
    EXPECT_EQ(unusable.answer.finish_reason, "stop");
}

TEST(finalisation, moa_148_calls_that_may_not_be_parallel_are_trimmed) {
    const auto f = finalise(calling({"f", "g"}), single(automatic));

    EXPECT_EQ(names(f.answer), (std::vector<std::string>{"f"}));
    EXPECT_EQ(f.label, "parallel_violation_trimmed");
    EXPECT_EQ(f.fault, final_fault::none);
}

TEST(finalisation, moa_149_in_mode_none_calls_are_removed) {
    const auto f = finalise(calling({"f"}), policy_of(tool_mode::none, declared));

    EXPECT_TRUE(f.answer.tool_calls.empty());
    EXPECT_EQ(f.answer.content, "");
    EXPECT_EQ(f.answer.finish_reason, "stop");
    EXPECT_EQ(f.label, "tool_choice_none_stripped");
    EXPECT_EQ(f.fault, final_fault::none);
    EXPECT_EQ(finalise(text_draft("x"), tool_policy{}).label, "");
}

TEST(finalisation, a_policy_that_needs_a_call_is_unmet_without_it) {
    EXPECT_EQ(finalise(text_draft("x"), required).fault, final_fault::unmet);
    EXPECT_EQ(finalise(calling({"f"}), required).fault, final_fault::none);
    EXPECT_EQ(finalise(text_draft("x"), forced).fault, final_fault::unmet);
    EXPECT_EQ(finalise(calling({"wrong"}), forced).fault, final_fault::unmet);
    EXPECT_EQ(finalise(calling({"right", "right"}), forced).fault, final_fault::none);
}

TEST(finalisation, moa_147_a_trimmed_forced_call_is_enough) {
    EXPECT_EQ(finalise(calling({"right", "extra"}), forced).fault, final_fault::unmet);
    const auto trimmed = finalise(calling({"right", "extra"}), single(forced));
    EXPECT_EQ(trimmed.fault, final_fault::none);
    EXPECT_EQ(trimmed.label, "parallel_violation_trimmed");
}

TEST(finalisation, undeclared_calls_and_two_shapes_must_not_go_out) {
    EXPECT_EQ(finalise(calling({"f", "rogue"}), automatic).fault, final_fault::undeclared);
    EXPECT_EQ(finalise(legacy_calling("rogue"), required).fault, final_fault::undeclared);
    auto dual = calling({"f"});
    dual.function_call = {.name = "g", .arguments = "{}"};
    EXPECT_EQ(finalise(dual, automatic).fault, final_fault::undeclared);
    EXPECT_EQ(finalise(dual, policy_of(tool_mode::none, declared)).fault, final_fault::none);
}

std::optional<finalised> picked_of(
    const std::vector<const api::draft*>& drafts, const tool_policy& policy
) {
    return pick_draft(drafts, std::vector<std::int64_t>(drafts.size(), 1), policy);
}

TEST(pick_draft, moa_150_the_most_frequent_calls_win_and_ties_go_to_the_earliest) {
    const auto g = calling({"g"});
    auto f_first = calling({"f"}, R"({"x":1,"y":2})");
    f_first.id = "first";
    const auto f_second = calling({"f"}, R"({ "y": 2, "x": 1 })");

    const auto majority = picked_of({&g, &f_first, &f_second}, required);
    ASSERT_TRUE(majority);
    EXPECT_EQ(majority->answer.id, "first") << "ids do not count, the first bearer answers";
    const auto tie = picked_of({&g, &f_first}, required);
    ASSERT_TRUE(tie);
    EXPECT_EQ(names(tie->answer), (std::vector<std::string>{"g"}));
}

TEST(pick_draft, only_drafts_that_meet_the_policy_count) {
    const auto text = text_draft("x");
    const auto more_text = text_draft("y");
    const auto f = calling({"f"});
    const auto rogue = calling({"rogue"});

    EXPECT_EQ(names(picked_of({&text, &more_text, &f}, required)->answer)[0], "f");
    EXPECT_FALSE(picked_of({&text, &f}, forced));
    EXPECT_FALSE(picked_of({&rogue}, automatic)) << "never the offender itself";
    EXPECT_EQ(picked_of({&text, &more_text, &f}, automatic)->answer.content, "x");
}

TEST(pick_draft, calls_are_compared_as_they_would_go_out) {
    const auto two = calling({"f", "g"});
    const auto legacy = legacy_calling("f");

    const auto picked = picked_of({&two, &legacy}, single(required));
    ASSERT_TRUE(picked);
    EXPECT_EQ(names(picked->answer), (std::vector<std::string>{"f"}));
    const auto promoted = picked_of({&legacy}, required);
    EXPECT_EQ(promoted->answer.finish_reason, "tool_calls");
    EXPECT_FALSE(promoted->answer.function_call);
}

TEST(finalisation, labels_and_reasons_tell_what_was_not_met) {
    EXPECT_EQ(repaired_label(final_fault::unmet, required), "tool_required_repaired");
    EXPECT_EQ(repaired_label(final_fault::unmet, forced), "tool_choice_repaired");
    EXPECT_EQ(repaired_label(final_fault::undeclared, required), "undeclared_tool_repaired");
    EXPECT_EQ(unmet_reason(final_fault::unmet, required), "tool_required_unmet");
    EXPECT_EQ(unmet_reason(final_fault::unmet, forced), "tool_choice_unmet");
    EXPECT_EQ(unmet_reason(final_fault::undeclared, forced), "undeclared_tool_unrepairable");
}

}  // namespace
}  // namespace meta_model::dispatch
