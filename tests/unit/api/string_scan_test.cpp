#include "api/string_scan.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace meta_model::api {
namespace {

constexpr auto nowhere = std::string::npos;

std::size_t offset_of(const char* found, const std::string& text) {
    return found == nullptr ? nowhere : static_cast<std::size_t>(found - text.data());
}

std::size_t end_of(const std::string& text) {
    return offset_of(find_string_end(text.data(), text.data() + text.size()), text);
}

std::size_t portable_end_of(const std::string& text) {
    return offset_of(find_string_end_portable(text.data(), text.data() + text.size()), text);
}

// What RFC 8259 §7 says, a byte at a time.
std::size_t expected_end(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') {
            return i;
        }
        if (static_cast<unsigned char>(text[i]) < 0x20) {
            return nowhere;
        }
        if (text[i] == '\\') {
            const auto escape = text.substr(++i, 5);
            const bool is_unicode =
                escape.size() == 5 && escape[0] == 'u'
                && escape.find_first_not_of("0123456789abcdefABCDEF", 1) == nowhere;
            const bool is_short =
                !escape.empty() && std::string_view("\"\\/bfnrt").find(escape[0]) != nowhere;
            if (!is_unicode && !is_short) {
                return nowhere;
            }
            i += is_unicode ? 4 : 0;
        }
    }
    return nowhere;
}

TEST(string_scan, every_byte_behind_a_backslash_is_judged_wherever_it_stands) {
    for (std::size_t at = 0; at < 140; ++at) {
        for (int c = 0; c < 256; ++c) {
            auto text = std::string(200, 'x') + '"';
            text[at] = '\\';
            text[at + 1] = static_cast<char>(c);
            const bool is_legal =
                std::string_view("\"\\/bfnrt").find(static_cast<char>(c)) != nowhere;
            ASSERT_EQ(end_of(text), is_legal ? 200 : nowhere) << at << ' ' << c;
        }
    }
}

TEST(string_scan, unicode_escapes_need_four_digits_across_every_edge) {
    for (std::size_t at = 0; at < 140; ++at) {
        auto text = std::string(200, 'x') + '"';
        text.replace(at, 6, "\\u0aF9");
        ASSERT_EQ(end_of(text), 200u) << at;
        text[at + 5] = 'g';
        ASSERT_EQ(end_of(text), nowhere) << at;
    }
    EXPECT_EQ(end_of(std::string(100, 'x') + "\\u00"), nowhere);
}

TEST(string_scan, runs_of_backslashes_escape_the_quote_when_they_are_odd) {
    for (std::size_t at = 0; at < 70; ++at) {
        for (std::size_t count = 1; count < 140; ++count) {
            const auto text = std::string(at, 'x') + std::string(count, '\\') + "\""
                              + std::string(80, 'y') + "\"";
            ASSERT_EQ(end_of(text), count % 2 == 0 ? at + count : at + count + 81)
                << at << ' ' << count;
        }
    }
}

TEST(string_scan, control_characters_end_the_text) {
    for (std::size_t at = 0; at < 140; ++at) {
        auto text = std::string(200, 'x') + '"';
        text[at] = '\n';
        ASSERT_EQ(end_of(text), nowhere) << at;
        text[at] = '\x7f';
        ASSERT_EQ(end_of(text), 200u) << at;
    }
}

TEST(string_scan, random_texts_end_alike_in_every_implementation) {
    std::mt19937 random(7);
    constexpr std::string_view letters = "\"\\\\\\\\nuu00aé\x01xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    for (int round = 0; round < 50'000; ++round) {
        std::string text(random() % 300, 'x');
        const auto rate = 1 + random() % 20;
        for (auto& c : text) {
            c = random() % rate == 0 ? letters[random() % letters.size()] : 'x';
        }
        ASSERT_EQ(end_of(text), portable_end_of(text)) << text;
        ASSERT_EQ(end_of(text), expected_end(text)) << text;
    }
}

}  // namespace
}  // namespace meta_model::api
