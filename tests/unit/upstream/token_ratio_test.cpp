#include "upstream/token_ratio.hpp"

#include <gtest/gtest.h>

namespace meta_model::upstream {
namespace {

void note(token_ratio& ratio, int times, std::int64_t estimated, std::int64_t reported) {
    for (int i = 0; i < times; ++i) {
        ratio.note(estimated, reported);
    }
}

TEST(token_ratio, a_fresh_upstream_counts_as_estimated) {
    token_ratio ratio;
    EXPECT_EQ(ratio.value(), 1.0);
    note(ratio, 4, 1000, 1800);
    EXPECT_EQ(ratio.value(), 1.0);
}

TEST(token_ratio, larger_counts_are_believed_sooner_than_smaller_ones) {
    token_ratio more;
    token_ratio less;
    note(more, 5, 1000, 1500);
    note(less, 5, 1000, 800);
    EXPECT_NEAR(more.value(), 1.5, 1e-5);
    EXPECT_EQ(less.value(), 1.0);
    note(less, 15, 1000, 800);
    EXPECT_NEAR(less.value(), 0.8, 1e-5);
}

TEST(token_ratio, what_is_believed_is_bounded) {
    token_ratio high;
    token_ratio low;
    note(high, 30, 1000, 3900);
    note(low, 30, 1000, 410);
    EXPECT_EQ(high.value(), token_ratio::highest);
    EXPECT_EQ(low.value(), token_ratio::lowest);
}

TEST(token_ratio, counts_of_something_else_teach_nothing) {
    token_ratio ratio;
    note(ratio, 30, 1000, 1'000'000'000);
    note(ratio, 30, 1'000'000, 11);
    EXPECT_EQ(ratio.value(), 1.0);
}

TEST(token_ratio, short_prompts_and_absent_counts_teach_nothing) {
    token_ratio ratio;
    note(ratio, 30, 499, 998);
    note(ratio, 30, 1000, 0);
    EXPECT_EQ(ratio.value(), 1.0);
}

TEST(token_ratio, newer_counts_outweigh_older_ones) {
    token_ratio ratio;
    note(ratio, 100, 1000, 1000);
    note(ratio, 100, 1000, 1600);
    EXPECT_GT(ratio.value(), 1.55);
}

}  // namespace
}  // namespace meta_model::upstream
