#include "dispatch/token_estimate.hpp"

#include <gtest/gtest.h>

namespace meta_model::dispatch {
namespace {

TEST(token_estimate, text_is_about_2_8_bytes_a_token_rounded_up) {
    EXPECT_EQ(estimate_text_tokens(0), 0);
    EXPECT_EQ(estimate_text_tokens(1), 1);
    EXPECT_EQ(estimate_text_tokens(2), 1);
    EXPECT_EQ(estimate_text_tokens(11), 4);
    EXPECT_EQ(estimate_text_tokens(28), 10);
    EXPECT_EQ(estimate_text_tokens(29), 11);
    EXPECT_EQ(estimate_text_tokens(2800), 1000);
    EXPECT_EQ(estimate_text_tokens(64u << 20), 23967452);
}

TEST(token_estimate, tools_cost_a_third_of_their_text_and_64) {
    EXPECT_EQ(estimate_tools_tokens(0), 0);
    EXPECT_EQ(estimate_tools_tokens(2), 64);
    EXPECT_EQ(estimate_tools_tokens(49), 80);
}

}  // namespace
}  // namespace meta_model::dispatch
