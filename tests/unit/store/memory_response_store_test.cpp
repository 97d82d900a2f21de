#include "store/memory_response_store.hpp"

#include <gtest/gtest.h>

namespace meta_model::store {
namespace {

using namespace std::chrono_literals;

shared_text text(std::string s) {
    return std::make_shared<const std::string>(std::move(s));
}

stored_response answer(std::size_t bytes = 10) {
    stored_response r;
    r.input_items = text("[]");
    r.response = text(std::string(bytes, 'a'));
    return r;
}

stored_response unfinished() {
    auto r = answer();
    r.status = response_status::in_progress;
    r.is_background = true;
    return r;
}

struct fixture {
    base::steady_time now{100h};
    memory_response_store store;

    explicit fixture(memory_store_limits limits = {}) : store(limits, [this] { return now; }) {}

    bool put(std::string_view id, stored_response r = answer()) {
        return store.put({.owner = 1, .id = id}, std::move(r));
    }
    bool has(std::string_view id) { return store.find({.owner = 1, .id = id}).has_value(); }
};

TEST(memory_response_store, gives_back_what_was_put) {
    fixture f;
    auto r = answer();
    r.previous_id = "resp_0";
    ASSERT_TRUE(f.put("resp_1", r));
    const auto found = f.store.find({.owner = 1, .id = "resp_1"});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->status, response_status::completed);
    EXPECT_EQ(found->previous_id, "resp_0");
    EXPECT_EQ(found->response, r.response) << "not copied";
    EXPECT_FALSE(f.has("resp_2"));
}

TEST(memory_response_store, is_closed_to_other_credentials) {
    fixture f;
    auto r = unfinished();
    r.has_events = true;
    ASSERT_TRUE(f.put("resp_1", r));
    const response_key foreign{.owner = 2, .id = "resp_1"};
    EXPECT_FALSE(f.store.find(foreign));
    EXPECT_FALSE(f.store.erase(foreign));
    EXPECT_FALSE(f.store.update(foreign, response_status::failed, text("x"), {}));
    EXPECT_FALSE(f.store.append_event(foreign, 0, "x"));
    EXPECT_EQ(f.store.events_after(foreign, -1, 100).state, events_state::absent);
    EXPECT_EQ(f.store.follow(foreign, {}), follow_state::absent);
    f.store.end_events(foreign);
    EXPECT_FALSE(f.store.put(foreign, answer())) << "an id is given once";
    EXPECT_TRUE(f.has("resp_1"));
    EXPECT_EQ(
        f.store.events_after({.owner = 1, .id = "resp_1"}, -1, 100).state, events_state::open
    );
}

TEST(memory_response_store, the_first_final_state_stays) {
    fixture f;
    ASSERT_TRUE(f.put("resp_1", unfinished()));
    const response_key key{.owner = 1, .id = "resp_1"};
    EXPECT_TRUE(f.store.update(key, response_status::in_progress, text("working"), {}));
    EXPECT_TRUE(f.store.update(key, response_status::cancelled, text("cancelled"), {}));
    EXPECT_FALSE(f.store.update(key, response_status::completed, text("completed"), {}));
    EXPECT_EQ(f.store.find(key)->status, response_status::cancelled);
    EXPECT_EQ(*f.store.find(key)->response, "cancelled");
}

TEST(memory_response_store, an_item_leads_to_the_newest_response_that_has_it) {
    fixture f({.max_entries = 2});
    auto r = unfinished();
    ASSERT_TRUE(f.put("resp_1", r));
    const response_key key{.owner = 1, .id = "resp_1"};
    ASSERT_TRUE(f.store.update(key, response_status::completed, text("{}"), {"msg_a", "msg_b"}));
    EXPECT_EQ(f.store.response_of_item(1, "msg_a"), "resp_1");
    EXPECT_EQ(f.store.response_of_item(2, "msg_a"), "") << "another credential's";
    EXPECT_EQ(f.store.response_of_item(1, "msg_c"), "");
    r = answer();
    r.item_ids = {"msg_b", "msg_b"};
    ASSERT_TRUE(f.put("resp_2", r));
    EXPECT_EQ(f.store.response_of_item(1, "msg_b"), "resp_2");
    ASSERT_TRUE(f.put("resp_3"));
    EXPECT_EQ(f.store.response_of_item(1, "msg_a"), "") << "went with its response";
    EXPECT_EQ(f.store.response_of_item(1, "msg_b"), "resp_2");
    f.store.erase({.owner = 1, .id = "resp_2"});
    EXPECT_EQ(f.store.response_of_item(1, "msg_b"), "");
    f.store.erase({.owner = 1, .id = "resp_3"});
    EXPECT_EQ(f.store.stats().bytes, 0u);
}

TEST(memory_response_store, an_erased_response_is_gone_and_no_eviction) {
    fixture f;
    ASSERT_TRUE(f.put("resp_1"));
    EXPECT_TRUE(f.store.erase({.owner = 1, .id = "resp_1"}));
    EXPECT_FALSE(f.store.erase({.owner = 1, .id = "resp_1"}));
    EXPECT_FALSE(f.has("resp_1"));
    EXPECT_EQ(f.store.stats().entries, 0u);
    EXPECT_EQ(f.store.stats().bytes, 0u);
    EXPECT_EQ(f.store.stats().evicted, 0u);
}

TEST(memory_response_store, the_oldest_goes_when_there_are_too_many) {
    fixture f({.max_entries = 2});
    ASSERT_TRUE(f.put("resp_1"));
    ASSERT_TRUE(f.put("resp_2"));
    EXPECT_TRUE(f.has("resp_1")) << "being read does not make it younger";
    ASSERT_TRUE(f.put("resp_3"));
    EXPECT_FALSE(f.has("resp_1"));
    EXPECT_TRUE(f.has("resp_2"));
    EXPECT_TRUE(f.has("resp_3"));
    EXPECT_EQ(f.store.stats().evicted, 1u);
}

TEST(memory_response_store, as_many_go_as_make_room_for_a_large_one) {
    fixture f({.max_bytes = 10'000});
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(f.put("resp_" + std::to_string(i), answer(1000)));
    }
    ASSERT_TRUE(f.put("large", answer(6000)));
    EXPECT_FALSE(f.has("resp_0"));
    EXPECT_FALSE(f.has("resp_2"));
    EXPECT_TRUE(f.has("resp_4"));
    EXPECT_LE(f.store.stats().bytes, 10'000u);
    EXPECT_FALSE(f.put("too large", answer(10'000)));
    EXPECT_TRUE(f.has("large")) << "what cannot be kept takes nobody's place";
}

TEST(memory_response_store, what_is_being_made_is_not_evicted) {
    fixture f({.max_entries = 2});
    ASSERT_TRUE(f.put("running", unfinished()));
    ASSERT_TRUE(f.put("resp_1"));
    ASSERT_TRUE(f.put("resp_2"));
    EXPECT_TRUE(f.has("running"));
    EXPECT_FALSE(f.has("resp_1"));
    ASSERT_TRUE(f.put("running too", unfinished()));
    EXPECT_FALSE(f.has("resp_2"));
    EXPECT_FALSE(f.put("resp_3")) << "nothing may go";
    const response_key key{.owner = 1, .id = "running"};
    ASSERT_TRUE(f.store.update(key, response_status::completed, text("done"), {}));
    EXPECT_TRUE(f.put("resp_3"));
    EXPECT_FALSE(f.has("running"));
}

TEST(memory_response_store, an_end_that_is_too_large_takes_the_response_with_it) {
    fixture f({.max_bytes = 10'000});
    ASSERT_TRUE(f.put("resp_1", unfinished()));
    const response_key key{.owner = 1, .id = "resp_1"};
    ASSERT_TRUE(f.store.update(key, response_status::completed, text(std::string(20'000, 'a')), {})
    );
    EXPECT_FALSE(f.has("resp_1"));
    EXPECT_EQ(f.store.stats().bytes, 0u);
    EXPECT_EQ(f.store.stats().evicted, 1u);
}

TEST(memory_response_store, time_lets_go_what_is_final) {
    fixture f({.ttl = 1h});
    ASSERT_TRUE(f.put("running", unfinished()));
    ASSERT_TRUE(f.put("resp_1"));
    f.now += 30min;
    ASSERT_TRUE(f.put("resp_2"));
    f.now += 30min - 1s;
    EXPECT_TRUE(f.has("resp_1"));
    f.now += 1s;
    EXPECT_FALSE(f.has("resp_1"));
    EXPECT_TRUE(f.has("resp_2"));
    EXPECT_TRUE(f.has("running"));
    f.now += 30min;
    f.store.expire();
    EXPECT_EQ(f.store.stats().entries, 1u);
    EXPECT_EQ(f.store.stats().evicted, 2u);
}

TEST(memory_response_store, what_cannot_have_room_takes_nobodys_place) {
    fixture f({.max_bytes = 10'000});
    auto running = unfinished();
    running.response = text(std::string(6000, 'a'));
    ASSERT_TRUE(f.put("running", running));
    ASSERT_TRUE(f.put("resp_1", answer(1000)));
    EXPECT_FALSE(f.put("resp_2", answer(5000)));
    EXPECT_TRUE(f.has("resp_1"));
    const response_key key{.owner = 1, .id = "running"};
    ASSERT_TRUE(f.store.update(key, response_status::failed, text(std::string(20'000, 'a')), {}));
    EXPECT_FALSE(f.has("running"));
    EXPECT_TRUE(f.has("resp_1"));
    EXPECT_TRUE(f.put("resp_2", answer(5000))) << "there is nothing left of it";
}

TEST(memory_response_store, what_was_long_in_the_making_is_not_old_at_its_end) {
    fixture f({.ttl = 1h});
    ASSERT_TRUE(f.put("running", unfinished()));
    f.now += 30min;
    ASSERT_TRUE(f.put("resp_1"));
    f.now += 29min;
    const response_key key{.owner = 1, .id = "running"};
    ASSERT_TRUE(f.store.update(key, response_status::completed, text("done"), {}));
    f.now += 31min;
    EXPECT_FALSE(f.has("resp_1"));
    EXPECT_TRUE(f.has("running"));
    f.now += 29min;
    EXPECT_FALSE(f.has("running"));
}

}  // namespace
}  // namespace meta_model::store
