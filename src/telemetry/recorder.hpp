// The one object through which the gateway counts and remembers. Built once; shared by all threads.
//
//     telemetry::recorder recorder({.threads = n, .version = "1.0", .names = roster_of(config)});
//     auto& shard = recorder.shard(thread_index);              // kept by the thread
//     shard.counters.add(telemetry::counter::sent_bytes, n);   // a nanosecond
//     recorder.record(shard, std::move(record));               // once per request, when it is over
//
// Names become indices when a configuration is taken into use (profile(), upstream()), not per request. After a reload,
// reconfigure() adds the new names; indices that were given out stay valid for ever.
#pragma once

#include "telemetry/counters.hpp"
#include "telemetry/metrics_ring.hpp"
#include "telemetry/names.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::telemetry {

// What one thread writes.
struct thread_shard {
    thread_counters counters{};
    metrics_ring ring{};
};

struct recorder_options {
    int threads = 1;  // every thread that writes needs an index of its own, helper threads too
    std::string version{};
    roster names{};
};

class recorder {
public:
    explicit recorder(recorder_options options);
    recorder(const recorder&) = delete;
    recorder& operator=(const recorder&) = delete;

    // 0 <= thread_index < threads.
    thread_shard& shard(int thread_index) {
        return *shards_[static_cast<std::size_t>(thread_index)];
    }

    // `other` for a name that no roster held.
    profile_id profile(std::string_view name) const;
    upstream_id upstream(std::string_view key) const;

    // Counts the request and keeps its record. Requests that resolved to no profile (`other`) are only counted.
    // Does not touch the counts of upstream calls: who calls an upstream counts them (call_started, call_ended).
    // Allocates nothing once the profile's ring is full, for records whose lists fit inside. Never throws.
    void record(thread_shard& shard, request_record&& record) noexcept;

    // `GET /v1/metrics/moa`. Profiles by name. Any thread.
    std::string moa_json() const;

    // `GET /metrics`. Reads /proc: for a blocking pool, or rarely. Any thread.
    std::string prometheus_text() const;

    void reconfigure(const roster& names);

private:
    counters_sum sum() const;

    std::string version_;
    name_table profiles_;  // with the keys of upstreams, which clients may address as models
    name_table upstreams_;
    mutable std::mutex declared_mutex_;
    std::vector<roster::profile> declared_;
    std::vector<std::unique_ptr<thread_shard>> shards_;
    std::atomic<std::uint64_t> last_sequence_{0};
};

}  // namespace meta_model::telemetry
