#include "routes/background_runs.hpp"

#include <boost/asio/post.hpp>

namespace meta_model::routes {

bool background_runs::begin(
    const std::string& id, net::event_loop& loop, const std::shared_ptr<base::cancel_source>& source
) {
    const std::lock_guard lock(mutex_);
    if (runs_.size() >= max_runs_) {
        return false;
    }
    runs_[id] = {.loop = &loop, .source = source};
    count_ = runs_.size();
    return true;
}

void background_runs::end(std::string_view id) {
    const std::lock_guard lock(mutex_);
    if (const auto it = runs_.find(id); it != runs_.end()) {
        runs_.erase(it);
    }
    count_ = runs_.size();
}

void background_runs::cancel(std::string_view id, base::cancel_reason reason) {
    const std::lock_guard lock(mutex_);
    if (const auto it = runs_.find(id); it != runs_.end()) {
        post_cancel(it->second, reason);
    }
}

void background_runs::cancel_all(base::cancel_reason reason) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, one] : runs_) {
        post_cancel(one, reason);
    }
}

void background_runs::post_cancel(const run& r, base::cancel_reason reason) {
    net::asio::post(r.loop->get_executor(), [source = r.source, reason] {
        if (const auto here = source.lock()) {
            here->cancel(reason);
        }
    });
}

}  // namespace meta_model::routes
