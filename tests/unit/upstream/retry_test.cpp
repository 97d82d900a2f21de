#include "upstream/retry.hpp"

#include <gtest/gtest.h>

#include <random>

namespace meta_model::upstream {
namespace {

using namespace std::chrono_literals;

const base::steady_time t0{100h};
const config::upstream_retry rules{
    .max_attempts = 4, .base = 200ms, .cap = 1000ms, .budget_ratio = 0.2
};

std::optional<base::steady_duration> wait_after(
    const attempt_end& end, int made = 1, double random = 1, base::steady_duration left = 1h
) {
    return retry_wait(rules, end, made, random, left);
}

TEST(retry, repeats_what_was_refused_and_nothing_else) {
    for (const int status : {408, 409, 429, 500, 502, 503, 529, 599}) {
        EXPECT_TRUE(may_be_repeated({.status = status})) << status;
    }
    for (const int status : {200, 204, 301, 400, 401, 403, 404, 413, 422, 499}) {
        EXPECT_FALSE(may_be_repeated({.status = status})) << status;
    }
    EXPECT_TRUE(may_be_repeated({.fault = call_fault::unreached}));
    for (const auto fault :
         {call_fault::transport,
          call_fault::timeout,
          call_fault::deadline,
          call_fault::garbage,
          call_fault::cut,
          call_fault::cancelled,
          call_fault::unavailable,
          call_fault::misconfigured}) {
        EXPECT_FALSE(may_be_repeated({.fault = fault}));
    }
}

TEST(retry, waits_double_up_to_the_cap_and_are_half_random) {
    const attempt_end busy{.status = 503};
    EXPECT_EQ(wait_after(busy, 1, 1), 200ms);
    EXPECT_EQ(wait_after(busy, 1, 0), 100ms);
    EXPECT_EQ(wait_after(busy, 2, 1), 400ms);
    EXPECT_EQ(wait_after(busy, 3, 1), 800ms);
    EXPECT_EQ(
        retry_wait({.max_attempts = 100, .base = 200ms, .cap = 1000ms}, busy, 90, 1, 1h), 1000ms
    );
    EXPECT_FALSE(wait_after(busy, 4)) << "four attempts were made";
}

TEST(retry, retry_after_is_waited_for_and_a_little_longer) {
    for (const double random : {0.0, 0.5, 1.0}) {
        const auto wait = wait_after({.status = 429, .retry_after_s = 1}, 1, random);
        ASSERT_TRUE(wait);
        EXPECT_GE(*wait, 1s);
        EXPECT_LE(*wait, 1100ms);
    }
    EXPECT_EQ(wait_after({.status = 429, .retry_after_s = 0}), 200ms);
}

TEST(retry, a_wait_beyond_the_cap_or_the_deadline_is_not_made) {
    EXPECT_FALSE(wait_after({.status = 429, .retry_after_s = 2})) << "the cap is one second";
    EXPECT_FALSE(wait_after({.status = 429, .retry_after_s = 1}, 1, 1, 900ms));
    EXPECT_FALSE(wait_after({.status = 503}, 1, 1, 200ms));
    EXPECT_TRUE(wait_after({.status = 503}, 1, 1, 201ms));
}

// Calls at a constant rate, each of which fails with this chance; failed ones are repeated if the budget allows.
double factor_under(double failing, int calls, std::chrono::milliseconds between, double ratio) {
    retry_budget budget(ratio);
    std::minstd_rand random(7);
    std::bernoulli_distribution fails(failing);
    int attempts = 0;
    for (int i = 0; i < calls; ++i) {
        const auto now = t0 + i * between;
        budget.note_request(now);
        ++attempts;
        if (fails(random) && budget.take(now)) {
            ++attempts;
        }
    }
    return static_cast<double>(attempts) / calls;
}

TEST(retry_budget, keeps_the_factor_below_its_share_when_half_of_all_calls_fail) {
    for (const int calls : {16, 100, 1000, 20000}) {
        for (const auto between : {0ms, 1ms, 20ms, 100ms}) {
            EXPECT_LT(factor_under(0.5, calls, between, 0.2), 1.2)
                << calls << " " << between.count();
            EXPECT_LT(factor_under(1.0, calls, between, 0.2), 1.2)
                << calls << " " << between.count();
        }
    }
}

TEST(retry_budget, repeats_every_failure_while_they_are_rare) {
    EXPECT_NEAR(factor_under(0.05, 20000, 10ms, 0.2), 1.05, 0.01);
}

TEST(retry_budget, allows_a_few_however_quiet_it_is) {
    retry_budget budget(0.2);
    budget.note_request(t0);
    for (std::uint64_t i = 0; i < retry_budget::always; ++i) {
        EXPECT_TRUE(budget.take(t0));
    }
    EXPECT_FALSE(budget.take(t0));
    EXPECT_TRUE(budget.take(t0 + retry_budget::window)) << "the window has passed";
}

TEST(retry_budget, without_a_share_there_is_none) {
    retry_budget budget(0);
    budget.note_request(t0);
    EXPECT_FALSE(budget.take(t0));
}

}  // namespace
}  // namespace meta_model::upstream
