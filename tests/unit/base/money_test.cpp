#include "base/money.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace meta_model::base {

namespace {

TEST(money, a_million_tokens_cost_what_the_price_list_says) {
    const auto price = per_token(0.15);

    EXPECT_EQ(price.pico_usd, 150'000);
    EXPECT_EQ(to_usd(times(price, 1'000'000)), "0.150000000");
    EXPECT_EQ(to_usd(times(price, 0)), "0.000000000");
    EXPECT_EQ(to_usd(times(per_token(75), 3'000'000)), "225.000000000");
}

TEST(money, is_read_from_dollars) {
    EXPECT_EQ(from_usd(0.1).pico_usd, 100'000'000'000);
    EXPECT_EQ(from_usd(1e300).pico_usd, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(minus(from_usd(0.3), from_usd(0.1)), from_usd(0.2));
    EXPECT_EQ(minus(from_usd(0.1), from_usd(0.3)), money{});
}

TEST(money, sums_do_not_drift) {
    money sum;
    for (int i = 0; i < 1'000'000; ++i) {
        sum += times(per_token(0.1), 1);
    }
    EXPECT_EQ(to_usd(sum), "0.100000000");
}

TEST(money, is_never_told_smaller_than_it_is) {
    EXPECT_EQ(to_usd(money{1}), "0.000000001");
    EXPECT_EQ(to_usd(money{999}), "0.000000001");
    EXPECT_EQ(to_usd(money{1000}), "0.000000001");
    EXPECT_EQ(to_usd(money{1001}), "0.000000002");
}

TEST(money, stops_at_the_largest_amount) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    auto sum = money{most};
    sum += money{1};

    EXPECT_EQ(sum.pico_usd, most);
    EXPECT_EQ(times(per_token(100'000), most).pico_usd, most);
    EXPECT_EQ(to_usd(money{most}), "9223372.036854776");
}

}  // namespace

}  // namespace meta_model::base
