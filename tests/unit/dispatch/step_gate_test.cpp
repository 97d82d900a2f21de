#include "dispatch/step_gate.hpp"

#include <gtest/gtest.h>

namespace meta_model::dispatch {

namespace {

api::draft text(std::string content, std::string finish = "stop") {
    api::draft d;
    d.content = std::move(content);
    d.finish_reason = std::move(finish);
    return d;
}

api::draft call(std::string name, std::string arguments) {
    api::draft d;
    d.tool_calls.push_back({.id = "x", .name = std::move(name), .arguments = std::move(arguments)});
    d.finish_reason = "tool_calls";
    return d;
}

config::step_gate with_pattern(const std::string& expression) {
    config::step_gate gate;
    EXPECT_EQ(gate.pattern.compile(expression), "");
    return gate;
}

TEST(step_gate, without_parts_every_answer_passes) {
    EXPECT_EQ(failed_part({}, text(""), {}), "");
}

TEST(step_gate, the_finish_reason_must_be_one_of_the_list) {
    const config::step_gate gate{.finish_reasons = {"stop", "tool_calls"}};

    EXPECT_EQ(failed_part(gate, text("a"), {}), "");
    EXPECT_EQ(failed_part(gate, call("f", "{}"), {}), "");
    EXPECT_EQ(failed_part(gate, text("a", "length"), {}), gate_part::finish_reasons);
}

TEST(step_gate, the_wished_form_is_the_requests) {
    const config::step_gate gate{.json_schema = true};
    const std::string schema =
        R"({"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","required":["a"]}}})";

    EXPECT_EQ(failed_part(gate, text(R"({"a":1})"), schema), "");
    EXPECT_EQ(failed_part(gate, text("<think>so</think>{\"a\":1}"), schema), "");
    EXPECT_EQ(failed_part(gate, text("{}"), schema), gate_part::json_schema);
    EXPECT_EQ(failed_part(gate, text("sure: {}"), schema), gate_part::json_schema);
    EXPECT_EQ(failed_part(gate, call("f", "{}"), schema), "") << "calls have their own form";
    EXPECT_EQ(failed_part(gate, text("{}"), R"({"type":"json_object"})"), "");
    EXPECT_EQ(failed_part(gate, text("[]"), R"({"type":"json_object"})"), gate_part::json_schema);
    EXPECT_EQ(failed_part(gate, text("any"), R"({"type":"text"})"), "");
    EXPECT_EQ(failed_part(gate, text("any"), {}), "");
}

TEST(step_gate, the_pattern_is_searched_in_the_visible_text) {
    EXPECT_EQ(failed_part(with_pattern("^yes"), text("yes, it is"), {}), "");
    EXPECT_EQ(failed_part(with_pattern("^yes"), text("<think>yes</think>no"), {}), "pattern");
    EXPECT_EQ(
        failed_part(with_pattern("a+$"), text(std::string(200'000, 'a') + 'b'), {}), "pattern"
    );
}

TEST(step_gate, log_probabilities_are_averaged_over_the_tokens) {
    EXPECT_DOUBLE_EQ(
        *mean_logprob(R"({"content":[{"token":"a","logprob":-0.5},{"token":"b","logprob":-1.5}]})"),
        -1.0
    );
    for (const char* none :
         {"",
          "null",
          "{}",
          R"({"content":null})",
          R"({"content":[]})",
          R"({"content":[{}]})",
          R"({"content":[{"logprob":"x"}]})"}) {
        EXPECT_FALSE(mean_logprob(none)) << none;
    }
    const config::step_gate gate{.min_mean_logprob = -1.0};
    auto answer = text("a");
    EXPECT_EQ(failed_part(gate, answer, {}), gate_part::min_mean_logprob) << "none reported";
    answer.logprobs = R"({"content":[{"logprob":-0.9}]})";
    EXPECT_EQ(failed_part(gate, answer, {}), "");
    answer.logprobs = R"({"content":[{"logprob":-1.1}]})";
    EXPECT_EQ(failed_part(gate, answer, {}), gate_part::min_mean_logprob);
}

}  // namespace

}  // namespace meta_model::dispatch
