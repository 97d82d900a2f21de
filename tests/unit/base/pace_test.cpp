#include "base/pace.hpp"

#include <gtest/gtest.h>

namespace meta_model::base {
namespace {

using namespace std::chrono_literals;

const steady_time t0{1h};
constexpr auto limit = 60s;

TEST(pace, a_peer_that_stands_still_is_given_up_after_the_limit) {
    EXPECT_EQ(pace_deadline(t0, t0, 0, limit), t0 + 60s);
    EXPECT_EQ(pace_deadline(t0, t0 + 5s, 1 << 20, limit), t0 + 65s)
        << "what it took before does not count";
}

TEST(pace, a_peer_that_creeps_is_given_up_although_it_moves) {
    EXPECT_EQ(pace_deadline(t0, t0 + 59s, 59, limit), t0 + 60s) << "a byte a second";
    EXPECT_EQ(pace_deadline(t0, t0 + 100s, 50 * 1024, limit), t0 + 110s);
}

TEST(pace, a_peer_at_the_slowest_rate_may_take_as_long_as_it_needs) {
    for (const auto passed : {1s, 60s, 600s, 3600s}) {
        const auto bytes = static_cast<std::uint64_t>(passed.count()) * slowest_bytes_per_second;
        EXPECT_EQ(pace_deadline(t0, t0 + passed, bytes, limit), t0 + passed + 60s);
    }
}

TEST(pace, huge_transfers_do_not_overflow) {
    EXPECT_GT(pace_deadline(t0, t0 + 24h, ~std::uint64_t{0}, limit), t0 + 24h);
}

}  // namespace
}  // namespace meta_model::base
