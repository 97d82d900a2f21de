#include "dispatch/agreement.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

api::draft text_draft(std::string content) {
    api::draft d;
    d.content = std::move(content);
    return d;
}

api::draft call_draft(std::string id, std::string arguments) {
    api::draft d;
    d.tool_calls.push_back({.id = std::move(id), .name = "f", .arguments = std::move(arguments)});
    return d;
}

bool agree(const api::draft& a, const api::draft& b) {
    return all_agree({&a, &b});
}

bool arguments_agree(std::string a, std::string b) {
    return agree(call_draft("1", std::move(a)), call_draft("2", std::move(b)));
}

TEST(agreement, moa_110_white_space_does_not_count) {
    EXPECT_TRUE(agree(text_draft("The answer\nis  42."), text_draft(" The\tanswer is 42.\r\n")));
    EXPECT_FALSE(agree(text_draft("The answer is 42."), text_draft("The answer is 42")));
    EXPECT_FALSE(agree(text_draft("ab"), text_draft("a b")));
}

TEST(agreement, moa_112_calls_agree_without_their_ids) {
    EXPECT_TRUE(arguments_agree(R"({"b":[1,2],"a":"x"})", R"({ "a": "x", "b": [1, 2] })"));
    EXPECT_TRUE(arguments_agree(R"({"a":{"y":1,"x":2}})", R"({"a":{"x":2,"y":1}})"));
    EXPECT_TRUE(arguments_agree(R"({"a":"\u00e9"})", "{\"a\":\"\xc3\xa9\"}"));
    EXPECT_FALSE(arguments_agree(R"({"a":1})", R"({"a":2})"));
    EXPECT_FALSE(arguments_agree(R"({"a":1})", R"({"a":"1"})"));
    EXPECT_FALSE(arguments_agree(R"([1,2])", R"([2,1])"));
}

TEST(agreement, text_and_calls_must_both_agree) {
    auto a = call_draft("1", "{}");
    auto b = call_draft("2", "{}");
    EXPECT_TRUE(agree(a, b));
    b.content = "and a word";
    EXPECT_FALSE(agree(a, b));
    b.content.reset();
    b.tool_calls.push_back(b.tool_calls.front());
    EXPECT_FALSE(agree(a, b));
}

TEST(agreement, a_legacy_call_is_not_a_tool_call) {
    api::draft legacy;
    legacy.function_call = api::function_call{"f", "{}"};
    EXPECT_TRUE(agree(legacy, legacy));
    EXPECT_FALSE(agree(legacy, call_draft("1", "{}")));
}

TEST(agreement, arguments_that_are_no_json_agree_as_text) {
    EXPECT_TRUE(arguments_agree("not json", "not json"));
    EXPECT_FALSE(arguments_agree("not json", "not  json"));
    EXPECT_FALSE(arguments_agree("", "{}"));
    EXPECT_TRUE(arguments_agree(R"({"a":"\ud800"})", R"({"a":"\ud800"})"));
}

TEST(agreement, numbers_beyond_64_bits_do_not_agree_by_rounding) {
    EXPECT_FALSE(arguments_agree(
        R"({"id":123456789012345678901234567890})", R"({"id":123456789012345678901234567891})"
    ));
    EXPECT_TRUE(arguments_agree(
        R"({"id":123456789012345678901234567890})", R"({ "id":123456789012345678901234567890})"
    ));
    EXPECT_FALSE(arguments_agree(
        R"({"id":-123456789012345678901234567890})", R"({"id":-123456789012345678901234567891})"
    ));
    EXPECT_TRUE(arguments_agree(R"({"x":1.50})", R"({"x":1.5})"));
    EXPECT_TRUE(arguments_agree(R"({"x":1e400})", R"({"x":1e400})"));
}

