#include "telemetry/counters.hpp"

#include <algorithm>
#include <cassert>

namespace meta_model::telemetry {

namespace {

// Finds the cells of one name. Only the owning thread comes here, so nobody else fills the place meanwhile.
template <class Cells>
Cells& made_on_demand(std::atomic<Cells*>& place) {
    auto* cells = place.load(std::memory_order_relaxed);
    if (cells == nullptr) {
        cells = new Cells();
        // Publishes the zeroes in them to a reader.
        place.store(cells, std::memory_order_release);
    }
    return *cells;
}

std::uint64_t unsigned_value(const cell& from) {
    return static_cast<std::uint64_t>(from.value());
}

void add_profile(profile_sum& sum, const profile_cells& cells) {
    for (std::size_t s = 0; s < strategy_count; ++s) {
        const auto* outcomes = cells.by_strategy[s].load(std::memory_order_acquire);
        if (outcomes == nullptr) {
            continue;
        }
        for (std::size_t status = 0; status < status_class_count; ++status) {
            for (std::size_t code = 0; code < outcome_code_count; ++code) {
                const auto requests = unsigned_value((*outcomes)[status][code]);
                if (requests > 0) {
                    const auto outcome = static_cast<outcome_code>(code);
                    sum.requests[{static_cast<strategy>(s), status, outcome}] += requests;
                }
            }
        }
    }
    sum.duration.add(cells.duration);
    sum.first_byte.add(cells.first_byte);
    sum.tokens_in += unsigned_value(cells.tokens_in);
    sum.tokens_out += unsigned_value(cells.tokens_out);
}

void add_upstream(upstream_sum& sum, const upstream_cells& cells) {
    for (std::size_t i = 0; i < call_outcome_count; ++i) {
        sum.calls[i] += unsigned_value(cells.calls[i]);
    }
    sum.in_flight += cells.in_flight.value();
    sum.duration.add(cells.duration);
    sum.first_byte.add(cells.first_byte);
}

}  // namespace

void histogram::observe(std::chrono::microseconds duration) {
    const auto bound = std::lower_bound(duration_bounds.begin(), duration_bounds.end(), duration);
    buckets[static_cast<std::size_t>(bound - duration_bounds.begin())].add(1);
    sum_us.add(std::max<std::int64_t>(duration.count(), 0));
}

profile_cells::~profile_cells() {
    for (auto& made : by_strategy) {
        delete made.load();
    }
}

thread_counters::~thread_counters() {
    for (auto& profile : profiles_) {
        delete profile.load();
    }
    for (auto& upstream : upstreams_) {
        delete upstream.load();
    }
}

profile_cells& thread_counters::cells_of(profile_id profile) {
    const auto index = static_cast<std::size_t>(profile);
    assert(index < name_table::capacity);
    return made_on_demand(profiles_[index]);
}

upstream_cells& thread_counters::cells_of(upstream_id upstream) {
    const auto index = static_cast<std::size_t>(upstream);
    assert(index < name_table::capacity);
    return made_on_demand(upstreams_[index]);
}

void thread_counters::call_ended(
    upstream_id upstream,
    call_outcome outcome,
    std::chrono::microseconds first_byte,
    std::chrono::microseconds total
) {
    auto& cells = cells_of(upstream);
    cells.in_flight.add(-1);
    cells.calls[static_cast<std::size_t>(outcome)].add(1);
    cells.duration.observe(total);
    if (first_byte != not_reached) {
        cells.first_byte.observe(first_byte);
    }
}

void thread_counters::call_refused(upstream_id upstream, call_outcome outcome) {
    cells_of(upstream).calls[static_cast<std::size_t>(outcome)].add(1);
}

void thread_counters::request_ended(const request_record& record) {
    auto& cells = cells_of(record.profile);
    auto& outcomes = made_on_demand(cells.by_strategy[static_cast<std::size_t>(record.strategy)]);
    const auto status = std::min<std::size_t>(record.status / 100, status_class_count - 1);
    outcomes[status][static_cast<std::size_t>(record.outcome)].add(1);

    cells.duration.observe(record.elapsed);
    if (record.first_byte != not_reached) {
        cells.first_byte.observe(record.first_byte);
    }
    cells.tokens_in.add(record.tokens_in);
    cells.tokens_out.add(record.tokens_out);
}

void histogram_sum::add(const histogram& other) {
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        buckets[i] += unsigned_value(other.buckets[i]);
    }
    sum_us += unsigned_value(other.sum_us);
}

std::uint64_t histogram_sum::count() const {
    std::uint64_t total = 0;
    for (const auto bucket : buckets) {
        total += bucket;
    }
    return total;
}

counters_sum::counters_sum(std::size_t profile_names, std::size_t upstream_names)
    : profiles(profile_names), upstreams(upstream_names) {
}

void counters_sum::add(const thread_counters& shard) {
    for (std::size_t i = 0; i < counter_count; ++i) {
        counters[i] += unsigned_value(shard.counters_[i]);
    }
    for (std::size_t i = 0; i < gauge_count; ++i) {
        gauges[i] += shard.gauges_[i].value();
    }
    for (std::size_t i = 0; i < profiles.size(); ++i) {
        if (const auto* cells = shard.profiles_[i].load(std::memory_order_acquire)) {
            add_profile(profiles[i], *cells);
        }
    }
    for (std::size_t i = 0; i < upstreams.size(); ++i) {
        if (const auto* cells = shard.upstreams_[i].load(std::memory_order_acquire)) {
            add_upstream(upstreams[i], *cells);
        }
    }
}

}  // namespace meta_model::telemetry
