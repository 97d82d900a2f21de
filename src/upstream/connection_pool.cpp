#include "upstream/connection_pool.hpp"

#include <algorithm>

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

void connection_pool::drop_older_than(base::steady_time now) {
    // The oldest are in front: put() appends.
    const auto first_fresh = std::ranges::find_if(idle_, [&](const auto& c) {
        return c->idle_since + max_idle_time > now;
    });
    idle_.erase(idle_.begin(), first_fresh);
}

}  // namespace meta_model::upstream
