#include "api/plain_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::api {
namespace {

TEST(plain_message, the_usual_spellings_are_read) {
    for (const std::string_view text : {
             R"({"role":"user","content":"a \"quoted\" word"})",
             R"({"role": "assistant", "content": ""})",
             R"({"role":"system","content":"\ud83d\ude00"})",
             R"({"role":"developer", "content":"ü"})",
         }) {
        request_message m;
        const auto followed = std::string(text) + R"(,{"role":"tool"}])";
        ASSERT_EQ(read_plain_message(followed, m), text.size()) << text;
        EXPECT_EQ(m.raw, text);
        EXPECT_EQ(m.content_type, json_type::string);
        EXPECT_TRUE(text.find(m.content) != std::string_view::npos) << m.content;
        EXPECT_EQ(m.content.front(), '"');
        EXPECT_EQ(m.content.back(), '"');
        EXPECT_FALSE(m.has_tool_calls);
    }
}

TEST(plain_message, what_is_written_otherwise_is_left_to_the_general_walk) {
    for (const std::string_view text : {
             R"({"content":"a","role":"user"})",
             R"({ "role":"user","content":"a"})",
             R"({"role":"user","content":"a" })",
             R"({"role":"user","content":"a","role":"system"})",
             R"({"role":"user","content":"a","name":"n"})",
             R"({"role":"us\u0065r","content":"a"})",
             R"({"role":"tool","content":"a"})",
             R"({"role":"User","content":"a"})",
             R"({"role":"user","content":null})",
             R"({"role":"user","content":["a"]})",
             R"({"role":"user","content":"\x"})",
             "{\"role\":\"user\",\"content\":\"a\nb\"}",
             R"({"role":"user","content":"a)",
             R"({"role":"user","content":)",
             R"({"role")",
             "",
         }) {
        request_message m;
        EXPECT_EQ(read_plain_message(text, m), 0u) << text;
        EXPECT_TRUE(m.raw.empty()) << text;
    }
}

// Both ways of reading a message give the same.
TEST(plain_message, the_general_walk_reads_the_same) {
    constexpr std::string_view tail = R"("role":"assistant","content":"a\\b")";
    const auto body = [&](std::string_view begin) {
        return R"({"model":"m","messages":[{)" + std::string(begin) + std::string(tail) + "}]}";
    };
    const auto plain = body("");
    const auto spaced = body(" ");
    chat_request one;
    chat_request two;
    ASSERT_FALSE(one.parse(plain, 8).has_error());
    ASSERT_FALSE(two.parse(spaced, 8).has_error());
    ASSERT_EQ(one.messages().size(), 1u);
    ASSERT_EQ(two.messages().size(), 1u);
    const auto& a = one.messages().front();
    const auto& b = two.messages().front();
    EXPECT_EQ(a.role, b.role);
    EXPECT_EQ(a.role_raw, b.role_raw);
    EXPECT_EQ(a.content, b.content);
    EXPECT_EQ(a.content_type, b.content_type);
    EXPECT_EQ(a.raw.substr(1), b.raw.substr(2));
}

}  // namespace
}  // namespace meta_model::api
