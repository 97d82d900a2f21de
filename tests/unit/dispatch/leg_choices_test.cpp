#include "dispatch/leg_choices.hpp"

#include "dispatch/shared_calls.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace meta_model::dispatch {

namespace {

using api::answer_event_kind;
using telemetry::call_outcome;

struct told_choices {
    std::vector<std::size_t> over{};
    leg_result call{};
    leg_choices choices;

    explicit told_choices(std::size_t count, std::size_t max_bytes = 1000)
        : choices(count, [this](std::size_t i) { over.push_back(i); }, {.max_bytes = max_bytes}) {}

    void text(int choice, std::string_view what) {
        choices.on_event(
            {.kind = answer_event_kind::text_delta, .text = what, .choice = choice}, call
        );
    }
    void finish(int choice) {
        choices.on_event(
            {.kind = answer_event_kind::finish, .text = "stop", .choice = choice}, call
        );
    }
    void end(leg_outcome outcome, call_outcome reason = {}) {
        call.outcome = outcome;
        call.reason = reason;
        choices.end(call);
    }
};

TEST(leg_choices, a_draft_is_over_when_its_choice_is_and_the_last_with_the_call) {
    told_choices t(2);
    t.call.status = 200;
    t.choices.on_event({.kind = answer_event_kind::start, .id = "up", .model = "m"}, t.call);
    t.text(0, "a");
    t.text(1, "b");
    t.finish(1);

    EXPECT_EQ(t.over, std::vector<std::size_t>{1});
    EXPECT_TRUE(t.choices.result(1).is_answered());
    EXPECT_EQ(t.choices.result(1).draft.id, "up");
    t.finish(0);
    EXPECT_EQ(t.over.size(), 1u) << "what all of them used is not told yet";
    EXPECT_EQ(t.choices.result(0).outcome, leg_outcome::running);
    t.call.draft.usage = api::token_usage{.completion_tokens = 5};
    t.end(leg_outcome::answered);

    EXPECT_EQ(*t.choices.result(0).draft.content, "a");
    EXPECT_EQ(t.choices.result(0).draft.usage->completion_tokens, 5);
    EXPECT_EQ(t.choices.result(1).draft.usage->completion_tokens, 5);
    EXPECT_EQ(t.choices.content_bytes(), 2u);
}

TEST(leg_choices, what_never_began_is_unusable_and_what_a_call_cut_is_cut) {
    told_choices whole(3);
    whole.text(0, "a");
    whole.end(leg_outcome::answered);
    EXPECT_TRUE(whole.choices.result(0).is_answered()) << "the stream ended without saying so";
    EXPECT_EQ(whole.choices.result(2).reason, call_outcome::unusable);
    EXPECT_EQ(whole.choices.given(), 1u);

    told_choices broken(2);
    broken.text(0, "a");
    broken.finish(0);
    broken.text(1, "b");
    broken.call.is_cut_short = true;
    broken.end(leg_outcome::failed, call_outcome::timeout);
    EXPECT_TRUE(broken.choices.result(0).is_answered());
    EXPECT_EQ(broken.choices.result(1).reason, call_outcome::timeout);
    EXPECT_TRUE(broken.choices.result(1).is_cut_short);
    EXPECT_EQ(*broken.choices.result(1).draft.content, "b") << "may become a partial draft";
    EXPECT_FALSE(broken.choices.result(0).is_cut_short);
}

TEST(leg_choices, the_bound_of_a_draft_is_each_ones_own) {
    told_choices t(2, 10);
    t.text(0, "123456");
    t.text(1, "123456");
    EXPECT_TRUE(t.over.empty()) << "together they may be larger";
    t.text(1, "123456");
    EXPECT_EQ(t.over, std::vector<std::size_t>{1});
    EXPECT_EQ(t.choices.result(1).reason, call_outcome::too_large);
    EXPECT_FALSE(t.choices.is_too_large()) << "one is still to come";
    t.text(1, "more");
    t.text(0, "7890x");
    EXPECT_TRUE(t.choices.is_too_large());
}

TEST(leg_choices, a_whole_reply_is_shared_out) {
    told_choices t(3);
    const auto fault = t.choices.take_body(
        R"({"choices":[{"index":1,"message":{"content":"b"},"finish_reason":"stop"},)"
        R"({"index":0,"message":{"content":"aa"},"finish_reason":"stop"}],)"
        R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})",
        t.call
    );
    EXPECT_EQ(fault, api::completion_fault::none);
    t.end(leg_outcome::answered);

    EXPECT_EQ(*t.choices.result(0).draft.content, "aa");
    EXPECT_EQ(t.choices.result(1).draft.usage->total_tokens, 3);
    EXPECT_EQ(t.choices.result(2).reason, call_outcome::unusable);
    EXPECT_EQ(t.choices.given(), 2u);
    EXPECT_EQ(t.choices.content_bytes(), 3u);

    told_choices none(2);
    EXPECT_EQ(
        none.choices.take_body(R"({"choices":[{"index":5,"message":{}}]})", none.call),
        api::completion_fault::no_choice
    );
}

TEST(shared_calls, samples_are_shared_out_in_order) {
    std::string calls;
    for (int sample = 0; sample < 5; ++sample) {
        calls += joins_call(sample, 2) ? '+' : '|';
    }
    EXPECT_EQ(calls, "|+|+|");
    EXPECT_FALSE(joins_call(1, 1));
    EXPECT_FALSE(joins_call(0, 8));
    EXPECT_TRUE(joins_call(7, 8));
    EXPECT_FALSE(joins_call(8, 8));
    const std::vector<bool> sharing{false, false, true, true, false};
    EXPECT_EQ(seats_of_call(sharing, 0), 1u);
    EXPECT_EQ(seats_of_call(sharing, 1), 3u);
    EXPECT_EQ(seats_of_call(sharing, 4), 1u);
    EXPECT_EQ(seats_of_call({}, 3), 1u);
}

TEST(shared_calls, a_call_is_laid_to_n_only_when_it_was_refused_as_wrong) {
    leg_result call{.outcome = leg_outcome::failed, .reason = call_outcome::non_2xx};
    for (const int status : {400, 422}) {
        call.status = status;
        EXPECT_TRUE(may_refuse_choices(call));
    }
    for (const int status : {401, 413, 429, 500, 503}) {
        call.status = status;
        EXPECT_FALSE(may_refuse_choices(call)) << status;
    }
    call.status = 400;
    call.reason = call_outcome::cancelled;
    EXPECT_FALSE(may_refuse_choices(call));
}

}  // namespace

}  // namespace meta_model::dispatch
