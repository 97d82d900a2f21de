#include "routes/background_runs.hpp"

#include <gtest/gtest.h>

namespace meta_model::routes {
namespace {

struct loop_and_runs {
    net::event_loop loop{0};
    background_runs runs{2};

    std::shared_ptr<base::cancel_source> begin(const std::string& id) {
        auto source = std::make_shared<base::cancel_source>();
        return runs.begin(id, loop, source) ? source : nullptr;
    }
    void turn() {
        loop.io().restart();
        loop.io().poll();
    }
};

TEST(background_runs, are_limited_in_number) {
    loop_and_runs t;
    const auto one = t.begin("one");
    const auto two = t.begin("two");
    EXPECT_TRUE(one);
    EXPECT_TRUE(two);
    EXPECT_FALSE(t.begin("three"));
    EXPECT_EQ(t.runs.count(), 2u);
    t.runs.end("one");
    t.runs.end("one");
    EXPECT_EQ(t.runs.count(), 1u);
    EXPECT_TRUE(t.begin("three"));
}

TEST(background_runs, are_cancelled_on_their_own_loop) {
    loop_and_runs t;
    const auto one = t.begin("one");
    const auto two = t.begin("two");
    t.runs.cancel("one", base::cancel_reason::client_gone);
    t.runs.cancel("none", base::cancel_reason::client_gone);
    EXPECT_FALSE(one->is_cancelled()) << "not yet";
    t.turn();
    EXPECT_EQ(one->reason(), base::cancel_reason::client_gone);
    EXPECT_FALSE(two->is_cancelled());
    t.runs.cancel_all(base::cancel_reason::shutdown);
    t.turn();
    EXPECT_EQ(one->reason(), base::cancel_reason::client_gone) << "the first reason stays";
    EXPECT_EQ(two->reason(), base::cancel_reason::shutdown);
}

TEST(background_runs, that_have_ended_meanwhile_are_left_alone) {
    loop_and_runs t;
    auto one = t.begin("one");
    t.runs.cancel("one", base::cancel_reason::client_gone);
    t.runs.end("one");
    one.reset();
    t.turn();
    EXPECT_EQ(t.runs.count(), 0u);
}

}  // namespace
}  // namespace meta_model::routes
