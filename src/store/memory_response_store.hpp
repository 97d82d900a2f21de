// Responses in this process's memory, gone with it. Bounded in number, bytes and age.
//
// What has ended is evicted, the oldest first, counted from its end. A response that is still being made is pinned: when only
// such ones are left, they lose their oldest events, and new responses are refused.
#pragma once

#include "base/timer_wheel.hpp"
#include "store/response_store.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace meta_model::store {

struct memory_store_limits {
    std::size_t max_entries = 10000;
    std::size_t max_bytes = 256u << 20;       // texts, events and what keeping them costs
    std::size_t max_event_bytes = 16u << 20;  // of one response
    std::size_t max_followers = 64;           // of one response
    std::chrono::steady_clock::duration ttl = std::chrono::hours(24);
};

class memory_response_store final : public response_store {
public:
    using clock = std::function<base::steady_time()>;

    explicit memory_response_store(
        memory_store_limits limits, clock now = &std::chrono::steady_clock::now
    );

    bool put(response_key key, stored_response response) override;
    std::optional<stored_response> find(response_key key) override;
    std::string response_of_item(std::uint64_t owner, std::string_view item_id) override;
    bool update(
        response_key key,
        response_status status,
        shared_text response,
        std::vector<std::string> item_ids
    ) override;
    bool erase(response_key key) override;
    bool append_event(response_key key, std::int64_t number, std::string_view bytes) override;
    void end_events(response_key key) override;
    event_page events_after(response_key key, std::int64_t after, std::size_t max_bytes) override;
    follow_state follow(response_key key, std::weak_ptr<event_follower> follower) override;
    void expire() override;
    store_stats stats() const override;

private:
    struct entry {
        std::uint64_t owner = 0;
        std::string id{};
        stored_response response{};
        base::steady_time since{};  // put, or ended after it was pinned
        std::deque<std::string> events{};
        std::int64_t first_event = 0;    // number of events.front()
        std::int64_t last_dropped = -1;  // number of an event
        std::size_t event_bytes = 0;
        std::size_t bytes = 0;  // events included
        bool are_events_ended = false;
        bool is_pinned = false;
        std::vector<std::weak_ptr<event_follower>> followers{};

        bool is_done() const {
            return is_final(response.status) && (!response.has_events || are_events_ended);
        }
        std::int64_t next_event() const {
            return first_event + static_cast<std::int64_t>(events.size());
        }
    };
    using entry_list = std::list<entry>;  // the oldest first

    // All of these with the mutex held.
    entry* look_up(response_key key);
    void index_items(entry& e);
    void forget_items(const entry& e);
    bool has_room_for(std::size_t entries, std::size_t bytes) const;
    bool is_possible(std::size_t entries, std::size_t bytes) const;
    bool evict_oldest();
    bool make_room(std::size_t entries, std::size_t bytes);
    void remove(entry_list::iterator it);
    void grow(entry& e, std::size_t bytes);
    void shrink(entry& e, std::size_t bytes);
    void unpin_when_done(entry_list::iterator it);
    void drop_oldest_event(entry& e);
    void drop_expired();
    static void tell_followers(entry& e);

    const memory_store_limits limits_;
    const clock now_;
    mutable std::mutex mutex_;  // held for microseconds
    entry_list entries_;
    std::unordered_map<std::string_view, entry_list::iterator> by_id_;  // views of entry::id
    std::unordered_map<std::string_view, const entry*>
        by_item_;  // views of entry::response.item_ids
    std::size_t bytes_ = 0;
    std::size_t pinned_entries_ = 0;
    std::size_t pinned_bytes_ = 0;
    std::uint64_t evicted_ = 0;
};

}  // namespace meta_model::store
