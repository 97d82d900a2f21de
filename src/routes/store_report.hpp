// Tells /metrics and the log what a response store holds and lets go.
#pragma once

#include "base/log.hpp"
#include "base/timer_wheel.hpp"
#include "store/response_store.hpp"
#include "telemetry/recorder.hpp"

namespace meta_model::routes {

// Confined to the thread of its shard.
class store_report {
public:
    // All three outlive it.
    store_report(store::response_store& store, telemetry::thread_shard& shard, base::logger& log)
        : store_(store), shard_(shard), log_(log) {}

    // On every tick: lets go what is too old, once a second, and tells the changes. A line in the log at most once a minute.
    void on_tick(base::steady_time now);

private:
    store::response_store& store_;
    telemetry::thread_shard& shard_;
    base::logger& log_;
    store::store_stats told_{};
    std::uint64_t logged_evictions_ = 0;
    base::steady_time next_look_{};
    base::steady_time next_line_{};
};

}  // namespace meta_model::routes
