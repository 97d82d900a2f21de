#include "base/cancel.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace meta_model::base {
namespace {

struct hook final : cancel_hook {
    void on_cancel(cancel_reason r) override {
        ++calls;
        reason = r;
        if (then) {
            then();
        }
    }
    int calls = 0;
    cancel_reason reason = cancel_reason::none;
    std::function<void()> then{};
};

TEST(cancel, every_hook_hears_the_first_reason_once) {
    cancel_source source;
    hook a;
    hook b;
    source.attach(a);
    source.attach(b);
    source.cancel(cancel_reason::decided);
    source.cancel(cancel_reason::shutdown);
    EXPECT_TRUE(source.is_cancelled());
    EXPECT_EQ(source.reason(), cancel_reason::decided);
    for (const auto* h : {&a, &b}) {
        EXPECT_EQ(h->calls, 1);
        EXPECT_EQ(h->reason, cancel_reason::decided);
    }
}

TEST(cancel, a_late_hook_is_called_at_once) {
    cancel_source source;
    source.cancel(cancel_reason::client_gone);
    hook late;
    source.attach(late);
    EXPECT_EQ(late.reason, cancel_reason::client_gone);
}

TEST(cancel, a_hook_that_left_hears_nothing) {
    cancel_source source;
    hook first;
    hook middle;
    hook last;
    source.attach(first);
    source.attach(middle);
    source.attach(last);
    middle.detach();
    middle.detach();
    {
        hook gone;
        source.attach(gone);
    }
    source.cancel(cancel_reason::deadline);
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(middle.calls, 0);
    EXPECT_EQ(last.calls, 1);
}

TEST(cancel, a_hook_may_destroy_another_one) {
    cancel_source source;
    auto victim = std::make_unique<hook>();
    hook killer;
    killer.then = [&] { victim.reset(); };
    source.attach(*victim);
    source.attach(killer);
    source.cancel(cancel_reason::timeout);
    EXPECT_EQ(killer.calls, 1);
    EXPECT_EQ(victim, nullptr);
}

TEST(cancel, a_child_follows_its_parent_and_not_the_other_way_round) {
    cancel_source parent;
    child_cancel_source first(parent);
    child_cancel_source second(parent);
    hook h;
    second.attach(h);
    first.cancel(cancel_reason::decided);
    EXPECT_FALSE(parent.is_cancelled());
    parent.cancel(cancel_reason::client_gone);
    EXPECT_EQ(first.reason(), cancel_reason::decided);
    EXPECT_EQ(second.reason(), cancel_reason::client_gone);
    EXPECT_EQ(h.reason, cancel_reason::client_gone);
}

TEST(cancel, a_hook_may_outlive_its_source) {
    hook h;
    {
        cancel_source source;
        source.attach(h);
    }
    EXPECT_EQ(h.calls, 0);
}

}  // namespace
}  // namespace meta_model::base
