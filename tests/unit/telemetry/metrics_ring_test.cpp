#include "telemetry/metrics_ring.hpp"

#include "samples.hpp"

#include <gtest/gtest.h>

namespace meta_model::telemetry {
namespace {

constexpr profile_id write_v1{1};
constexpr profile_id judge_v1{2};

request_record record_at(profile_id profile, std::int64_t timestamp_ms) {
    auto record = samples::moa_record(profile, 3, 3);
    record.timestamp_ms = timestamp_ms;
    return record;
}

std::vector<numbered_record> records_of(const metrics_ring& ring, profile_id profile) {
    std::vector<numbered_record> out;
    ring.copy_to(out, profile);
    return out;
}

TEST(metrics_ring, keeps_profiles_apart) {
    metrics_ring ring;
    ring.push(1, record_at(write_v1, 10));
    ring.push(2, record_at(judge_v1, 20));
    ASSERT_EQ(records_of(ring, write_v1).size(), 1u);
    EXPECT_EQ(records_of(ring, write_v1)[0].record.timestamp_ms, 10);
    EXPECT_EQ(records_of(ring, judge_v1)[0].record.timestamp_ms, 20);
    EXPECT_TRUE(records_of(ring, profile_id{3}).empty());
}

TEST(metrics_ring, overwrites_the_oldest) {
    metrics_ring ring;
    for (std::uint64_t i = 1; i <= 250; ++i) {
        ring.push(i, record_at(write_v1, static_cast<std::int64_t>(i)));
    }
    const auto records = records_of(ring, write_v1);
    ASSERT_EQ(records.size(), ring_size);
    EXPECT_EQ(records.front().sequence, 151u);
    EXPECT_EQ(records.back().sequence, 250u);
    EXPECT_EQ(records.front().record.timestamp_ms, 151);
}

TEST(metrics_ring, a_reused_slot_holds_only_the_new_record) {
    metrics_ring ring;
    for (std::uint64_t i = 1; i <= ring_size; ++i) {
        auto record = record_at(write_v1, 1);
        for (int leg = 0; leg < 9; ++leg) {
            record.legs.push_back({.upstream = upstream_id{1}});
        }
        ring.push(i, std::move(record));
    }
    ring.push(ring_size + 1, record_at(write_v1, 2));
    EXPECT_TRUE(records_of(ring, write_v1).back().record.legs.empty());
    EXPECT_EQ(records_of(ring, write_v1).front().record.legs.size(), 9u);
}

TEST(metrics_ring, the_newest_of_several_rings_are_in_order_of_arrival) {
    metrics_ring even;
    metrics_ring odd;
    for (std::uint64_t i = 1; i <= 150; ++i) {
        (i % 2 == 0 ? even : odd).push(i, record_at(write_v1, static_cast<std::int64_t>(i)));
    }
    std::vector<numbered_record> both;
    even.copy_to(both, write_v1);
    odd.copy_to(both, write_v1);
    const auto merged = newest(std::move(both));
    ASSERT_EQ(merged.size(), ring_size);
    for (std::size_t i = 0; i < ring_size; ++i) {
        EXPECT_EQ(merged[i].sequence, 51 + i);
    }
}

}  // namespace
}  // namespace meta_model::telemetry
