#include "api/json_cursor.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <limits>
#include <random>
#include <string>

namespace meta_model::api {
namespace {

bool accepts(std::string_view text, int max_depth = 128) {
    json_cursor in(text, max_depth);
    std::string_view raw;
    return in.skip(raw) && in.at_end();
}

std::string nested(int depth) {
    const auto n = static_cast<std::size_t>(depth);
    return std::string(n, '[') + std::string(n, ']');
}

TEST(json_cursor, valid_texts_are_accepted) {
    for (const std::string_view text :
         {"null",
          "true",
          "false",
          "0",
          "-0",
          "1.5e-3",
          "1E+2",
          "1e400",
          "-1e-400",
          "\"\"",
          R"("\u0041\n\/")",
          R"("\ud800")",
          R"("\udc00\ud800")",
          "[]",
          "{}",
          " [ 1 , 2 ] ",
          "\t\r\n{\"a\" : {\"b\":[[]]}}\n",
          R"({"":0,"":1})",
          "123456789012345678901234567890"}) {
        EXPECT_TRUE(accepts(text)) << text;
    }
}

TEST(json_cursor, invalid_texts_are_refused) {
    for (const std::string_view text :
         {"",         " ",         "nul",    "nulll",   "True",      "01",          "-",
          "+1",       "1.",        ".5",     "1e",      "1e+",       "0x1",         "NaN",
          "Infinity", "\"",        "\"\\\"", R"("\x")", R"("\u12")", R"("\u12g4")", "\"\n\"",
          "\"\t\"",   "[",         "]",      "[1",      "[1,",       "[1,]",        "[,1]",
          "[1 2]",    "{",         "{\"a\"", "{\"a\":", "{\"a\":1",  "{\"a\":1,}",  "{a:1}",
          "{1:1}",    "{\"a\" 1}", "{,}",    "[}",      "{]",        "1 2",         "[]]",
          "// x\n1",  "'a'"}) {
        EXPECT_FALSE(accepts(text)) << text;
    }
    EXPECT_FALSE(accepts(std::string_view("\"a\0b\"", 5)));
    EXPECT_FALSE(accepts(std::string_view("1\0", 2)));
}

TEST(json_cursor, nesting_is_bounded) {
    EXPECT_TRUE(accepts(nested(5), 5));
    json_cursor in(std::string_view("[[[[[[]]]]]]"), 5);
    std::string_view raw;
    EXPECT_FALSE(in.skip(raw));
    EXPECT_TRUE(in.failed());
    EXPECT_TRUE(in.too_deep());
    EXPECT_TRUE(accepts(nested(json_cursor::depth_limit), json_cursor::depth_limit));
    EXPECT_FALSE(accepts(nested(json_cursor::depth_limit + 1), json_cursor::depth_limit));
    EXPECT_FALSE(accepts(std::string(1u << 20, '[')));
}

TEST(json_cursor, members_and_elements_are_read_in_order) {
    json_cursor in(R"( {"a":[1,"x",null],"b":{"c":true},"d":-2.5e3} )");
    std::string_view key;
    std::string_view raw;
    ASSERT_EQ(in.peek(), json_type::object);
    ASSERT_TRUE(in.enter_object());
    ASSERT_TRUE(in.next_member(key));
    EXPECT_EQ(key, "a");
    ASSERT_TRUE(in.enter_array());
    ASSERT_TRUE(in.next_element());
    EXPECT_EQ(in.peek(), json_type::number);
    ASSERT_TRUE(in.skip(raw));
    EXPECT_EQ(raw, "1");
    ASSERT_TRUE(in.next_element());
    ASSERT_TRUE(in.string(raw));
    EXPECT_EQ(raw, "x");
    ASSERT_TRUE(in.next_element());
    EXPECT_EQ(in.peek(), json_type::null);
    ASSERT_TRUE(in.skip(raw));
    EXPECT_FALSE(in.next_element());
    ASSERT_TRUE(in.next_member(key));
    ASSERT_TRUE(in.skip(raw));
    EXPECT_EQ(raw, R"({"c":true})");
    ASSERT_TRUE(in.next_member(key));
    ASSERT_TRUE(in.skip(raw));
    EXPECT_EQ(raw, "-2.5e3");
    EXPECT_FALSE(in.next_member(key));
    EXPECT_FALSE(in.failed());
    EXPECT_TRUE(in.at_end());
}

TEST(json_cursor, escapes_are_found_at_every_place_of_a_block) {
    for (std::size_t before = 0; before < 40; ++before) {
        for (std::size_t after = 0; after < 20; ++after) {
            const std::string lead(before, 'a');
            const std::string tail(after, 'b');
            for (const std::string_view escape : {R"(\")", R"(\\)", R"(\u00e9)", R"(\\\")"}) {
                const auto text = '"' + lead + std::string(escape) + tail + '"';
                json_cursor in(text);
                std::string_view raw;
                ASSERT_TRUE(in.string(raw)) << text;
                EXPECT_EQ(raw, std::string_view(text).substr(1, text.size() - 2));
                EXPECT_TRUE(in.at_end());
                EXPECT_FALSE(accepts(text.substr(0, text.size() - 1))) << text;
            }
            EXPECT_FALSE(accepts('"' + lead + '\x1f' + tail + '"'));
            EXPECT_FALSE(accepts('"' + lead + "\\q" + tail + '"'));
            EXPECT_TRUE(accepts('"' + lead + "\x7f\xc3\xa9" + tail + '"'));
        }
    }
}

TEST(json_cursor, agrees_with_a_json_library_on_mutated_documents) {
    static constexpr std::array<std::string_view, 4> seeds{
        R"({"model":"m","messages":[{"role":"user","content":"h\u00e9 \"q\" \\"}],"stream":false})",
        R"([0,-1.5e+1,true,false,null,{"a":[[],{}]},"\b\f\n\r\t\/"])",
        R"({"a":{"b":{"c":[1,2,3,{"d":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"}]}}})",
        "\t{ \"n\" : 12.25 , \"m\" : [ ] }\r\n",
    };
    static constexpr std::string_view alphabet = "{}[]\",:\\/0123456789eE+-.tfnu abx\n\t\x01";
    std::mt19937 random(20240611);
    for (int round = 0; round < 20000; ++round) {
        std::string text(seeds[random() % seeds.size()]);
        for (auto changes = 1 + random() % 3; changes > 0 && !text.empty(); --changes) {
            const auto at = random() % text.size();
            const char c = alphabet[random() % alphabet.size()];
            switch (random() % 3) {
                case 0: text[at] = c; break;
                case 1: text.insert(at, 1, c); break;
                default: text.erase(at, 1 + random() % 3); break;
            }
        }
        // No mutation makes a number too large for a double or half a surrogate pair, which the library refuses.
        ASSERT_EQ(accepts(text), nlohmann::json::accept(text)) << text;
    }
}

