#include "telemetry/number_text.hpp"

#include <gtest/gtest.h>

namespace meta_model::telemetry {
namespace {

std::string rounded(double value, int decimals) {
    std::string out;
    append_rounded(out, value, decimals);
    return out;
}

std::string seconds(std::uint64_t microseconds) {
    std::string out;
    append_seconds(out, microseconds);
    return out;
}

TEST(number_text, rates_keep_one_decimal_at_least) {
    EXPECT_EQ(rounded(3.0, 3), "3.0");
    EXPECT_EQ(rounded(0.0, 3), "0.0");
    EXPECT_EQ(rounded(1.0 / 3.0, 3), "0.333");
    EXPECT_EQ(rounded(5.0 / 3.0, 3), "1.667");
    EXPECT_EQ(rounded(812.33333, 2), "812.33");
    EXPECT_EQ(rounded(28.0, 2), "28.0");
    EXPECT_EQ(rounded(0.5, 3), "0.5");
    EXPECT_EQ(rounded(100.0, 2), "100.0");
}

TEST(number_text, seconds_are_exact) {
    EXPECT_EQ(seconds(0), "0");
    EXPECT_EQ(seconds(1), "0.000001");
    EXPECT_EQ(seconds(2500), "0.0025");
    EXPECT_EQ(seconds(1'500'000), "1.5");
    EXPECT_EQ(seconds(600'000'000), "600");
    EXPECT_EQ(seconds(10'000'000'000'000'001), "10000000000.000001");
}

TEST(number_text, strings_are_json) {
    std::string out;
    append_quoted(out, "a\"b\\c\nd\xc3\xa9");
    EXPECT_EQ(out, "\"a\\\"b\\\\c\\u000ad\xc3\xa9\"");
}

}  // namespace
}  // namespace meta_model::telemetry
