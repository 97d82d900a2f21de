#include "dispatch/cascade_rule.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::dispatch {
namespace {

refusal_kind judge(int status, const std::string& message, const std::string& more = "") {
    return judge_refusal(status, R"({"error":{"message":")" + message + '"' + more + "}}");
}

TEST(cascade_rule, a_status_alone_tells_whose_matter_a_refusal_is) {
    for (const int status : {400, 404, 405, 413, 415, 422, 451}) {
        EXPECT_EQ(judge_refusal(status, ""), refusal_kind::caller) << status;
    }
    for (const int status :
         {301, 401, 402, 403, 407, 408, 409, 425, 429, 500, 502, 503, 529, 599}) {
        EXPECT_EQ(judge_refusal(status, ""), refusal_kind::passing) << status;
    }
}

TEST(cascade_rule, context_refusals_are_known_by_code_and_by_the_usual_texts) {
    EXPECT_EQ(
        judge(400, "no", R"(,"code":"context_length_exceeded")"), refusal_kind::context_length
    );
    EXPECT_EQ(
        judge(500, "no", R"(,"type":"exceed_context_size_error")"), refusal_kind::context_length
    );
    for (const auto* text :
         {"This model's maximum context length is 8192 tokens. However, you requested 9000 tokens",
          "prompt is too long: 210000 tokens > 200000 maximum",
          "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
          "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
          "the request exceeds the available context size, try increasing it",
          "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
          "Please reduce the length of the messages or completion."}) {
        EXPECT_EQ(judge(400, text), refusal_kind::context_length) << text;
    }
    EXPECT_EQ(
        judge_refusal(
            400, R"({"object":"error","message":"maximum context length is 1","code":400})"
        ),
        refusal_kind::context_length
    ) << "older vLLM writes it at the top";
    EXPECT_EQ(judge_refusal(413, R"({"error":"prompt too long"})"), refusal_kind::context_length);
}

TEST(cascade_rule, a_quota_in_tokens_is_no_context_refusal) {
    EXPECT_EQ(
        judge(429, "Too many tokens per minute: input length 9000, context length 128000"),
        refusal_kind::passing
    );
    EXPECT_EQ(judge(401, "prompt is too long for this key"), refusal_kind::passing);
}

TEST(cascade_rule, content_filters_are_known_by_code_and_text) {
    EXPECT_EQ(judge(400, "no", R"(,"code":"content_filter")"), refusal_kind::content_filter);
    EXPECT_EQ(
        judge(400, "no", R"(,"innererror":{"code":"ResponsibleAIPolicyViolation"})"),
        refusal_kind::content_filter
    );
    EXPECT_EQ(judge(403, "Your input was flagged for violence"), refusal_kind::content_filter);
    EXPECT_EQ(
        judge(400, "triggering Azure OpenAI's content management policy"),
        refusal_kind::content_filter
    );
    EXPECT_EQ(
        judge(500, "no", R"(,"code":"content_policy_violation")"), refusal_kind::content_filter
    );
}

TEST(cascade_rule, bodies_of_any_shape_are_judged) {
    for (const auto* body :
         {"",
          "{",
          "[]",
          "null",
          "<html>",
          R"({"error":null})",
          R"({"error":[]})",
          R"({"error":7})",
          R"({"error":{"message":7,"code":{},"type":[]}})",
          R"({"detail":[{"msg":"context length"}]})"}) {
        EXPECT_EQ(judge_refusal(400, body), refusal_kind::caller) << body;
        EXPECT_EQ(judge_refusal(503, body), refusal_kind::passing) << body;
    }
}

TEST(cascade_rule, what_a_refusal_says_is_found_where_servers_write_it) {
    EXPECT_EQ(refusal_text(R"({"error":{"message":"a \"b\""}})"), R"(a \"b\")");
    EXPECT_EQ(refusal_text(R"({"error":"plain"})"), "plain");
    EXPECT_EQ(refusal_text(R"({"message":"top"})"), "top");
    EXPECT_EQ(refusal_text(R"({"detail":"not here"})"), "not here");
    EXPECT_EQ(refusal_text(R"({"error":{}})"), "");
}

TEST(cascade_rule, the_next_step_is_available_and_large_enough) {
    const std::vector<step_facts> steps{
        {.context = 4096},
        {.context = 4096},
        {.context = 8192, .is_available = false},
        {.context = 16384}
    };
    EXPECT_EQ(next_step(steps, 0, 0), 0u);
    EXPECT_EQ(next_step(steps, 1, 0), 1u);
    EXPECT_EQ(next_step(steps, 1, 4096), 3u);
    EXPECT_EQ(next_step(steps, 2, 0), 3u);
    EXPECT_EQ(next_step(steps, 1, 16384), 4u);
    EXPECT_EQ(next_step(steps, 4, 0), 4u);
    EXPECT_EQ(next_step({}, 0, 0), 0u);
}

}  // namespace
}  // namespace meta_model::dispatch
