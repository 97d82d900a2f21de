// Responses that are kept for later requests: to be read again, continued, followed while they are made, or deleted.
//
// Every call comes from a loop's thread and answers at once, from memory; none of them waits for a disk or a server. A
// database therefore stands behind an implementation: written from a queue by a thread of its own, read into memory at
// the start. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::store {

enum class response_status : std::uint8_t {
    queued,
    in_progress,
    completed,
    incomplete,
    failed,
    cancelled
};

constexpr bool is_final(response_status s) {
    return s != response_status::queued && s != response_status::in_progress;
}

// A response is only there for the credential that made it.
struct response_key {
    std::uint64_t owner = 0;
    std::string_view id{};
};

using shared_text = std::shared_ptr<const std::string>;

// What is known of a response at one moment. The texts do not change.
struct stored_response {
    response_status status = response_status::completed;
    bool is_background = false;
    bool has_events = false;              // its stream can be followed
    std::string previous_id{};            // of the response that it continues; empty: none
    shared_text input_items{};            // JSON list: its own input only
    shared_text response{};               // JSON object
    std::vector<std::string> item_ids{};  // of its output, for response_of_item
};

enum class events_state : std::uint8_t {
    open,     // more may come
    ended,    // there are no others
    evicted,  // the one that was asked for is no longer kept
    absent,   // there is no such response, or it keeps no events
};

// Events of a stream as they were sent, in order and without a gap.
struct event_page {
    events_state state = events_state::absent;
    std::string bytes{};
    std::int64_t last = -1;  // number of the last event in `bytes`, or the one that was asked from
    response_status status = response_status::completed;
};

// Is told when the events of a response became more, ended or went away. Called on any thread, inside the store: it
// returns at once and does not call the store.
class event_follower {
public:
    virtual ~event_follower() = default;
    virtual void on_events() noexcept = 0;
};

enum class follow_state : std::uint8_t { following, absent, crowded };

struct store_stats {
    std::size_t entries = 0;
    std::size_t bytes = 0;
    std::uint64_t evicted = 0;  // since the start: for want of room, or too old
};

class response_store {
public:
    virtual ~response_store() = default;

    // Keeps a response under an id that is new. Makes room by evicting the oldest ones that are final. False: there is no
    // room, or the id is taken.
    virtual bool put(response_key key, stored_response response) = 0;

    virtual std::optional<stored_response> find(response_key key) = 0;

    // The response whose output has this item; the newest when there are several. Empty: none has.
    virtual std::string response_of_item(std::uint64_t owner, std::string_view item_id) = 0;

    // A later state of a response that is not final. Only the first final one counts: false, and nothing changes, when
    // there was one, or when the response is gone.
    virtual bool update(
        response_key key,
        response_status status,
        shared_text response,
        std::vector<std::string> item_ids
    ) = 0;

    // False: there was none.
    virtual bool erase(response_key key) = 0;

    // The next event of the stream; numbers leave none out. False: the response is gone or its stream has ended, and nobody
    // will ever see the event.
    virtual bool append_event(response_key key, std::int64_t number, std::string_view bytes) = 0;
    // There will be no further events.
    virtual void end_events(response_key key) = 0;

    // Events with numbers above `after`, as many as fit into `max_bytes` and at least one.
    virtual event_page events_after(
        response_key key, std::int64_t after, std::size_t max_bytes
    ) = 0;

    // Until the follower is destroyed. A response has a limited number of them.
    virtual follow_state follow(response_key key, std::weak_ptr<event_follower> follower) = 0;

    // Lets go what is too old.
    virtual void expire() = 0;

    virtual store_stats stats() const = 0;
};

}  // namespace meta_model::store
