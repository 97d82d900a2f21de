#include "base/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace meta_model::base {
namespace {

using namespace std::chrono_literals;

constexpr steady_time start{100s};

struct node final : deadline_node {
    void on_deadline() override {
        ++fired;
        if (then) {
            then();
        }
    }
    int fired = 0;
    std::function<void()> then{};
};

TEST(timer_wheel, a_deadline_fires_once_and_never_early) {
    timer_wheel wheel(start);
    node n;
    wheel.arm(n, start + 120ms);
    EXPECT_TRUE(n.is_armed());
    wheel.advance(start + 119ms);
    EXPECT_EQ(n.fired, 0);
    wheel.advance(start + 120ms + timer_wheel::tick);
    EXPECT_EQ(n.fired, 1);
    EXPECT_FALSE(n.is_armed());
    wheel.advance(start + 60s);
    EXPECT_EQ(n.fired, 1);
}

TEST(timer_wheel, a_disarmed_deadline_does_not_fire_until_armed_again) {
    timer_wheel wheel(start);
    node n;
    wheel.arm(n, start + 100ms);
    wheel.disarm(n);
    EXPECT_FALSE(n.is_armed());
    wheel.advance(start + 1s);
    EXPECT_EQ(n.fired, 0);
    wheel.arm(n, start + 2s);
    wheel.arm(n, no_deadline);
    wheel.advance(start + 3s);
    EXPECT_EQ(n.fired, 0);
}

TEST(timer_wheel, a_deadline_can_be_moved_both_ways) {
    timer_wheel wheel(start);
    node n;
    wheel.arm(n, start + 1s);
    wheel.arm(n, start + 5s);
    wheel.advance(start + 4s);
    EXPECT_EQ(n.fired, 0);
    wheel.arm(n, start + 4200ms);
    wheel.advance(start + 4300ms);
    EXPECT_EQ(n.fired, 1);
}

TEST(timer_wheel, a_deadline_in_the_past_fires_at_the_next_tick) {
    timer_wheel wheel(start);
    wheel.advance(start + 10s);
    node n;
    wheel.arm(n, start);
    wheel.advance(start + 10s + timer_wheel::tick);
    EXPECT_EQ(n.fired, 1);
}

TEST(timer_wheel, deadlines_turns_away_fire_at_their_time) {
    timer_wheel wheel(start);
    node n;
    wheel.arm(n, start + 1h);
    wheel.advance(start + 1h - 1ms);
    EXPECT_EQ(n.fired, 0);
    wheel.advance(start + 1h + timer_wheel::tick);
    EXPECT_EQ(n.fired, 1);
}

TEST(timer_wheel, nodes_may_be_armed_and_destroyed_when_one_fires) {
    timer_wheel wheel(start);
    auto other = std::make_unique<node>();
    node again;
    again.then = [&] {
        other.reset();
        if (again.fired < 3) {
            wheel.arm(again, again.due() == no_deadline ? start : again.due());
        }
    };
    wheel.arm(again, start + 100ms);
    wheel.arm(*other, start + 100ms);
    wheel.advance(start + 1s);
    EXPECT_EQ(again.fired, 3);
}

TEST(timer_wheel, a_node_may_outlive_the_wheel) {
    node n;
    {
        timer_wheel wheel(start);
        wheel.arm(n, start + 1s);
    }
    EXPECT_EQ(n.fired, 0);
}

TEST(timer_wheel, every_deadline_fires_within_one_tick) {
    timer_wheel wheel(start);
    std::mt19937 random(3);
    std::vector<std::unique_ptr<node>> nodes;
    steady_time now = start;
    std::vector<steady_duration> lateness;
    for (int i = 0; i < 500; ++i) {
        nodes.push_back(std::make_unique<node>());
        const auto due = start + std::chrono::milliseconds(random() % 40000);
        nodes.back()->then = [&, due] { lateness.push_back(now - due); };
        wheel.arm(*nodes.back(), due);
    }
    for (; now < start + 41s; now += 10ms) {
        wheel.advance(now);
    }
    ASSERT_EQ(lateness.size(), nodes.size());
    for (const auto late : lateness) {
        EXPECT_GE(late, 0ms);
        EXPECT_LE(late, timer_wheel::tick + 10ms);
    }
}

}  // namespace
}  // namespace meta_model::base
