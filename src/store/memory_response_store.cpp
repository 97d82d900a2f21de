#include "store/memory_response_store.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::store {

namespace {

// What an entry and an event cost beside their texts: nodes, headers of allocations, the place in the index.
constexpr std::size_t entry_overhead = 512;
constexpr std::size_t event_overhead = 64;
constexpr std::size_t item_overhead = 128;

std::size_t size_of(const shared_text& text) {
    return text ? text->size() : 0;
}

std::size_t size_of(const std::vector<std::string>& item_ids) {
    std::size_t bytes = item_ids.size() * item_overhead;
    for (const auto& id : item_ids) {
        bytes += id.size();
    }
    return bytes;
}

std::size_t size_of(std::string_view id, const stored_response& r) {
    return entry_overhead + id.size() + r.previous_id.size() + size_of(r.input_items)
           + size_of(r.response) + size_of(r.item_ids);
}

}  // namespace

memory_response_store::memory_response_store(memory_store_limits limits, clock now)
    : limits_(limits), now_(std::move(now)) {
}

bool memory_response_store::put(response_key key, stored_response response) {
    const std::lock_guard lock(mutex_);
    drop_expired();
    const auto bytes = size_of(key.id, response);
    if (by_id_.contains(key.id) || bytes > limits_.max_bytes || !make_room(1, bytes)) {
        return false;
    }
    entries_.emplace_back();
    auto& e = entries_.back();
    e.owner = key.owner;
    e.id = key.id;
    e.response = std::move(response);
    e.since = now_();
    e.is_pinned = !e.is_done();
    pinned_entries_ += e.is_pinned ? 1 : 0;
    by_id_.emplace(e.id, std::prev(entries_.end()));
    index_items(e);
    grow(e, bytes);
    return true;
}

std::optional<stored_response> memory_response_store::find(response_key key) {
    const std::lock_guard lock(mutex_);
    drop_expired();
    const auto* e = look_up(key);
    return e != nullptr ? std::optional(e->response) : std::nullopt;
}

std::string memory_response_store::response_of_item(std::uint64_t owner, std::string_view item_id) {
    const std::lock_guard lock(mutex_);
    drop_expired();
    const auto it = by_item_.find(item_id);
    return it != by_item_.end() && it->second->owner == owner ? it->second->id : std::string();
}

bool memory_response_store::update(
    response_key key,
    response_status status,
    shared_text response,
    std::vector<std::string> item_ids
) {
    const std::lock_guard lock(mutex_);
    auto* e = look_up(key);
    if (e == nullptr || is_final(e->response.status)) {
        return false;
    }
    forget_items(*e);
    shrink(*e, size_of(e->response.response) + size_of(e->response.item_ids));
    grow(*e, size_of(response) + size_of(item_ids));
    e->response.status = status;
    e->response.response = std::move(response);
    e->response.item_ids = std::move(item_ids);
    index_items(*e);
    unpin_when_done(by_id_.at(key.id));
    make_room(0, 0);
    return true;
}

bool memory_response_store::erase(response_key key) {
    const std::lock_guard lock(mutex_);
    if (look_up(key) == nullptr) {
        return false;
    }
    remove(by_id_.at(key.id));
    return true;
}

bool memory_response_store::append_event(
    response_key key, std::int64_t number, std::string_view bytes
) {
    const std::lock_guard lock(mutex_);
    auto* e = look_up(key);
    if (e == nullptr || !e->response.has_events || e->are_events_ended) {
        return false;
    }
    const bool is_first = e->events.empty() && e->last_dropped < 0;
    if (is_first) {
        e->first_event = number;
    } else if (number != e->next_event()) {
        return false;
    }
    const auto cost = bytes.size() + event_overhead;
    e->events.emplace_back(bytes);
    e->event_bytes += cost;
    grow(*e, cost);
    while (e->event_bytes > limits_.max_event_bytes) {
        drop_oldest_event(*e);
    }
    while (!is_possible(0, 0) && !e->events.empty()) {
        drop_oldest_event(*e);
    }
    make_room(0, 0);
    tell_followers(*e);
    return true;
}

void memory_response_store::end_events(response_key key) {
    const std::lock_guard lock(mutex_);
    if (auto* e = look_up(key)) {
        e->are_events_ended = true;
        tell_followers(*e);
        unpin_when_done(by_id_.at(key.id));
        make_room(0, 0);
    }
}

event_page memory_response_store::events_after(
    response_key key, std::int64_t after, std::size_t max_bytes
) {
    event_page page;
    page.last = after;
    const std::lock_guard lock(mutex_);
    const auto* e = look_up(key);
    if (e == nullptr || !e->response.has_events) {
        return page;
    }
    page.status = e->response.status;
    if (after < e->last_dropped) {
        page.state = events_state::evicted;
        return page;
    }
    const auto last = e->next_event() - 1;
    // Whoever asks for what comes behind the end may name any number.
    for (auto n = std::max(std::min(after, last) + 1, e->first_event); n <= last; ++n) {
        const auto& event = e->events[static_cast<std::size_t>(n - e->first_event)];
        if (!page.bytes.empty() && page.bytes.size() + event.size() > max_bytes) {
            break;
        }
        page.bytes += event;
        page.last = n;
    }
    const bool is_end = e->are_events_ended && page.last >= last;
    page.state = is_end ? events_state::ended : events_state::open;
    return page;
}

