#include "net/event_loop.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <poll.h>

namespace meta_model::net {

event_loop::event_loop(int index)
    : index_(index),
      timers_(std::chrono::steady_clock::now()),
      tick_timer_(io_),
      scratch_(scratch_bytes) {
}

event_loop::~event_loop() = default;

void event_loop::watch(peer_watch& w, int fd) {
    if (w.fd_ >= 0) {
        return;
    }
    w.fd_ = fd;
    w.position_ = watched_.size();
    watched_.push_back(&w);
}

void event_loop::unwatch(peer_watch& w) {
    if (w.fd_ < 0) {
        return;
    }
    w.fd_ = -1;
    watched_[w.position_] = watched_.back();
    watched_[w.position_]->position_ = w.position_;
    watched_.pop_back();
}

char* event_loop::scratch(std::size_t size) {
    if (size > scratch_.size()) {
        scratch_.resize(size);
    }
    return scratch_.data();
}

void event_loop::poll_watched() {
    if (watched_.empty()) {
        return;
    }
    std::vector<pollfd> fds;
    fds.reserve(watched_.size());
    for (const auto* w : watched_) {
        fds.push_back({w->fd_, POLLRDHUP, 0});
    }
    if (::poll(fds.data(), fds.size(), 0) <= 0) {
        return;
    }
    // Telling one watch may remove others, so take the addresses first and look each one up again.
    std::vector<peer_watch*> gone;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        if ((fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0) {
            gone.push_back(watched_[i]);
        }
    }
    for (auto* w : gone) {
        const bool is_watched = std::find(watched_.begin(), watched_.end(), w) != watched_.end();
        if (is_watched) {
            unwatch(*w);
            w->on_peer_closed();
        }
    }
}

task<> event_loop::next_turn() {
    return asio::post(io_, asio::use_awaitable_t<executor>());
}

void event_loop::schedule_tick() {
    tick_timer_.expires_after(base::timer_wheel::tick);
    tick_timer_.async_wait([this](boost::system::error_code ec) {
        if (ec) {
            return;
        }
        schedule_tick();
        poll_watched();
        timers_.advance(std::chrono::steady_clock::now());
        for (const auto& hook : tick_hooks_) {
            hook();
        }
        if (scratch_.size() > 4 * scratch_bytes) {
            scratch_ =
                std::vector<char>(scratch_bytes);  // a large event passed; give its room back
        }
    });
}

void event_loop::run(const std::function<void(const char*)>& on_exception) {
    schedule_tick();
    while (!io_.stopped()) {
        try {
            io_.run();
        } catch (const std::exception& e) {
            on_exception(e.what());
        }
    }
}

}  // namespace meta_model::net
