// One thread's loop: its io_context, its deadlines on a coarse tick, its scratch memory and the clients it watches.
//
// A connection, its request and all its upstream calls live on one loop, so nothing here is locked. Everything but
// stop() is confined to the loop's thread once run() was called.
#pragma once

#include "base/timer_wheel.hpp"
#include "net/asio_types.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace meta_model::net {

// A socket whose peer may leave while we are busy with something else. Watching costs nothing per request: on each
// tick one poll(2) asks for all of them. Unread pipelined bytes do not hide a closed peer from it.
class peer_watch {
public:
    peer_watch() = default;
    peer_watch(const peer_watch&) = delete;
    peer_watch& operator=(const peer_watch&) = delete;
    virtual ~peer_watch() = default;

    virtual void on_peer_closed() = 0;

private:
    friend class event_loop;
    int fd_ = -1;
    std::size_t position_ = 0;
};

class event_loop {
public:
    static constexpr std::size_t scratch_bytes = 64 * 1024;

    explicit event_loop(int index);
    event_loop(const event_loop&) = delete;
    event_loop& operator=(const event_loop&) = delete;
    ~event_loop();

    int index() const { return index_; }
    asio::io_context& io() { return io_; }
    executor get_executor() { return io_.get_executor(); }
    base::timer_wheel& timers() { return timers_; }

    // The watch must be removed before it is destroyed. A watch whose peer has left is removed, then told.
    void watch(peer_watch& w, int fd);
    void unwatch(peer_watch& w);

    // Memory that anyone on this thread may use until the next suspension. At least scratch_bytes; grows to `size`.
    char* scratch(std::size_t size = scratch_bytes);

    // Called on every tick, on the loop's thread. Register before run().
    void on_tick(std::function<void()> f) { tick_hooks_.push_back(std::move(f)); }

    // Goes on when everything that is ready now had its turn. For what is about to send: sends of many requests that
    // follow each other closely wake their receivers once, and not each time.
    task<> next_turn();

    // Upstream calls in progress. With few there is nothing to wait for.
    void call_began() { ++calls_; }
    void call_ended() { --calls_; }
    bool is_crowded() const { return calls_ > 8; }

    // Runs until stop(). What an operation throws is given to `on_exception` and the loop goes on.
    void run(const std::function<void(const char* what)>& on_exception);

    void stop() { io_.stop(); }  // from any thread

private:
    void schedule_tick();
    void poll_watched();

    int index_;
    int calls_ = 0;
    asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO
    };  // sockets are this thread's alone; post() is not
    base::timer_wheel timers_;
    precise_timer tick_timer_;
    std::vector<peer_watch*> watched_;
    std::vector<char> scratch_;
    std::vector<std::function<void()>> tick_hooks_;
};

}  // namespace meta_model::net
