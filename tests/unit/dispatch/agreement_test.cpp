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

}  // namespace
}  // namespace meta_model::dispatch
