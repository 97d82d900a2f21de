#include "dispatch/contract_check.hpp"

#include "unit/dispatch/drafts_of_calls.hpp"

#include <gtest/gtest.h>

namespace meta_model::dispatch {
namespace {

using telemetry::call_outcome;

const tool_policy declares_f = policy_of(tool_mode::automatic, {"f", "exec"});

TEST(contract_check, moa_137_a_call_must_be_declared_in_either_shape) {
    EXPECT_FALSE(find_breach(calling({"f", "exec"}), declares_f));
    EXPECT_FALSE(find_breach(legacy_calling("f"), declares_f));
    EXPECT_FALSE(find_breach(text_draft("rogue()"), declares_f));
    const auto modern = find_breach(calling({"f", "rogue"}), declares_f);
    ASSERT_TRUE(modern);
    EXPECT_EQ(modern->reason, call_outcome::undeclared_tool);
    EXPECT_EQ(modern->name, "rogue");
    EXPECT_TRUE(find_breach(legacy_calling("rogue"), declares_f));
    EXPECT_TRUE(find_breach(calling({"f"}), tool_policy{})) << "nothing is declared";
}

TEST(contract_check, moa_138_two_shapes_at_once_are_a_breach) {
    auto d = calling({"f"});
    d.function_call = {.name = "f", .arguments = "{}"};
    const auto breach = find_breach(d, declares_f);
    ASSERT_TRUE(breach);
    EXPECT_EQ(breach->reason, call_outcome::dual_shape_response);
}

TEST(contract_check, names_are_compared_cleaned) {
    EXPECT_FALSE(find_breach(calling({"exec<|channel|>commentary", "<|im_end|>"}), declares_f));
    EXPECT_TRUE(find_breach(calling({"rogue<|end|>"}), declares_f));
}

TEST(contract_check, undeclared_calls_can_be_taken_away) {
    auto d = calling({"rogue", "f", "rogue"});
    d.function_call = {.name = "rogue", .arguments = "{}"};

    EXPECT_TRUE(remove_undeclared_calls(d, declares_f));

    ASSERT_EQ(d.tool_calls.size(), 1u);
    EXPECT_EQ(d.tool_calls[0].name, "f");
    EXPECT_FALSE(d.function_call);
    EXPECT_FALSE(remove_undeclared_calls(d, declares_f));
}

TEST(contract_check, an_answer_of_one_upstream_keeps_what_is_declared) {
    auto lawful = calling({"f"});
    EXPECT_FALSE(keep_declared_calls(lawful, declares_f).is_changed);
    auto text = text_draft("x");
    EXPECT_FALSE(keep_declared_calls(text, declares_f).is_changed);

    auto debris = calling({"exec<|end|>", "<|im_end|>"});
    const auto cleaned = keep_declared_calls(debris, declares_f);
    EXPECT_TRUE(cleaned.is_changed);
    EXPECT_FALSE(cleaned.breach);
    ASSERT_EQ(debris.tool_calls.size(), 1u);
    EXPECT_EQ(debris.tool_calls[0].name, "exec");
    EXPECT_EQ(debris.finish_reason, "tool_calls");

    auto rogue = legacy_calling("rogue");
    const auto kept = keep_declared_calls(rogue, declares_f);
    ASSERT_TRUE(kept.breach);
    EXPECT_EQ(kept.breach->name, "rogue");
    EXPECT_FALSE(rogue.function_call);
    EXPECT_EQ(rogue.finish_reason, "stop");
}

}  // namespace
}  // namespace meta_model::dispatch