TEST(json_cursor, the_last_of_repeated_members_is_found) {
    EXPECT_EQ(find_member(R"({"a":1,"b":[2],"a":"x"})", "a"), "\"x\"");
    EXPECT_EQ(find_member(R"({"a":1})", "b"), "");
    EXPECT_EQ(find_member("[1]", "a"), "");
    EXPECT_EQ(find_member(R"({"o":{"a":1}})", "a"), "");
    EXPECT_EQ(find_member(R"({"\u0061":1,"\ud800":2})", "a"), "1");
}

TEST(json_cursor, strings_are_compared_by_what_they_stand_for) {
    EXPECT_TRUE(is_string(R"("text")", "text"));
    EXPECT_TRUE(is_string(R"("te\u0078t")", "text"));
    EXPECT_TRUE(is_string(R"("\ud83d\ude00")", "\xf0\x9f\x98\x80"));
    for (const std::string_view raw :
         {R"("texts")", R"("tex\ud800")", "text", "", "1", "null", "[\"text\"]"}) {
        EXPECT_FALSE(is_string(raw, "text")) << raw;
    }
}

TEST(json_cursor, numbers_are_read_only_when_they_fit) {
    std::int64_t integer = 0;
    EXPECT_TRUE(to_int64("-9223372036854775808", integer));
    EXPECT_EQ(integer, std::numeric_limits<std::int64_t>::min());
    for (const std::string_view text : {"9223372036854775808", "1.0", "1e3", "", "\"1\"", "true"}) {
        EXPECT_FALSE(to_int64(text, integer)) << text;
    }
    double number = 0;
    EXPECT_TRUE(to_double("-2.5e-1", number));
    EXPECT_DOUBLE_EQ(number, -0.25);
    for (const std::string_view text : {"1e400", "", "null", "\"1\""}) {
        EXPECT_FALSE(to_double(text, number)) << text;
    }
}

}  // namespace
}  // namespace meta_model::api
