#include "telemetry/recorder.hpp"

#include "base/error.hpp"
#include "telemetry/moa_metrics.hpp"
#include "telemetry/process_stats.hpp"
#include "telemetry/prometheus.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace meta_model::telemetry {

namespace {

std::vector<std::string> all_of(const name_table& table) {
    std::vector<std::string> names;
    const auto size = table.size();
    names.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
        names.push_back(table.at(i));
    }
    return names;
}

}  // namespace

recorder::recorder(recorder_options options) : version_(std::move(options.version)) {
    for (int i = 0; i < std::max(options.threads, 1); ++i) {
        shards_.push_back(std::make_unique<thread_shard>());
    }
    reconfigure(options.names);
}

void recorder::reconfigure(const roster& names) {
    for (const auto& profile : names.profiles) {
        profiles_.add(profile.name);
    }
    for (const auto& key : names.upstreams) {
        upstreams_.add(key);
        profiles_.add(key);
    }
    const std::lock_guard lock(declared_mutex_);
    declared_ = names.profiles;
}

profile_id recorder::profile(std::string_view name) const {
    return static_cast<profile_id>(profiles_.find(name));
}

upstream_id recorder::upstream(std::string_view key) const {
    return static_cast<upstream_id>(upstreams_.find(key));
}

void recorder::record(thread_shard& shard, request_record&& record) noexcept {
    // A fault here must not break the request (spec §9): the only one is a lack of memory, and then the record is lost.
    try {
        shard.counters.request_ended(record);
        if (record.outcome == outcome_of(base::error_code_id::client_closed)) {
            shard.counters.add(counter::client_closed);
        }
        if (record.profile != profile_id::other) {
            const auto sequence = last_sequence_.fetch_add(1, std::memory_order_relaxed) + 1;
            shard.ring.push(sequence, std::move(record));
        }
    } catch (const std::exception&) {
        return;
    }
}

std::string recorder::moa_json() const {
    const auto names = all_of(profiles_);
    std::vector<profile_history> histories;
    for (std::size_t i = 1; i < names.size(); ++i) {
        std::vector<numbered_record> found;
        for (const auto& shard : shards_) {
            shard->ring.copy_to(found, static_cast<profile_id>(i));
        }
        profile_history history{.profile = names[i]};
        for (auto& numbered : newest(std::move(found))) {
            history.records.push_back(std::move(numbered.record));
        }
        histories.push_back(std::move(history));
    }
    std::sort(histories.begin(), histories.end(), [](const auto& a, const auto& b) {
        return a.profile < b.profile;
    });
    return moa_metrics_json(histories, all_of(upstreams_));
}

counters_sum recorder::sum() const {
    counters_sum sums(profiles_.size(), upstreams_.size());
    for (const auto& shard : shards_) {
        sums.add(shard->counters);
    }
    return sums;
}

std::string recorder::prometheus_text() const {
    const auto sums = sum();
    // Read after the sums: names are only ever added, so each sum has its name.
    const auto profiles = all_of(profiles_);
    const auto upstreams = all_of(upstreams_);
    std::vector<roster::profile> declared;
    {
        const std::lock_guard lock(declared_mutex_);
        declared = declared_;
    }
    return telemetry::prometheus_text(
        sums,
        {.profiles = profiles, .upstreams = upstreams, .declared = declared},
        read_process_stats(version_)
    );
}

}  // namespace meta_model::telemetry
