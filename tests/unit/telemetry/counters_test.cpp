#include "telemetry/counters.hpp"

#include "base/error.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

namespace meta_model::telemetry {
namespace {

constexpr profile_id write_v1{1};
constexpr upstream_id g1{1};

counters_sum sum_of(const thread_counters& shard) {
    counters_sum sums(3, 3);
    sums.add(shard);
    return sums;
}

TEST(counters, shards_are_summed) {
    thread_counters a;
    thread_counters b;
    a.add(counter::sent_bytes, 100);
    b.add(counter::sent_bytes, 23);
    a.change(gauge::connections_open, 2);
    b.change(gauge::connections_open, -1);
    counters_sum sums(1, 1);
    sums.add(a);
    sums.add(b);
    EXPECT_EQ(sums.counters[static_cast<std::size_t>(counter::sent_bytes)], 123u);
    EXPECT_EQ(sums.gauges[static_cast<std::size_t>(gauge::connections_open)], 1);
}

TEST(counters, requests_are_kept_by_strategy_status_and_code) {
    thread_counters shard;
    shard.request_ended(samples::moa_record(write_v1, 3, 3));
    shard.request_ended(samples::moa_record(write_v1, 3, 3));
    auto failed = samples::moa_record(write_v1, 0, 3);
    failed.status = 502;
    failed.outcome = outcome_of(base::error_code_id::all_generators_failed);
    shard.request_ended(failed);

    const auto sums = sum_of(shard);
    const auto& requests = sums.profiles[1].requests;
    ASSERT_EQ(requests.size(), 2u);
    EXPECT_EQ(requests.at({strategy::moa, 2, outcome_code::ok}), 2u);
    EXPECT_EQ(requests.at({strategy::moa, 5, failed.outcome}), 1u);
    EXPECT_EQ(sums.profiles[1].duration.count(), 3u);
    EXPECT_EQ(sums.profiles[1].first_byte.sum_us, 900'000u);
}

TEST(counters, odd_statuses_have_a_place) {
    thread_counters shard;
    for (const int status : {0, 99, 100, 599, 999, 65535}) {
        auto record = samples::passthrough_record(profile_id::other);
        record.status = static_cast<std::uint16_t>(status);
        shard.request_ended(record);
    }
    const auto sums = sum_of(shard);
    const auto& requests = sums.profiles[0].requests;
    EXPECT_EQ(requests.at({strategy::passthrough, 0, outcome_code::ok}), 2u);
    EXPECT_EQ(requests.at({strategy::passthrough, 1, outcome_code::ok}), 1u);
    EXPECT_EQ(requests.at({strategy::passthrough, 5, outcome_code::ok}), 3u);
}

TEST(counters, a_bucket_holds_its_bound) {
    histogram durations;
    durations.observe(std::chrono::microseconds(0));
    durations.observe(std::chrono::milliseconds(1));
    durations.observe(std::chrono::microseconds(1001));
    durations.observe(std::chrono::seconds(600));
    durations.observe(std::chrono::seconds(601));
    EXPECT_EQ(durations.buckets[0].value(), 2);
    EXPECT_EQ(durations.buckets[1].value(), 1);
    EXPECT_EQ(durations.buckets[duration_bounds.size() - 1].value(), 1);
    EXPECT_EQ(durations.buckets[duration_bounds.size()].value(), 1);
}

TEST(counters, a_reply_without_a_first_byte_is_not_a_fast_one) {
    thread_counters shard;
    auto record = samples::moa_record(write_v1, 0, 3);
    record.first_byte = not_reached;
    shard.request_ended(record);
    EXPECT_EQ(sum_of(shard).profiles[1].first_byte.count(), 0u);
}

TEST(counters, a_call_is_in_flight_until_it_ends) {
    thread_counters shard;
    shard.call_started(g1);
    shard.call_started(g1);
    EXPECT_EQ(sum_of(shard).upstreams[1].in_flight, 2);
    shard.call_ended(
        g1, call_outcome::ok, std::chrono::milliseconds(10), std::chrono::milliseconds(50)
    );
    shard.call_ended(g1, call_outcome::transport, not_reached, std::chrono::milliseconds(5));
    shard.call_refused(g1, call_outcome::misconfigured);

    const auto sums = sum_of(shard);
    EXPECT_EQ(sums.upstreams[1].in_flight, 0);
    EXPECT_EQ(sums.upstreams[1].calls[static_cast<std::size_t>(call_outcome::ok)], 1u);
    EXPECT_EQ(sums.upstreams[1].calls[static_cast<std::size_t>(call_outcome::transport)], 1u);
    EXPECT_EQ(sums.upstreams[1].calls[static_cast<std::size_t>(call_outcome::misconfigured)], 1u);
    EXPECT_EQ(sums.upstreams[1].duration.count(), 2u);
    EXPECT_EQ(sums.upstreams[1].first_byte.count(), 1u);
}

}  // namespace
}  // namespace meta_model::telemetry
