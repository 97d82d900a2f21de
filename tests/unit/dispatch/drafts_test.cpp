#include "dispatch/agreement.hpp"
#include "dispatch/draft_rank.hpp"
#include "dispatch/draft_stats.hpp"
#include "dispatch/token_estimate.hpp"

#include <gtest/gtest.h>

namespace meta_model::dispatch {
namespace {

api::draft text_draft(std::string text, std::string finish = "stop") {
    api::draft d;
    d.content = std::move(text);
    d.finish_reason = std::move(finish);
    return d;
}

api::draft call_draft(std::string arguments, std::string id = "c") {
    api::draft d;
    d.tool_calls.push_back({.id = std::move(id), .name = "f", .arguments = std::move(arguments)});
    return d;
}

bool agree(const api::draft& a, const api::draft& b) {
    return all_agree({&a, &b});
}

TEST(agreement, white_space_and_ids_do_not_count) {
    EXPECT_TRUE(agree(text_draft(" a  b\n"), text_draft("a\tb")));
    EXPECT_FALSE(agree(text_draft("a b"), text_draft("ab")));
    EXPECT_FALSE(agree(text_draft("a"), text_draft("A")));
    EXPECT_TRUE(agree(call_draft("{}", "x"), call_draft("{}", "y")));
    EXPECT_FALSE(all_agree({}));
}

TEST(agreement, arguments_are_compared_as_json) {
    EXPECT_TRUE(agree(call_draft(R"({"a":1,"b":[2]})"), call_draft(R"( { "b" : [2], "a":1 } )")));
    EXPECT_FALSE(agree(call_draft(R"({"a":[1,2]})"), call_draft(R"({"a":[2,1]})")));
    EXPECT_EQ(canonical_arguments("not {json"), "not {json");
    EXPECT_EQ(canonical_arguments(R"({"a":1e400})"), R"({"a":1e400})");
    const std::string deep = std::string(5000, '[') + std::string(5000, ']');
    EXPECT_EQ(canonical_arguments(deep), deep);
}

TEST(agreement, calls_and_text_both_count) {
    auto with_text = call_draft("{}");
    with_text.content = "x";
    EXPECT_FALSE(agree(with_text, call_draft("{}")));
    auto legacy = text_draft("");
    legacy.function_call = api::function_call{"f", "{}"};
    EXPECT_FALSE(agree(legacy, call_draft("{}")));
    EXPECT_TRUE(agree(legacy, legacy));
}

TEST(draft_stats, an_empty_draft_measures_8_and_hi_measures_10) {
    const auto empty = text_draft("");
    const auto hi = text_draft("hi");
    const auto stats = draft_statistics({&empty, &hi, &hi});
    EXPECT_EQ(lengths_header(stats), "8,10,10");
    ASSERT_EQ(stats.size(), 3u);
    EXPECT_EQ(stats[0].hash.size(), 16u);
    EXPECT_EQ(stats[1].hash, stats[2].hash);
    EXPECT_NE(stats[0].hash, stats[1].hash);
    EXPECT_EQ(hashes_header(stats), stats[0].hash + ',' + stats[1].hash + ',' + stats[1].hash);
    EXPECT_NE(draft_statistics({&hi})[0].hash, stats[1].hash);
    EXPECT_EQ(lengths_header({}), "");
}

TEST(draft_rank, each_rule_decides_before_the_next) {
    const auto a = text_draft("the same words here");
    const auto b = text_draft("the same words here");
    const auto cut = text_draft("the same words here", "length");
    const auto filtered = text_draft("the same words here", "content_filter");
    EXPECT_EQ(best_draft_index({{&a}, {&b}}), 0u);
    EXPECT_EQ(best_draft_index({{&a, false}, {&filtered, true, true}}), 1u);
    EXPECT_EQ(best_draft_index({{&filtered}, {&cut}}), 1u);
    EXPECT_EQ(best_draft_index({{&cut}, {&a, true, true}}), 1u);
    EXPECT_EQ(best_draft_index({{&a, true, true}, {&b}}), 1u);
}

TEST(draft_rank, the_draft_that_is_most_like_the_others_wins) {
    const auto odd = text_draft("zzz yyy xxx www vvv");
    const auto one = text_draft("Paris is the capital of France.");
    const auto two = text_draft("The capital of France is Paris.");
    EXPECT_NE(best_draft_index({{&odd}, {&one}, {&two}}), 0u);
}

TEST(draft_rank, a_single_or_empty_draft_can_be_ranked) {
    const auto empty = text_draft("");
    const api::draft nothing;
    EXPECT_EQ(best_draft_index({{&empty}}), 0u);
    EXPECT_EQ(best_draft_index({{&nothing}, {&empty}}), 0u);
}

TEST(token_estimate, the_examples_of_the_specification_hold) {
    EXPECT_EQ(estimate_text_tokens(0), 0);
    EXPECT_EQ(estimate_text_tokens(28), 10);
    EXPECT_EQ(estimate_text_tokens(11), 4);
    EXPECT_EQ(estimate_text_tokens(2), 1);
    EXPECT_EQ(estimate_text_tokens(4), 2);
    EXPECT_EQ(estimate_text_tokens(6), 3);
    EXPECT_EQ(estimate_text_tokens(2800), 1000);
    EXPECT_EQ(estimate_tools_tokens(0), 0);
    EXPECT_EQ(estimate_tools_tokens(49), 80);
}

}  // namespace
}  // namespace meta_model::dispatch
