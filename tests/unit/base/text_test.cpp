#include "base/text.hpp"

#include "base/ids.hpp"
#include "base/secret.hpp"

#include <gtest/gtest.h>

namespace meta_model::base {
namespace {

TEST(text, unicode_white_space_is_trimmed) {
    EXPECT_EQ(trim(" \t\r\n\v\f a b \n"), "a b");
    EXPECT_EQ(trim("\xc2\xa0\xe3\x80\x80x\xe2\x80\xa8\xc2\x85"), "x");
    EXPECT_EQ(trim("\xe2\x80\x8b"), "\xe2\x80\x8b");
    EXPECT_EQ(trim(" \n "), "");
    EXPECT_EQ(trim(""), "");
}

TEST(text, only_ascii_letters_change_their_case) {
    EXPECT_EQ(ascii_lower("AbZ@[\xc3\x89"), "abz@[\xc3\x89");
    EXPECT_TRUE(ascii_iequals("Content-TYPE", "content-type"));
    EXPECT_FALSE(ascii_iequals("a", "ab"));
    EXPECT_FALSE(ascii_iequals("@", "`"));
}

TEST(text, utf8_is_judged_strictly) {
    for (const std::string_view good :
         {"", "a", "\xc3\xa9", "\xf0\x9f\x99\x82", "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(is_valid_utf8(good));
    }
    for (const std::string_view bad :
         {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
        EXPECT_FALSE(is_valid_utf8(bad));
    }
}

TEST(text, a_header_value_holds_no_line_ends) {
    EXPECT_EQ(header_safe("a\r\nX: b\xc3\xa9\x7f~ "), "a??X: b???~ ");
    EXPECT_EQ(header_safe("abcdef", 3), "abc");
}

TEST(text, a_clipped_text_ends_in_a_whole_character) {
    EXPECT_EQ(clip("abc", 3), "abc");
    EXPECT_EQ(clip("abcd", 3), "abc…");
    EXPECT_EQ(clip("a\xf0\x9f\x99\x82z", 4), "a…");
    EXPECT_EQ(clip("abc", 0), "…");
}

TEST(ids, random_digits_are_hexadecimal_and_differ) {
    const auto id = random_hex(24);
    EXPECT_EQ(id.size(), 24u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_NE(id, random_hex(24));
    std::string out = "x";
    append_random_hex(out, 5);
    EXPECT_EQ(out.size(), 6u);
}

TEST(secret, comparison_is_by_every_byte) {
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace meta_model::base
