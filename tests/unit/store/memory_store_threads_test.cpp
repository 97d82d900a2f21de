#include "store/memory_response_store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace meta_model::store {
namespace {

struct atomic_follower final : event_follower {
    std::atomic<int> told{0};
    void on_events() noexcept override { told.fetch_add(1); }
};

shared_text text(std::string s) {
    return std::make_shared<const std::string>(std::move(s));
}

constexpr int event_count = 300;

// A stream is written while two read it to its end.
void write_stream(memory_response_store& store, const std::string& id) {
    const response_key key{.owner = 1, .id = id};
    for (int n = 0; n < event_count; ++n) {
        store.append_event(key, n, "<" + std::to_string(n) + ">");
    }
    store.update(key, response_status::completed, text("{}"), {});
    store.end_events(key);
}

std::string read_stream(memory_response_store& store, const std::string& id) {
    const response_key key{.owner = 1, .id = id};
    const auto follower = std::make_shared<atomic_follower>();
    store.follow(key, follower);
    std::string read;
    std::int64_t last = -1;
    for (;;) {
        const auto told = follower->told.load();
        const auto page = store.events_after(key, last, 50);
        read += page.bytes;
        last = page.last;
        if (page.state != events_state::open) {
            return read;
        }
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (page.bytes.empty() && follower->told.load() == told) {
            if (std::chrono::steady_clock::now() > until) {
                ADD_FAILURE() << "nobody told that there is more behind " << last;
                return read;
            }
            std::this_thread::yield();
        }
    }
}

TEST(memory_store_threads, readers_of_running_streams_see_every_event_once) {
    memory_response_store store({});
    std::string expected;
    for (int n = 0; n < event_count; ++n) {
        expected += "<" + std::to_string(n) + ">";
    }
    std::vector<std::string> read(6);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        const auto id = "resp_" + std::to_string(i);
        stored_response r;
        r.status = response_status::in_progress;
        r.has_events = true;
        ASSERT_TRUE(store.put({.owner = 1, .id = id}, r));
    }
    for (int i = 0; i < 3; ++i) {
        const auto id = "resp_" + std::to_string(i);
        threads.emplace_back([&store, id] { write_stream(store, id); });
        for (int r = 0; r < 2; ++r) {
            auto& into = read[static_cast<std::size_t>(2 * i + r)];
            threads.emplace_back([&store, &into, id] { into = read_stream(store, id); });
        }
    }
    for (auto& t : threads) {
        t.join();
    }
    for (const auto& r : read) {
        EXPECT_EQ(r, expected);
    }
}

TEST(memory_store_threads, one_of_many_final_states_wins) {
    for (int round = 0; round < 50; ++round) {
        memory_response_store store({});
        const response_key key{.owner = 1, .id = "resp"};
        ASSERT_TRUE(store.put(key, {.status = response_status::in_progress}));
        std::atomic<int> wins{0};
        std::vector<std::thread> threads;
        for (const auto end : {response_status::completed, response_status::cancelled}) {
            threads.emplace_back([&, end] {
                wins += store.update(key, end, text("{}"), {}) ? 1 : 0;
            });
        }
        for (auto& t : threads) {
            t.join();
        }
        EXPECT_EQ(wins.load(), 1);
    }
}

TEST(memory_store_threads, bounds_hold_while_all_write) {
    memory_response_store store({.max_entries = 20, .max_bytes = 20'000});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&store, t] {
            for (int i = 0; i < 300; ++i) {
                const auto id = std::to_string(t) + '_' + std::to_string(i);
                stored_response r;
                r.response = text(std::string(500, 'a'));
                EXPECT_TRUE(store.put({.owner = 1, .id = id}, r)) << "all of it is final";
                store.find({.owner = 1, .id = id});
                if (i % 3 == 0) {
                    store.erase({.owner = 1, .id = id});
                }
                const auto stats = store.stats();
                EXPECT_LE(stats.entries, 20u);
                EXPECT_LE(stats.bytes, 20'000u);
            }
        });
    }
    for (auto& t : threads) {
        t.join();
    }
}

}  // namespace
}  // namespace meta_model::store
