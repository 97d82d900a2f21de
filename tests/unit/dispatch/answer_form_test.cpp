#include "dispatch/answer_form.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

constexpr std::string_view person =
    R"({"type":"json_schema","json_schema":{"name":"person","schema":
    {"type":"object","properties":{"age":{"type":"integer"}},"required":["age"]}}})";
constexpr std::string_view object = R"({"type":"json_object"})";

api::draft saying(std::string content) {
    api::draft d;
    d.content = std::move(content);
    return d;
}

bool is_met(std::string_view form, std::string content) {
    return answer_form(form).is_met_by(saying(std::move(content)));
}

TEST(answer_form, without_a_form_everything_keeps_to_it) {
    for (const std::string_view none : {"", "null", R"({"type":"text"})", R"({"type":7})", "[]"}) {
        const answer_form form(none);
        EXPECT_FALSE(form.is_asked()) << none;
        EXPECT_TRUE(form.is_met_by(saying("prose"))) << none;
        EXPECT_TRUE(form.rules().empty()) << none;
    }
}

TEST(answer_form, an_object_is_any_object_and_nothing_else) {
    EXPECT_TRUE(is_met(object, " {\"a\":1}\n"));
    EXPECT_FALSE(is_met(object, "[1]"));
    EXPECT_FALSE(is_met(object, "prose"));
    EXPECT_FALSE(is_met(object, "{\"a\":1} and more"));
    EXPECT_FALSE(is_met(object, ""));
}

TEST(answer_form, a_schema_is_held_against_the_answer) {
    EXPECT_TRUE(is_met(person, R"({"age":7})"));
    EXPECT_FALSE(is_met(person, R"({"age":"7"})"));
    EXPECT_FALSE(is_met(person, "{}"));
    EXPECT_EQ(answer_form(person).problem_of(saying("prose")), "not JSON");
    EXPECT_NE(
        answer_form(person).problem_of(saying(R"({"age":"7"})")).find("age"), std::string::npos
    );
}

TEST(answer_form, what_a_schema_cannot_decide_only_has_to_be_json) {
    constexpr std::string_view unknown =
        R"({"type":"json_schema","json_schema":{"schema":{"$ref":"https://example.com/x"}}})";
    constexpr std::string_view missing = R"({"type":"json_schema"})";
    for (const auto form : {unknown, missing}) {
        EXPECT_TRUE(is_met(form, "[1,2]")) << form;
        EXPECT_FALSE(is_met(form, "prose")) << form;
        EXPECT_FALSE(has_wished_form("[1,2]", form)) << "a gate wants to be certain";
    }
    EXPECT_TRUE(has_wished_form(R"({"age":7})", person));
    EXPECT_TRUE(has_wished_form("prose", "null"));
}

TEST(answer_form, calls_and_refusals_are_no_json) {
    api::draft call;
    call.tool_calls.push_back({.id = "1", .name = "f", .arguments = "{}"});
    EXPECT_TRUE(answer_form(person).is_met_by(call));
    api::draft refusal;
    refusal.refusal = "I would rather not.";
    EXPECT_TRUE(answer_form(person).is_met_by(refusal));
}

TEST(answer_form, json_is_taken_out_of_its_fence_where_that_helps) {
    const auto unwrapped = [](std::string_view form, const std::string& text) {
        auto d = saying(text);
        answer_form(form).unwrap(d);
        return *d.content;
    };
    EXPECT_EQ(unwrapped(person, "Here:\n```json\n{\"age\":7}\n```\n"), R"({"age":7})");
    EXPECT_EQ(unwrapped(person, "```\n{\"age\":\"7\"}\n```"), "```\n{\"age\":\"7\"}\n```");
    EXPECT_EQ(
        unwrapped(person, "```\n{\"age\":7}\n```\n```\n{}\n```"),
        "```\n{\"age\":7}\n```\n```\n{}\n```"
    );
    EXPECT_EQ(unwrapped("null", "```\n{\"age\":7}\n```"), "```\n{\"age\":7}\n```");
    const std::string whole = R"({"age":7,"code":"```\nx\n```"})";
    EXPECT_EQ(unwrapped(person, whole), whole);
}

TEST(answer_form, its_rules_restate_the_schema_unless_it_is_huge) {
    EXPECT_NE(answer_form(person).rules().find(R"("required":["age"])"), std::string::npos);
    EXPECT_NE(answer_form(object).rules().find("an object"), std::string::npos);
    const auto huge = R"({"type":"json_schema","json_schema":{"schema":{"title":")"
                      + std::string(100'000, 'x') + R"("}}})";
    EXPECT_LT(answer_form(huge).rules().size(), 1000u);
}

}  // namespace
}  // namespace meta_model::dispatch
