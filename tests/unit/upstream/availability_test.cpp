#include "upstream/availability.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace meta_model::upstream {
namespace {

using namespace std::chrono_literals;

const base::steady_time t0{100h};
const config::upstream_breaker rules{
    .failures = 3, .window = config::seconds_f(10), .open = config::seconds_f(5)
};

const call_report failure{.signal = call_signal::failure};

void fail(availability& a, int times, base::steady_time at) {
    for (int i = 0; i < times; ++i) {
        a.ask(at).end(failure, at);
    }
}

TEST(availability, counts_what_is_in_flight) {
    availability a(rules);
    auto one = a.ask(t0);
    {
        const auto two = a.ask(t0);
        EXPECT_EQ(a.look(t0).in_flight, 2);
    }
    EXPECT_EQ(a.look(t0).in_flight, 1) << "a permit that was not used is given back";
    one.end({.signal = call_signal::success}, t0);
    EXPECT_EQ(a.look(t0).in_flight, 0);
    EXPECT_EQ(one.end({}, t0), state_change::none) << "once";
}

TEST(availability, a_permit_can_be_moved_and_counts_once) {
    availability a(rules);
    auto one = a.ask(t0);
    call_permit other;
    other = std::move(one);
    EXPECT_TRUE(other);
    EXPECT_FALSE(one);  // NOLINT: what is left of it is its meaning
    other.end({}, t0);
    EXPECT_EQ(a.look(t0).in_flight, 0);
}

TEST(availability, says_when_it_changes) {
    availability a(rules);
    fail(a, 2, t0);
    EXPECT_EQ(a.ask(t0).end(failure, t0), state_change::opened);
    EXPECT_FALSE(a.ask(t0 + 1s));
    EXPECT_FALSE(a.may_be_called(t0 + 1s));
    EXPECT_EQ(a.ask_again_at(t0 + 1s), t0 + 5s);
    EXPECT_TRUE(a.may_be_called(t0 + 5s));
    auto probe = a.ask(t0 + 5s);
    ASSERT_TRUE(probe);
    EXPECT_FALSE(a.may_be_called(t0 + 5s));
    EXPECT_EQ(probe.end({.signal = call_signal::success}, t0 + 5s), state_change::closed);
    EXPECT_EQ(a.ask_again_at(t0 + 5s), t0 + 5s);
}

TEST(availability, retry_after_cools_the_whole_quota_group) {
    availability a(rules);
    availability b(rules);
    availability alone(rules);
    const auto group = std::make_shared<cool_down>();
    a.share(group);
    b.share(group);
    a.ask(t0).end({.signal = call_signal::failure, .retry_after_s = 7}, t0);

    EXPECT_FALSE(a.ask(t0 + 6s));
    EXPECT_FALSE(b.may_be_called(t0 + 6s));
    EXPECT_EQ(b.ask_again_at(t0 + 1s), t0 + 7s);
    EXPECT_TRUE(alone.may_be_called(t0));
    EXPECT_TRUE(a.ask(t0 + 7s));
    b.ask(t0 + 7s).end({.retry_after_s = 1}, t0 + 7s);
    a.ask(t0 + 8s).end({.retry_after_s = 86400}, t0 + 8s);
    EXPECT_EQ(a.ask_again_at(t0 + 8s), t0 + 8s + cool_down::longest);
}

TEST(availability, patience_needs_enough_samples) {
    availability a(rules);
    for (int i = 0; i < 19; ++i) {
        a.ask(t0).end({.signal = call_signal::success, .first_byte = 10ms, .total = 1s}, t0);
    }
    EXPECT_FALSE(a.patience(t0));
    a.ask(t0).end({.signal = call_signal::success, .first_byte = 10ms, .total = 1s}, t0);
    ASSERT_TRUE(a.patience(t0));
    EXPECT_GE(*a.patience(t0), 1s);
    EXPECT_LT(*a.patience(t0), 1200ms);
    EXPECT_LT(a.look(t0).first_byte_p90, 12ms);
    EXPECT_FALSE(a.patience(t0 + 2h));
}

TEST(availability, being_left_early_teaches_no_shorter_patience) {
    availability a(rules);
    for (int i = 0; i < 20; ++i) {
        a.ask(t0).end({.total = 1s}, t0);
    }
    const auto before = *a.patience(t0);
    for (int i = 0; i < 200; ++i) {
        a.ask(t0).end({.total = 100ms, .is_cut_short = true}, t0);
    }
    EXPECT_EQ(*a.patience(t0), before);
    for (int i = 0; i < 200; ++i) {
        a.ask(t0).end({.total = 3s, .is_cut_short = true}, t0);
    }
    EXPECT_GE(*a.patience(t0), 3s) << "who was waited for that long may take longer";
}

TEST(availability, threads_share_it) {
    availability a(
        {.failures = 1000000, .window = config::seconds_f(10), .open = config::seconds_f(5)}
    );
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&a] {
            for (int i = 0; i < 2000; ++i) {
                auto permit = a.ask(t0);
                a.may_be_called(t0);
                permit.end(
                    {.signal = i % 2 == 0 ? call_signal::success : call_signal::failure,
                     .first_byte = 1ms,
                     .total = 2ms},
                    t0
                );
            }
        });
    }
    for (auto& t : threads) {
        t.join();
    }
    EXPECT_EQ(a.look(t0).in_flight, 0);
    EXPECT_EQ(a.look(t0).samples, 8000u);
}

}  // namespace
}  // namespace meta_model::upstream
