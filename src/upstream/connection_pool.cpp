#include "upstream/connection_pool.hpp"

#include <algorithm>
#include <poll.h>

namespace meta_model::upstream {

std::unique_ptr<connection> connection_pool::take() {
    while (!idle_.empty()) {
        auto c = std::move(idle_.back());
        idle_.pop_back();
        if (!c->stream.has_unexpected_input()) {
            c->is_reused = true;
            return c;
        }
    }
    return nullptr;
}

void connection_pool::put(std::unique_ptr<connection> c, base::steady_time now) {
    if (idle_.size() < max_idle) {
        c->idle_since = now;
        c->begin = c->end = 0;
        idle_.push_back(std::move(c));
    }
}

void connection_pool::drop_stale(base::steady_time now) {
    // The oldest are in front: put() appends.
    const auto first_fresh = std::ranges::find_if(idle_, [&](const auto& c) {
        return c->idle_since + max_idle_time > now;
    });
    idle_.erase(idle_.begin(), first_fresh);
    if (idle_.empty()) {
        return;
    }
    std::vector<pollfd> looks;
    looks.reserve(idle_.size());
    for (const auto& c : idle_) {
        looks.push_back({c->stream.fd(), POLLIN | POLLRDHUP, 0});
    }
    if (::poll(looks.data(), looks.size(), 0) <= 0) {
        return;
    }
    for (std::size_t i = 0; i < looks.size(); ++i) {
        // Not all that arrives is unexpected: TLS has messages of its own.
        if (looks[i].revents != 0 && idle_[i]->stream.has_unexpected_input()) {
            idle_[i].reset();
        }
    }
    std::erase(idle_, nullptr);
}

}  // namespace meta_model::upstream
