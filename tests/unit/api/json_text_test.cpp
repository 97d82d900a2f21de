#include "api/json_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <string>

namespace meta_model::api {
namespace {

std::string json_of(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string text_of(std::string_view raw) {
    std::string out;
    EXPECT_TRUE(append_unescaped(out, raw)) << raw;
    return out;
}

TEST(json_text, only_what_must_be_escaped_is) {
    EXPECT_EQ(json_of(""), "\"\"");
    EXPECT_EQ(json_of("a\"b\\c/d"), R"("a\"b\\c/d")");
    EXPECT_EQ(json_of("\xc3\xa9\xf0\x9f\x99\x82\x7f"), "\"\xc3\xa9\xf0\x9f\x99\x82\x7f\"");
    EXPECT_EQ(json_of("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xa7"), "\"\\u2028\\u2029\xe2\x80\xa7\"");
    EXPECT_EQ(json_of("\n\r\t"), R"("\n\r\t")");
}

TEST(json_text, every_control_character_comes_back) {
    for (int c = 0; c < 0x80; ++c) {
        const std::string text = "x" + std::string(1, static_cast<char>(c)) + "y";
        EXPECT_EQ(nlohmann::json::parse(json_of(text)).get<std::string>(), text) << c;
    }
}

TEST(json_text, escapes_stand_for_their_characters) {
    EXPECT_EQ(text_of(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(
        text_of(R"(\u0041\u00e9\u20ac\ud83d\ude42)"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82"
    );
    EXPECT_EQ(text_of(R"(\u0000)"), std::string(1, '\0'));
}

TEST(json_text, a_surrogate_without_its_partner_is_no_text) {
    for (const std::string_view raw :
         {R"(a\ud800)", R"(\ud800b)", R"(\udc00)", R"(\ud800\ud800)", R"(\ud800\n)"}) {
        std::string out = "kept";
        EXPECT_FALSE(append_unescaped(out, raw)) << raw;
        EXPECT_EQ(out, "kept");
    }
}

TEST(json_text, random_texts_survive_a_round_trip) {
    static constexpr const char* parts[] = {
        "a",
        "\"",
        "\\",
        "\n",
        "\x01",
        "\xc3\xa9",
        "abc",
        "\xe2\x80\xa8",
        "\xf0\x9f\x99\x82",
        "0123456789abcdef"
    };
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (auto n = random() % 12; n > 0; --n) {
            text += parts[random() % std::size(parts)];
        }
        const auto json = json_of(text);
        EXPECT_EQ(text_of(std::string_view(json).substr(1, json.size() - 2)), text);
        EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), text);
    }
}

TEST(json_text, numbers_are_written_in_full) {
    std::string out;
    append_json_number(out, -9223372036854775807 - 1);
    out += ' ';
    append_json_number(out, 0);
    EXPECT_EQ(out, "-9223372036854775808 0");
}

}  // namespace
}  // namespace meta_model::api
