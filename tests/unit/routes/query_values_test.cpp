#include "routes/query_values.hpp"

#include <gtest/gtest.h>

namespace meta_model::routes {
namespace {

TEST(query_values, are_found_by_name_and_decoded) {
    EXPECT_EQ(query_value("a=1&b=2", "b"), "2");
    EXPECT_EQ(query_value("a=1&a=2", "a"), "1") << "the first";
    EXPECT_EQ(query_value("a=x%2Fy%20z&b", "a"), "x/y z");
    EXPECT_EQ(query_value("%61=1", "a"), "1");
    EXPECT_EQ(query_value("a=1=2", "a"), "1=2");
    EXPECT_EQ(query_value("a&b=1", "a"), "");
    EXPECT_EQ(query_value("a=", "a"), "");
    EXPECT_EQ(query_value("&&a=1", "a"), "1");
    EXPECT_EQ(query_value("ab=1", "a"), std::nullopt);
    EXPECT_EQ(query_value("", "a"), std::nullopt);
}

TEST(query_values, what_is_no_escape_stays) {
    EXPECT_EQ(percent_decoded("100%"), "100%");
    EXPECT_EQ(percent_decoded("%4"), "%4");
    EXPECT_EQ(percent_decoded("%zz%41"), "%zzA");
}

}  // namespace
}  // namespace meta_model::routes
