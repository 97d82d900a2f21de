// The requests that are served without a client: how many there may be, and how to end them from another thread.
#pragma once

#include "base/cancel.hpp"
#include "net/event_loop.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace meta_model::routes {

// Thread-safe. The loops outlive it.
class background_runs {
public:
    explicit background_runs(std::size_t max_runs) : max_runs_(max_runs) {}

    // A run on `loop`, which `source` ends. False: there are too many.
    bool begin(
        const std::string& id,
        net::event_loop& loop,
        const std::shared_ptr<base::cancel_source>& source
    );
    void end(std::string_view id);

    // Cancels soon, on the run's own thread. A run that is not there, or has ended by then, is left alone.
    void cancel(std::string_view id, base::cancel_reason reason);
    void cancel_all(base::cancel_reason reason);

    std::size_t count() const { return count_.load(); }

private:
    struct run {
        net::event_loop* loop;
        std::weak_ptr<base::cancel_source> source;
    };
    static void post_cancel(const run& r, base::cancel_reason reason);

    const std::size_t max_runs_;
    mutable std::mutex mutex_;
    std::map<std::string, run, std::less<>> runs_;
    std::atomic<std::size_t> count_{0};
};

}  // namespace meta_model::routes
