#include "dispatch/candidate_text.hpp"

#include "unit/dispatch/drafts_of_calls.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

TEST(candidate_text, moa_127_calls_are_shown_as_json_with_sorted_keys) {
    auto d = calling({"f"}, R"({ "b": [1, 2], "a": "x" })");
    d.reasoning_content = "a secret thought";
    EXPECT_EQ(candidate_text(d), R"(tool_calls: [{"arguments":{"a":"x","b":[1,2]},"name":"f"}])");
    d.content = "Let me look.";
    EXPECT_TRUE(candidate_text(d).starts_with("Let me look.\ntool_calls: ["));
    EXPECT_EQ(
        candidate_text(legacy_calling("f", "{}")), R"(function_call: {"arguments":{},"name":"f"})"
    );
}

TEST(candidate_text, arguments_that_are_no_json_are_a_string) {
    EXPECT_EQ(
        candidate_text(calling({"f"}, "x \"y")), R"(tool_calls: [{"arguments":"x \"y","name":"f"}])"
    );
    EXPECT_EQ(candidate_text(calling({"f"}, "")), R"(tool_calls: [{"arguments":"","name":"f"}])");
}

TEST(candidate_text, moa_128_only_a_draft_without_anything_is_empty) {
    EXPECT_EQ(candidate_text(api::draft{}), "(empty)");
    EXPECT_EQ(candidate_text(text_draft(" \n")), "(empty)");
    api::draft refused;
    refused.refusal = "I cannot.";
    EXPECT_EQ(candidate_text(refused), "I cannot.");
}

TEST(candidate_text, what_is_shown_of_calls_is_bounded) {
    const auto huge = candidate_text(calling({"f"}, std::string(8u << 20, 'x')));
    EXPECT_LT(huge.size(), 128u * 1024);
    EXPECT_NE(huge.find("elided"), std::string::npos);
    const auto many = candidate_text(calling(std::vector<std::string>(100'000, "f")));
    EXPECT_LT(many.size(), 512u * 1024);
    EXPECT_NE(many.find(" more"), std::string::npos);
}

}  // namespace
}  // namespace meta_model::dispatch
