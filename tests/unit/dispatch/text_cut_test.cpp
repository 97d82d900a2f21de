#include "dispatch/text_cut.hpp"

#include "api/json_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>

namespace meta_model::dispatch {
namespace {

using nlohmann::json;

std::string with_gap(const std::string& raw, const text_gap& gap) {
    return raw.substr(0, gap.begin) + gap_mark(gap.lost) + raw.substr(gap.end);
}

std::string text_of(const std::string& raw) {
    return json::parse('"' + raw + '"').get<std::string>();
}

TEST(text_cut, escapes_count_as_what_they_stand_for) {
    EXPECT_EQ(decoded_bytes(""), 0u);
    EXPECT_EQ(decoded_bytes("plain é"), 8u);
    EXPECT_EQ(decoded_bytes(R"(a\n\"\\)"), 4u);
    EXPECT_EQ(decoded_bytes(R"(\u0041\u00e9\u20ac)"), 6u);
    EXPECT_EQ(decoded_bytes(R"(\ud83d\ude00)"), 4u);
}

TEST(text_cut, long_texts_are_measured_in_blocks_with_the_same_result) {
    const std::vector<std::string> usual{"plain text ", R"(\n)", "é", R"(\")"};
    const std::vector<std::string> rare{R"(\\)", R"(\u20ac)", R"(\ud83d\ude00)", R"(\\u0041)"};
    std::mt19937 random(11);
    for (int round = 0; round < 60; ++round) {
        std::string raw;
        const auto rarity = 1 + random() % 4000;
        while (raw.size() < 20000) {
            const auto& from = random() % rarity == 0 ? rare : usual;
            raw += from[random() % from.size()];
        }
        EXPECT_EQ(decoded_bytes(raw), text_of(raw).size());
    }
}

TEST(text_cut, a_gap_leaves_head_and_tail) {
    const std::string text(1000, 'a');

    const auto gap = find_gap(text, 1000, 300, text_measure::decoded);

    EXPECT_EQ(gap.begin, 150u);
    EXPECT_EQ(gap.end, 850u);
    EXPECT_EQ(gap.lost, 700u);
    EXPECT_EQ(find_gap(text, 1000, 1000, text_measure::decoded).lost, 0u);
}

TEST(text_cut, a_mark_is_short_and_valid_inside_a_string) {
    for (const std::size_t lost : {std::size_t{1}, std::size_t{123456}, std::size_t(-1)}) {
        EXPECT_LE(gap_mark(lost).size(), max_mark_bytes);
        EXPECT_NE(text_of(gap_mark(lost)).find(std::to_string(lost)), std::string::npos);
    }
}

TEST(text_cut, cuts_fall_between_characters_and_escapes) {
    const std::vector<std::string> characters{
        "a", "é", "€", "😀", R"(\n)", R"(\")", R"(\\)", R"(\u20ac)", R"(\ud83d\ude00)"
    };
    std::mt19937 random(7);
    for (int round = 0; round < 400; ++round) {
        std::string raw;
        for (int i = 0; i < 120; ++i) {
            raw += characters[random() % characters.size()];
        }
        const auto size = decoded_bytes(raw);
        ASSERT_EQ(size, text_of(raw).size());
        const auto keep = random() % size;
        const auto gap = find_gap(raw, size, keep, text_measure::decoded);
        const auto head = text_of(raw.substr(0, gap.begin));
        const auto tail = text_of(raw.substr(gap.end));
        EXPECT_LE(head.size() + tail.size(), keep);
        EXPECT_GE(head.size() + tail.size() + 7, keep);
        EXPECT_EQ(gap.lost, size - head.size() - tail.size());
        EXPECT_TRUE(text_of(raw).starts_with(head));
        EXPECT_TRUE(text_of(raw).ends_with(tail));
        EXPECT_TRUE(json::accept('"' + with_gap(raw, gap) + '"'));
    }
}

TEST(text_cut, json_stays_json_with_its_keys_and_numbers) {
    const json document = {
        {"path", "src/main.cpp"}, {"content", std::string(5000, 'x') + "\n\"end\""}, {"line", 12}
    };

    const auto out = shorten_json(document.dump(), 1000);

    EXPECT_LE(out.size(), 1000u);
    EXPECT_GE(out.size(), 900u);
    const auto read = json::parse(out);
    EXPECT_EQ(read.at("path"), "src/main.cpp");
    EXPECT_EQ(read.at("line"), 12);
    const auto content = read.at("content").get<std::string>();
    EXPECT_TRUE(content.ends_with("\n\"end\""));
    EXPECT_NE(content.find("bytes left out"), std::string::npos);
}

TEST(text_cut, json_without_long_strings_is_replaced_by_json_that_says_so) {
    const json numbers = std::vector<int>(2000, 123);

    const auto out = shorten_json(numbers.dump(), 300);

    EXPECT_NE(json::parse(out).at("left_out").get<std::string>().find("bytes"), std::string::npos);
    EXPECT_LE(out.size(), 128u);
}

TEST(text_cut, several_long_strings_share_the_room) {
    const json document = {std::string(4000, 'a'), {{"k", std::string(6000, 'b')}}, "short"};

    const auto out = shorten_json(document.dump(), 2000);

    EXPECT_LE(out.size(), 2000u);
    const auto read = json::parse(out);
    EXPECT_NEAR(
        static_cast<double>(read[0].get<std::string>().size()),
        static_cast<double>(read[1].at("k").get<std::string>().size()),
        4.0
    );
    EXPECT_EQ(read[2], "short");
}

}  // namespace
}  // namespace meta_model::dispatch
