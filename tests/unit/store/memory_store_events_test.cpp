#include "store/memory_response_store.hpp"

#include <gtest/gtest.h>

namespace meta_model::store {
namespace {

shared_text text(std::string s) {
    return std::make_shared<const std::string>(std::move(s));
}

struct counting_follower final : event_follower {
    int told = 0;
    void on_events() noexcept override { ++told; }
};

struct stream {
    memory_response_store store;
    response_key key{.owner = 1, .id = "resp_1"};

    explicit stream(memory_store_limits limits = {}) : store(limits) {
        stored_response r;
        r.status = response_status::in_progress;
        r.is_background = r.has_events = true;
        r.input_items = r.response = text("");
        EXPECT_TRUE(store.put(key, std::move(r)));
    }
    void append(std::int64_t from, std::int64_t to, std::size_t padding = 0) {
        for (auto n = from; n <= to; ++n) {
            EXPECT_TRUE(store.append_event(
                key, n, "<" + std::to_string(n) + std::string(padding, '.') + ">"
            ));
        }
    }
    event_page after(std::int64_t n, std::size_t max_bytes = 1000) {
        return store.events_after(key, n, max_bytes);
    }
};

TEST(memory_store_events, come_in_order_from_any_number) {
    stream s;
    s.append(1, 4);
    EXPECT_EQ(s.after(-1).bytes, "<1><2><3><4>");
    EXPECT_EQ(s.after(0).bytes, "<1><2><3><4>");
    EXPECT_EQ(s.after(3).bytes, "<4>");
    EXPECT_EQ(s.after(3).last, 4);
    EXPECT_EQ(s.after(4).bytes, "");
    EXPECT_EQ(s.after(4).state, events_state::open);
    s.store.end_events(s.key);
    EXPECT_EQ(s.after(3).state, events_state::ended);
    EXPECT_EQ(s.after(4).state, events_state::ended);
    EXPECT_EQ(s.after(99).state, events_state::ended);
    EXPECT_EQ(s.after(99).bytes, "");
    EXPECT_FALSE(s.store.append_event(s.key, 5, "<5>")) << "the end is the end";
}

TEST(memory_store_events, a_page_holds_what_fits_and_at_least_one) {
    stream s;
    s.append(0, 3);
    s.store.end_events(s.key);
    auto page = s.after(-1, 7);
    EXPECT_EQ(page.bytes, "<0><1>");
    EXPECT_EQ(page.last, 1);
    EXPECT_EQ(page.state, events_state::open);
    EXPECT_EQ(s.after(1, 1).bytes, "<2>");
    EXPECT_EQ(s.after(2, 1).state, events_state::ended);
}

TEST(memory_store_events, none_is_left_out) {
    stream s;
    s.append(0, 1);
    EXPECT_FALSE(s.store.append_event(s.key, 3, "<3>"));
    EXPECT_FALSE(s.store.append_event(s.key, 1, "<1>"));
    s.append(2, 2);
    EXPECT_EQ(s.after(-1).bytes, "<0><1><2>");
}

TEST(memory_store_events, the_oldest_go_and_their_absence_is_told) {
    stream s({.max_event_bytes = 500});
    s.append(0, 9, 100);
    EXPECT_EQ(s.after(-1).state, events_state::evicted);
    std::int64_t first = 0;
    while (s.after(first).state == events_state::evicted) {
        ++first;
    }
    EXPECT_EQ(first, 7) << "two events of about 170 bytes stay";
    EXPECT_EQ(s.after(first).last, 9);
    EXPECT_EQ(s.after(9).bytes, "");
}

TEST(memory_store_events, give_way_when_nothing_else_may_go) {
    stream s({.max_bytes = 2000});
    stored_response old;
    old.response = text(std::string(300, 'a'));
    ASSERT_TRUE(s.store.put({.owner = 1, .id = "old"}, old));
    s.append(0, 3, 100);
    EXPECT_FALSE(s.store.find({.owner = 1, .id = "old"})) << "final responses go first";
    EXPECT_EQ(s.after(-1).state, events_state::open);
    s.append(4, 99, 100);
    EXPECT_EQ(s.after(-1).state, events_state::evicted);
    EXPECT_TRUE(s.store.find(s.key));
    EXPECT_LE(s.store.stats().bytes, 2000u);
}

TEST(memory_store_events, outlive_the_final_state_until_they_end) {
    stream s({.max_entries = 1});
    s.append(0, 0);
    ASSERT_TRUE(s.store.update(s.key, response_status::completed, text("{}"), {}));
    EXPECT_FALSE(s.store.put({.owner = 1, .id = "next"}, {})) << "its last event is still to come";
    s.append(1, 1);
    s.store.end_events(s.key);
    EXPECT_EQ(s.after(-1).bytes, "<0><1>");
    EXPECT_EQ(s.after(-1).status, response_status::completed);
    EXPECT_TRUE(s.store.put({.owner = 1, .id = "next"}, {}));
    EXPECT_EQ(s.after(-1).state, events_state::absent);
}

TEST(memory_store_events, are_only_kept_where_they_are_wanted) {
    memory_response_store store({});
    const response_key key{.owner = 1, .id = "resp_1"};
    ASSERT_TRUE(store.put(key, {.status = response_status::in_progress}));
    EXPECT_FALSE(store.append_event(key, 0, "<0>"));
    EXPECT_EQ(store.events_after(key, -1, 100).state, events_state::absent);
    EXPECT_EQ(store.follow(key, {}), follow_state::absent);
}

TEST(memory_store_events, followers_are_told_of_each_change) {
    stream s({.max_followers = 2});
    const auto one = std::make_shared<counting_follower>();
    auto two = std::make_shared<counting_follower>();
    EXPECT_EQ(s.store.follow(s.key, one), follow_state::following);
    EXPECT_EQ(s.store.follow(s.key, two), follow_state::following);
    EXPECT_EQ(s.store.follow(s.key, two), follow_state::crowded);
    s.append(0, 1);
    EXPECT_EQ(one->told, 2);
    two.reset();
    const auto three = std::make_shared<counting_follower>();
    EXPECT_EQ(s.store.follow(s.key, three), follow_state::following)
        << "who left makes room for another";
    s.store.end_events(s.key);
    EXPECT_EQ(one->told, 3);
    EXPECT_EQ(three->told, 1);
    ASSERT_TRUE(s.store.erase(s.key));
    EXPECT_EQ(one->told, 4);
    EXPECT_EQ(s.after(1).state, events_state::absent);
}

}  // namespace
}  // namespace meta_model::store
