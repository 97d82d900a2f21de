#include "routes/store_report.hpp"

#include <chrono>
#include <string>

namespace meta_model::routes {

using telemetry::counter;
using telemetry::gauge;

void store_report::on_tick(base::steady_time now) {
    if (now >= next_look_) {
        next_look_ = now + std::chrono::seconds(1);
        store_.expire();
    }
    const auto stats = store_.stats();
    const auto change = [](auto to, auto from) {
        return static_cast<std::int64_t>(to) - static_cast<std::int64_t>(from);
    };
    auto& counters = shard_.counters;
    counters.change(gauge::responses_stored, change(stats.entries, told_.entries));
    counters.change(gauge::responses_stored_bytes, change(stats.bytes, told_.bytes));
    counters.add(counter::responses_evicted, change(stats.evicted, told_.evicted));
    told_ = stats;
    if (stats.evicted > logged_evictions_ && now >= next_line_) {
        log_.write(
            base::log_level::info,
            "stored responses were evicted",
            {{"count", std::to_string(stats.evicted - logged_evictions_)},
             {"stored", std::to_string(stats.entries)},
             {"bytes", std::to_string(stats.bytes)}}
        );
        logged_evictions_ = stats.evicted;
        next_line_ = now + std::chrono::minutes(1);
    }
}

}  // namespace meta_model::routes