follow_state memory_response_store::follow(
    response_key key, std::weak_ptr<event_follower> follower
) {
    const std::lock_guard lock(mutex_);
    auto* e = look_up(key);
    if (e == nullptr || !e->response.has_events) {
        return follow_state::absent;
    }
    std::erase_if(e->followers, [](const auto& f) { return f.expired(); });
    if (e->followers.size() >= limits_.max_followers) {
        return follow_state::crowded;
    }
    e->followers.push_back(std::move(follower));
    return follow_state::following;
}

void memory_response_store::expire() {
    const std::lock_guard lock(mutex_);
    drop_expired();
}

store_stats memory_response_store::stats() const {
    const std::lock_guard lock(mutex_);
    return {.entries = entries_.size(), .bytes = bytes_, .evicted = evicted_};
}

memory_response_store::entry* memory_response_store::look_up(response_key key) {
    const auto it = by_id_.find(key.id);
    return it != by_id_.end() && it->second->owner == key.owner ? &*it->second : nullptr;
}

void memory_response_store::index_items(entry& e) {
    for (const auto& id : e.response.item_ids) {
        // Not assigned to: the key that is there views an older entry's text.
        by_item_.erase(id);
        by_item_.emplace(id, &e);
    }
}

void memory_response_store::forget_items(const entry& e) {
    for (const auto& id : e.response.item_ids) {
        const auto it = by_item_.find(id);
        if (it != by_item_.end() && it->second == &e) {
            by_item_.erase(it);
        }
    }
}

bool memory_response_store::has_room_for(std::size_t entries, std::size_t bytes) const {
    return entries_.size() + entries <= limits_.max_entries && bytes_ + bytes <= limits_.max_bytes;
}

// Whether it would do to evict everything that may be.
bool memory_response_store::is_possible(std::size_t entries, std::size_t bytes) const {
    return pinned_entries_ + entries <= limits_.max_entries
           && pinned_bytes_ + bytes <= limits_.max_bytes;
}

bool memory_response_store::make_room(std::size_t entries, std::size_t bytes) {
    if (!is_possible(entries, bytes)) {
        return false;
    }
    while (!has_room_for(entries, bytes)) {
        if (!evict_oldest()) {
            return false;
        }
    }
    return true;
}

// Few are still being made, so that the first that is not stands near the beginning. False: there is none.
bool memory_response_store::evict_oldest() {
    const auto it = std::ranges::find_if(entries_, &entry::is_done);
    if (it == entries_.end()) {
        return false;
    }
    ++evicted_;
    remove(it);
    return true;
}

void memory_response_store::remove(entry_list::iterator it) {
    tell_followers(*it);
    forget_items(*it);
    by_id_.erase(it->id);
    bytes_ -= it->bytes;
    pinned_bytes_ -= it->is_pinned ? it->bytes : 0;
    pinned_entries_ -= it->is_pinned ? 1 : 0;
    entries_.erase(it);
}

void memory_response_store::grow(entry& e, std::size_t bytes) {
    e.bytes += bytes;
    bytes_ += bytes;
    pinned_bytes_ += e.is_pinned ? bytes : 0;
}

void memory_response_store::shrink(entry& e, std::size_t bytes) {
    e.bytes -= bytes;
    bytes_ -= bytes;
    pinned_bytes_ -= e.is_pinned ? bytes : 0;
}

// Its age counts from here. What is larger than the store takes nobody else's place.
void memory_response_store::unpin_when_done(entry_list::iterator it) {
    if (!it->is_pinned || !it->is_done()) {
        return;
    }
    it->is_pinned = false;
    --pinned_entries_;
    pinned_bytes_ -= it->bytes;
    it->since = now_();
    entries_.splice(entries_.end(), entries_, it);
    if (it->bytes > limits_.max_bytes) {
        ++evicted_;
        remove(it);
    }
}

void memory_response_store::drop_oldest_event(entry& e) {
    const auto cost = e.events.front().size() + event_overhead;
    e.events.pop_front();
    e.last_dropped = e.first_event++;
    e.event_bytes -= cost;
    shrink(e, cost);
}

// Entries stand in the order of their age.
void memory_response_store::drop_expired() {
    if (entries_.empty()) {
        return;
    }
    const auto oldest = now_() - limits_.ttl;
    for (auto it = entries_.begin(); it != entries_.end() && it->since <= oldest;) {
        const auto here = it++;
        if (here->is_done()) {
            ++evicted_;
            remove(here);
        }
    }
}

void memory_response_store::tell_followers(entry& e) {
    for (const auto& weak : e.followers) {
        if (const auto follower = weak.lock()) {
            follower->on_events();
        }
    }
}

}  // namespace meta_model::store
