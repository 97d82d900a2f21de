#include "upstream/breaker.hpp"

#include <gtest/gtest.h>

namespace meta_model::upstream {
namespace {

using namespace std::chrono_literals;
using permission = breaker::permission;

const base::steady_time t0{100h};

struct driver {
    breaker b{{.failures = 3, .window = 10s, .open = 5s}};

    // A call that begins and ends at once.
    permission call(call_signal signal, base::steady_duration at) {
        const auto as = b.ask(t0 + at);
        if (as != permission::refused) {
            b.note(signal, as, t0 + at);
        }
        return as;
    }
    void fail(int times, base::steady_duration at) {
        for (int i = 0; i < times; ++i) {
            call(call_signal::failure, at);
        }
    }
    breaker_state state(base::steady_duration at) const { return b.state(t0 + at); }
};

TEST(breaker, opens_with_the_failure_that_fills_the_window) {
    driver d;
    d.fail(2, 0s);
    EXPECT_EQ(d.state(0s), breaker_state::closed);
    d.fail(1, 1s);
    EXPECT_EQ(d.state(1s), breaker_state::open);
    EXPECT_EQ(d.b.ask(t0 + 1s), permission::refused);
    EXPECT_TRUE(d.b.refuses(t0 + 5999ms));
    EXPECT_EQ(d.b.ask_again_at(t0 + 2s), t0 + 6s);
}

TEST(breaker, failures_of_long_ago_do_not_count) {
    driver d;
    d.fail(2, 0s);
    d.fail(2, 11s);
    EXPECT_EQ(d.state(11s), breaker_state::closed);
    d.fail(1, 12s);
    EXPECT_EQ(d.state(12s), breaker_state::open);
}

TEST(breaker, an_upstream_that_mostly_answers_stays) {
    driver d;
    for (int i = 0; i < 100; ++i) {
        d.call(call_signal::success, 1s);
        d.call(call_signal::failure, 1s);
    }
    EXPECT_EQ(d.state(1s), breaker_state::closed);
    d.fail(1, 1s);
    EXPECT_EQ(d.state(1s), breaker_state::open) << "now more fail than succeed";
}

TEST(breaker, a_row_of_failures_opens_it_where_rows_count) {
    driver d{.b = breaker({.failures = 3, .window = 10s, .open = 5s, .counts_rows = true})};
    for (int i = 0; i < 100; ++i) {
        d.call(call_signal::success, 1s);
        d.fail(2, 1s);
        d.call(call_signal::success, 1s);
        d.call(call_signal::success, 1s);
    }
    EXPECT_FALSE(d.b.is_failing(t0 + 1s));
    EXPECT_EQ(d.state(1s), breaker_state::closed);
    d.fail(2, 1s);
    d.call(call_signal::neutral, 1s);
    EXPECT_EQ(d.state(1s), breaker_state::closed);
    d.fail(1, 1s);
    EXPECT_EQ(d.state(1s), breaker_state::open);
    EXPECT_TRUE(d.b.is_failing(t0 + 1s));
}

TEST(breaker, it_tells_whether_most_calls_failed_and_what_changed) {
    driver d;
    EXPECT_FALSE(d.b.is_failing(t0));
    EXPECT_EQ(d.b.note(call_signal::failure, permission::granted, t0), state_change::none);
    EXPECT_TRUE(d.b.is_failing(t0));
    EXPECT_EQ(d.b.note(call_signal::success, permission::granted, t0), state_change::none);
    EXPECT_FALSE(d.b.is_failing(t0)) << "as many succeeded";
    d.fail(1, 0s);
    EXPECT_EQ(d.b.note(call_signal::failure, permission::granted, t0), state_change::opened);
    EXPECT_TRUE(d.b.is_failing(t0 + 4s));
    EXPECT_FALSE(d.b.is_failing(t0 + 5s)) << "it may serve again, who knows";
    ASSERT_EQ(d.b.ask(t0 + 5s), permission::probe);
    EXPECT_TRUE(d.b.is_failing(t0 + 5s)) << "until that call has found out";
    EXPECT_EQ(d.b.note(call_signal::success, permission::probe, t0 + 5s), state_change::closed);
    EXPECT_FALSE(d.b.is_failing(t0 + 5s));
}

TEST(breaker, neutral_ends_say_nothing) {
    driver d;
    for (int i = 0; i < 100; ++i) {
        d.call(call_signal::neutral, 0s);
    }
    EXPECT_EQ(d.state(0s), breaker_state::closed);
    d.fail(3, 0s);
    EXPECT_EQ(d.state(0s), breaker_state::open);
}

TEST(breaker, exactly_one_probe_finds_out) {
    driver d;
    d.fail(3, 0s);
    EXPECT_EQ(d.state(5s), breaker_state::half_open);
    EXPECT_EQ(d.b.ask(t0 + 5s), permission::probe);
    EXPECT_EQ(d.b.ask(t0 + 5s), permission::refused);
    EXPECT_EQ(d.b.ask(t0 + 60s), permission::refused) << "while the probe runs";
    EXPECT_EQ(d.b.ask_again_at(t0 + 60s), t0 + 61s);
    d.b.note(call_signal::success, permission::probe, t0 + 60s);
    EXPECT_EQ(d.state(60s), breaker_state::closed);
    EXPECT_EQ(d.b.ask(t0 + 60s), permission::granted);
}

TEST(breaker, a_failed_probe_opens_it_again) {
    driver d;
    d.fail(3, 0s);
    EXPECT_EQ(d.call(call_signal::failure, 5s), permission::probe);
    EXPECT_EQ(d.state(9s), breaker_state::open);
    EXPECT_EQ(d.call(call_signal::success, 9s), permission::refused);
    EXPECT_EQ(d.call(call_signal::success, 10s), permission::probe);
    EXPECT_EQ(d.state(10s), breaker_state::closed);
}

TEST(breaker, a_probe_that_was_cancelled_leaves_its_place_to_the_next) {
    driver d;
    d.fail(3, 0s);
    EXPECT_EQ(d.call(call_signal::neutral, 6s), permission::probe);
    EXPECT_EQ(d.call(call_signal::success, 6s), permission::probe);
    EXPECT_EQ(d.state(6s), breaker_state::closed);
}

TEST(breaker, a_closed_breaker_has_forgotten_the_old_failures) {
    driver d;
    d.fail(3, 0s);
    d.call(call_signal::success, 5s);
    d.fail(2, 5s);
    EXPECT_EQ(d.state(5s), breaker_state::closed);
}

TEST(breaker, calls_from_before_it_opened_neither_close_nor_prolong_it) {
    driver d;
    const auto early = d.b.ask(t0);
    d.fail(3, 0s);
    d.b.note(call_signal::success, early, t0 + 1s);
    EXPECT_EQ(d.state(1s), breaker_state::open);
    d.b.note(call_signal::failure, early, t0 + 4s);
    EXPECT_EQ(d.state(5s), breaker_state::half_open);
}

}  // namespace
}  // namespace meta_model::upstream