TEST(agreement, hostile_arguments_are_compared_as_they_are) {
    const std::string deep(100'000, '[');
    EXPECT_EQ(canonical_arguments(deep), deep);
    const auto closed = deep + std::string(100'000, ']');
    EXPECT_EQ(canonical_arguments(closed), closed);
    std::string nested = "1";
    for (int i = 0; i < 5000; ++i) {
        nested = "[" + nested + "]";
    }
    EXPECT_EQ(canonical_arguments(nested), nested);
    const auto invalid = std::string("{\"a\":\"\xff\"}");
    EXPECT_EQ(canonical_arguments(invalid), invalid);
}

TEST(agreement, every_draft_has_to_agree) {
    const auto a = text_draft("x");
    const auto b = text_draft("y");
    EXPECT_TRUE(all_agree({&a, &a, &a}));
    EXPECT_FALSE(all_agree({&a, &a, &b}));
    EXPECT_FALSE(all_agree({&b, &a, &a}));
    EXPECT_FALSE(all_agree({}));
}

TEST(agreement, drafts_that_say_nothing_do_not_agree) {
    const auto blank = text_draft(" \n");
    const api::draft null;
    EXPECT_FALSE(agree(blank, null));
    EXPECT_FALSE(agree(null, null));
}

// Design §4.4.
bool come_to_the_same(const std::string& a, const std::string& b) {
    const auto left = text_draft(a);
    const auto right = text_draft(b);
    const bool forwards = all_agree_canonically({&left, &right});
    EXPECT_EQ(forwards, all_agree_canonically({&right, &left}));
    return forwards;
}

TEST(canonical_agreement, numbers_agree_as_numbers) {
    EXPECT_TRUE(come_to_the_same("42", "42.0"));
    EXPECT_TRUE(come_to_the_same("1,234", "**1234**."));
    EXPECT_TRUE(come_to_the_same("5%", "5"));
    EXPECT_TRUE(come_to_the_same("5 km", "5.0 km"));
    EXPECT_TRUE(come_to_the_same("3/4", "0.75"));
    EXPECT_TRUE(come_to_the_same("0.3333333333", "0.33333333330000001"));
    EXPECT_FALSE(come_to_the_same("5 km", "5 miles"));
    EXPECT_FALSE(come_to_the_same("5 km", "5"));
    EXPECT_FALSE(come_to_the_same("42", "43"));
    EXPECT_FALSE(come_to_the_same("9007199254740992", "9007199254740993"));
    EXPECT_FALSE(come_to_the_same("-1", "1"));
}

TEST(canonical_agreement, the_answer_is_taken_out_of_the_reasoning) {
    EXPECT_TRUE(come_to_the_same("6 times 7.\nANSWER: 42", "By addition, \\boxed{42}."));
    EXPECT_TRUE(come_to_the_same("I add.\n\n42", "I multiply.\nThen\n**42**"));
    EXPECT_TRUE(come_to_the_same("Both are wrong.\n(B)", "b)"));
    EXPECT_TRUE(come_to_the_same("<think>or 7?</think>Paris.", "paris"));
    EXPECT_FALSE(come_to_the_same("One way.\nANSWER: 42", "Another.\nANSWER: 41"));
    // Prose that only ends with the same number says two things.
    EXPECT_FALSE(come_to_the_same("He was born there.\nIt was 1969", "She died here.\nIn 1969"));
    EXPECT_FALSE(come_to_the_same("It was 1969", "In 1969"));
}

TEST(canonical_agreement, json_agrees_as_values) {
    EXPECT_TRUE(come_to_the_same(R"({"a":1,"b":[2]})", "```json\n{ \"b\": [2], \"a\": 1 }\n```"));
    EXPECT_FALSE(come_to_the_same(R"({"a":1})", R"({"a":2})"));
    EXPECT_FALSE(come_to_the_same(R"([1])", "1"));
    EXPECT_FALSE(come_to_the_same(
        "Send this:\n```json\n{\"a\":1}\n```", "Never send this:\n```json\n{\"a\":1}\n```"
    )) << "what is said around it counts";
}

TEST(canonical_agreement, longer_texts_agree_word_for_word) {
    EXPECT_TRUE(come_to_the_same("One line.\nAnd another.", "One line. \n\nAnd  another."));
    EXPECT_FALSE(come_to_the_same("One line.\nAnd another.", "One line.\nand another."));
}

TEST(canonical_agreement, calls_agree_whatever_is_said_beside_them) {
    auto a = call_draft("1", R"({"a":1,"b":2})");
    auto b = call_draft("2", R"({"b":2,"a":1})");
    b.content = "I call it.";
    EXPECT_TRUE(all_agree_canonically({&a, &b}));
    const auto text = text_draft("f");
    EXPECT_FALSE(all_agree_canonically({&a, &text}));
    const auto other = call_draft("3", R"({"a":1,"b":3})");
    EXPECT_FALSE(all_agree_canonically({&a, &other}));
}

TEST(canonical_agreement, what_was_cut_off_or_says_nothing_agrees_with_none) {
    auto cut = text_draft("42");
    cut.finish_reason = "length";
    const auto whole = text_draft("42");
    EXPECT_FALSE(all_agree_canonically({&cut, &whole}));
    EXPECT_FALSE(all_agree_canonically({&cut, &cut}));
    cut.content = "ANSWER: 42\nbecause it";
    EXPECT_TRUE(all_agree_canonically({&cut, &whole}));
    EXPECT_FALSE(come_to_the_same(" ", " "));
    EXPECT_FALSE(all_agree_canonically({}));
}

TEST(canonical_agreement, every_pair_has_to_agree) {
    const auto low = text_draft("1.0000000000");
    const auto middle = text_draft("1.0000000008");
    const auto high = text_draft("1.0000000016");
    EXPECT_TRUE(all_agree_canonically({&low, &middle}));
    EXPECT_TRUE(all_agree_canonically({&middle, &high}));
    EXPECT_FALSE(all_agree_canonically({&middle, &low, &high}));
}

TEST(canonical_agreement, the_profile_says_which_rule) {
    using config::agreement_rule;
    const auto a = text_draft("42");
    const auto b = text_draft("42.0");
    EXPECT_FALSE(all_agree({&a, &a}, agreement_rule::off));
    EXPECT_TRUE(all_agree({&a, &a}, agreement_rule::exact));
    EXPECT_FALSE(all_agree({&a, &b}, agreement_rule::exact));
    EXPECT_TRUE(all_agree({&a, &b}, agreement_rule::canonical));
}

}  // namespace
}  // namespace meta_model::dispatch
