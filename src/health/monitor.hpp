// Asks each endpoint of each upstream for its model list from time to time and remembers what came (spec §8). Never an inference call.
#pragma once

#include "base/log.hpp"
#include "config/config.hpp"
#include "net/event_loop.hpp"
#include "net/signal.hpp"
#include "upstream/client.hpp"
#include "upstream/registry.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::health {

std::string_view to_string(upstream::probe_state state);

// Works on one loop; wait_fresh() may be called on any.
class monitor {
public:
    monitor(
        net::event_loop& loop,
        upstream::client& client,
        const upstream::registry& upstreams,
        const config::gateway_config& config,
        base::logger& log
    );

    // Probes at once and then every interval. Call before the loop runs.
    void start();
    void stop();

    // Returns when every upstream's state is younger than the interval. Probes those that are not; callers that come
    // meanwhile share the same probes.
    net::task<> wait_fresh(net::event_loop& caller);

private:
    struct entry {
        upstream::upstream_state* upstream;
        upstream::endpoint_state* endpoint;
        std::atomic<std::int64_t> probed_at{0};  // steady clock ticks; 0: never
        bool is_probing = false;                 // on the monitor's loop
        bool was_bad = false;
    };
    struct waiter {
        net::event_loop* loop;
        std::shared_ptr<net::signal> done;
    };

    bool is_fresh() const;
    void probe_stale(bool all);
    net::task<> probe(entry& e);
    net::task<upstream::probe_state> ask(entry& e, std::string& detail);
    net::task<upstream::probe_state> fetch(
        entry& e,
        std::string_view path,
        base::steady_time deadline,
        std::string& body,
        std::string& detail
    );
    void note(entry& e, upstream::probe_state state, const std::string& detail);
    net::task<> run();

    net::event_loop& loop_;
    upstream::client& client_;
    const config::gateway_config& config_;
    base::logger& log_;
    std::vector<std::unique_ptr<entry>> entries_;
    std::mutex mutex_;
    std::vector<waiter> waiters_;
    int running_ = 0;
    net::signal wake_;
    base::cancel_source stop_;
    bool is_stopped_ = false;
};

}  // namespace meta_model::health
