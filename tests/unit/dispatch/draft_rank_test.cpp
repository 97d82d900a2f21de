#include "dispatch/draft_rank.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace meta_model::dispatch {
namespace {

const std::string paris = "The capital of France is Paris, on the Seine.";

api::draft draft(std::string content, std::string finish = "stop") {
    api::draft d;
    d.content = std::move(content);
    d.finish_reason = std::move(finish);
    return d;
}

api::draft call(std::string name, std::string arguments) {
    api::draft d;
    d.tool_calls.push_back({.name = std::move(name), .arguments = std::move(arguments)});
    d.finish_reason = "tool_calls";
    return d;
}

std::size_t best(const std::vector<api::draft>& drafts) {
    std::vector<rank_input> inputs;
    for (const auto& d : drafts) {
        inputs.push_back({.draft = &d});
    }
    return best_draft_index(inputs);
}

TEST(draft_rank, equal_drafts_go_by_position) {
    EXPECT_EQ(best({draft(paris), draft(paris), draft(paris)}), 0u);
    EXPECT_EQ(best({draft(paris)}), 0u);
}

TEST(draft_rank, a_valid_draft_beats_everything) {
    const auto invalid = draft("{");
    const auto valid = draft("{}", "length");
    EXPECT_EQ(
        best_draft_index(
            {{.draft = &invalid, .is_schema_valid = false}, {.draft = &valid, .is_partial = true}}
        ),
        1u
    );
}

TEST(draft_rank, a_finished_draft_beats_a_truncated_one_and_that_any_other) {
    EXPECT_EQ(
        best({draft(paris, "content_filter"), draft(paris, "length"), draft(paris, "stop")}), 2u
    );
    EXPECT_EQ(best({draft(paris, "content_filter"), draft(paris, "length")}), 1u);
    EXPECT_EQ(best({draft(paris, "length"), call("f", "{}")}), 1u);
}

TEST(draft_rank, a_legacy_call_has_finished_too) {
    EXPECT_EQ(best({draft(paris, "length"), draft(paris, "function_call")}), 1u);
}

TEST(draft_rank, a_whole_draft_beats_a_partial_one) {
    const auto d = draft(paris);
    EXPECT_EQ(best_draft_index({{.draft = &d, .is_partial = true}, {.draft = &d}}), 1u);
    const auto open = draft(paris, "");
    const auto long_one = draft(paris, "length");
    EXPECT_EQ(best_draft_index({{.draft = &open, .is_partial = true}, {.draft = &long_one}}), 1u)
        << "a partial one has no finish, which is not the same as not telling it";
}

TEST(draft_rank, the_draft_most_like_the_others_wins) {
    EXPECT_EQ(
        best(
            {draft("I cannot help with that request, sorry."),
             draft(paris),
             draft("The capital of France is Paris, by the river Seine.")}
        ),
        1u
    );
}

TEST(draft_rank, among_equally_similar_drafts_the_usual_length_wins) {
    const std::string unit = "abcabcabcabc";
    const auto longest = unit + unit + unit + unit + unit + unit + unit + unit;
    EXPECT_EQ(best({draft(longest), draft(unit), draft(unit + unit)}), 2u);
}

TEST(draft_rank, calls_are_compared_by_name_and_arguments) {
    EXPECT_NE(
        best(
            {call("delete_everything", R"({"path":"/"})"),
             call("get_weather", R"({"city":"Paris"})"),
             call("get_weather", R"({"city":"Paris, FR"})")}
        ),
        0u
    );
}

TEST(draft_rank, blank_drafts_are_ranked_without_harm) {
    EXPECT_EQ(best({draft(""), draft("")}), 0u);
    EXPECT_EQ(best({api::draft{}, draft(paris)}), 1u);
}

TEST(draft_rank, long_drafts_cost_no_more_than_their_first_part) {
    std::vector<api::draft> drafts;
    for (char c = 'a'; c < 'i'; ++c) {
        drafts.push_back(draft(std::string(8u << 20, c)));
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(best(drafts), 0u);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

std::size_t medoid(const std::vector<api::draft>& drafts) {
    std::vector<const api::draft*> all;
    for (const auto& d : drafts) {
        all.push_back(&d);
    }
    return medoid_index(all);
}

TEST(medoid, is_most_like_the_others_whatever_its_finish_or_length) {
    const auto between = paris + " It is large.";
    EXPECT_EQ(medoid({draft("Berlin."), draft(paris), draft(between)}), 1u);
    EXPECT_EQ(medoid({draft(paris + " Yes."), draft("Rome!"), draft(paris, "length")}), 0u);
    EXPECT_EQ(
        medoid({draft("x"), draft(between + " Very."), draft(between, "length"), draft(paris)}), 2u
    );
}

TEST(medoid, of_equals_is_the_first) {
    EXPECT_EQ(medoid({draft(paris)}), 0u);
    EXPECT_EQ(medoid({draft(paris), draft(paris), draft(paris)}), 0u);
    EXPECT_EQ(medoid({draft("abc"), draft("xyz"), draft("123")}), 0u);
}

}  // namespace
}  // namespace meta_model::dispatch
