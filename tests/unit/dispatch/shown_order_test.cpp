#include "dispatch/shown_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

namespace meta_model::dispatch {
namespace {

TEST(shown_order, is_the_same_for_the_same_request) {
    EXPECT_EQ(shown_order("metamodel-1", 6), shown_order("metamodel-1", 6));
    EXPECT_NE(shown_order("metamodel-1", 6), shown_order("metamodel-2", 6));
}

TEST(shown_order, names_every_draft_once) {
    EXPECT_TRUE(shown_order("x", 0).empty());
    for (std::size_t count = 1; count <= 32; ++count) {
        auto order = shown_order("metamodel-" + std::to_string(count), count);
        std::ranges::sort(order);
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(order[i], i);
        }
    }
}

// Chi-squared would say the same with more words: each of three drafts stands at each place a third of the time.
TEST(shown_order, prefers_no_place) {
    constexpr int requests = 6000;
    std::array<std::array<int, 3>, 3> seen{};
    for (int i = 0; i < requests; ++i) {
        const auto order = shown_order("metamodel-" + std::to_string(i), 3);
        for (std::size_t place = 0; place < 3; ++place) {
            ++seen[place][order[place]];
        }
    }
    for (const auto& place : seen) {
        for (const int times : place) {
            EXPECT_NEAR(times, requests / 3, 150);  // four standard deviations
        }
    }
}

}  // namespace
}  // namespace meta_model::dispatch
