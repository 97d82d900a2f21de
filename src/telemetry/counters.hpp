// Counts of one thread, and their sum over all threads.
//
// A shard is written by one thread and read by any. Its cells are relaxed atomics that are loaded and stored, not
// exchanged: with one writer nothing is lost, and a count costs about as much as `++` on an integer.
#pragma once

#include "telemetry/request_record.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace meta_model::telemetry {

enum class counter : std::uint8_t {
    received_bytes,  // from clients
    sent_bytes,      // to clients
    connections_accepted,
    connections_refused,    // over a limit, or out of descriptors
    stream_events_dropped,  // malformed events of an upstream's stream
    streams_cut,            // upstream streams that ended without a finish
    log_lines_dropped,
    client_closed,     // requests whose client left; record() counts it
    syntheses_spared,  // calls of a synthesizer or judge that agreement made needless
    responses_evicted,
};
inline constexpr std::size_t counter_count = 10;

enum class gauge : std::uint8_t {
    requests_in_flight,
    connections_open,
    responses_stored,
    responses_stored_bytes,
    responses_in_background
};
inline constexpr std::size_t gauge_count = 5;

// Upper bounds of the buckets of every duration; a last one without bound follows.
inline constexpr std::array<std::chrono::microseconds, 18> duration_bounds{
    std::chrono::milliseconds(1),
    std::chrono::microseconds(2500),
    std::chrono::milliseconds(5),
    std::chrono::milliseconds(10),
    std::chrono::milliseconds(25),
    std::chrono::milliseconds(50),
    std::chrono::milliseconds(100),
    std::chrono::milliseconds(250),
    std::chrono::milliseconds(500),
    std::chrono::seconds(1),
    std::chrono::milliseconds(2500),
    std::chrono::seconds(5),
    std::chrono::seconds(10),
    std::chrono::seconds(30),
    std::chrono::seconds(60),
    std::chrono::seconds(120),
    std::chrono::seconds(300),
    std::chrono::seconds(600),
};

// A number with one writer and any readers.
class cell {
public:
    void add(std::int64_t n) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> value_{0};
};

class histogram {
public:
    void observe(std::chrono::microseconds duration);

    std::array<cell, duration_bounds.size() + 1> buckets{};  // each without those below it
    cell sum_us{};
};

// Hundreds of a status, 1 to 5; 0: no status was sent.
inline constexpr std::size_t status_class_count = 6;

struct profile_cells {
    using outcomes = std::array<std::array<cell, outcome_code_count>, status_class_count>;

    // Made by the writer when a strategy is first seen.
    std::array<std::atomic<outcomes*>, strategy_count> by_strategy{};
    histogram duration{};
    histogram first_byte{};
    cell tokens_in{};
    cell tokens_out{};

    profile_cells() = default;
    profile_cells(const profile_cells&) = delete;
    profile_cells& operator=(const profile_cells&) = delete;
    ~profile_cells();
};

struct upstream_cells {
    std::array<cell, call_outcome_count> calls{};
    cell in_flight{};
    histogram duration{};
    histogram first_byte{};
};

class alignas(64) thread_counters {
public:
    thread_counters() = default;
    thread_counters(const thread_counters&) = delete;
    thread_counters& operator=(const thread_counters&) = delete;
    ~thread_counters();

    // By the owning thread only.
    void add(counter which, std::int64_t n = 1) {
        counters_[static_cast<std::size_t>(which)].add(n);
    }
    void change(gauge which, std::int64_t delta) {
        gauges_[static_cast<std::size_t>(which)].add(delta);
    }
    void call_started(upstream_id upstream) { cells_of(upstream).in_flight.add(1); }
    // Ends what call_started began. A call that was refused before it began goes to call_refused.
    void call_ended(
        upstream_id upstream,
        call_outcome outcome,
        std::chrono::microseconds first_byte,
        std::chrono::microseconds total
    );
    void call_refused(upstream_id upstream, call_outcome outcome);
    void request_ended(const request_record& record);

private:
    friend struct counters_sum;

    profile_cells& cells_of(profile_id profile);
    upstream_cells& cells_of(upstream_id upstream);

    std::array<cell, counter_count> counters_{};
    std::array<cell, gauge_count> gauges_{};
    // Made by the writer when a name is first used; they live as long as the shard.
    std::array<std::atomic<profile_cells*>, name_table::capacity> profiles_{};
    std::array<std::atomic<upstream_cells*>, name_table::capacity> upstreams_{};
};

struct histogram_sum {
    std::array<std::uint64_t, duration_bounds.size() + 1> buckets{};
    std::uint64_t sum_us = 0;

    void add(const histogram& other);
    std::uint64_t count() const;
};

struct profile_sum {
    // strategy, status class, outcome
    std::map<std::tuple<strategy, std::size_t, outcome_code>, std::uint64_t> requests{};
    histogram_sum duration{};
    histogram_sum first_byte{};
    std::uint64_t tokens_in = 0;
    std::uint64_t tokens_out = 0;
};

struct upstream_sum {
    std::array<std::uint64_t, call_outcome_count> calls{};
    std::int64_t in_flight = 0;
    histogram_sum duration{};
    histogram_sum first_byte{};
};

// What one scrape sees. Cells are read one by one while threads write, so sums of different cells may differ by the
// requests of that moment.
struct counters_sum {
    std::array<std::uint64_t, counter_count> counters{};
    std::array<std::int64_t, gauge_count> gauges{};
    std::vector<profile_sum> profiles{};    // by profile_id
    std::vector<upstream_sum> upstreams{};  // by upstream_id

    counters_sum(std::size_t profile_names, std::size_t upstream_names);
    void add(const thread_counters& shard);
};

}  // namespace meta_model::telemetry
