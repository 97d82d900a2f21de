#include "telemetry/recorder.hpp"

#include "base/error.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <new>

namespace {

// Counts what the thread allocates while a test wants to know.
thread_local long allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace meta_model::telemetry {
namespace {

using nlohmann::json;

roster two_profiles() {
    return {
        .profiles =
            {{.name = "write.v1", .strategy = strategy::moa},
             {.name = "fast.v1", .strategy = strategy::passthrough}},
        .upstreams = {"g1", "g2"},
    };
}

recorder_options two_threads() {
    return {.threads = 2, .version = "1.2.3", .names = two_profiles()};
}

TEST(recorder, moa_261_fresh_then_one_call) {
    recorder recorder(two_threads());
    EXPECT_EQ(recorder.moa_json(), R"({"ring_size":100,"profiles":{}})");

    recorder.record(recorder.shard(0), samples::moa_record(recorder.profile("write.v1"), 3, 3));
    const auto root = json::parse(recorder.moa_json());
    EXPECT_EQ(root.at("ring_size"), 100);
    const auto& profile = root.at("profiles").at("write.v1");
    EXPECT_EQ(profile.at("calls"), 1);
    EXPECT_EQ(profile.at("quorum_avg"), 3.0);
    EXPECT_EQ(profile.at("degraded_rate"), 0.0);
    EXPECT_TRUE(profile.at("elapsed_ms_avg").is_number_float());
}

TEST(recorder, moa_263_of_150_calls_over_two_threads_the_newest_100_stay) {
    recorder recorder(two_threads());
    const auto profile = recorder.profile("write.v1");
    for (int i = 1; i <= 150; ++i) {
        auto record = samples::moa_record(profile, 3, 3);
        record.timestamp_ms = i;
        recorder.record(recorder.shard(i % 3 == 0 ? 1 : 0), std::move(record));
    }
    const auto stats = json::parse(recorder.moa_json()).at("profiles").at("write.v1");
    EXPECT_EQ(stats.at("calls"), 100);
    EXPECT_EQ(stats.at("oldest_ts_ms"), 51);
    EXPECT_EQ(stats.at("newest_ts_ms"), 150);
}

TEST(recorder, moa_264_all_generators_failed_is_recorded) {
    recorder recorder(two_threads());
    auto failed = samples::moa_record(recorder.profile("write.v1"), 0, 3);
    failed.outcome = outcome_of(base::error_code_id::all_generators_failed);
    failed.status = 502;
    recorder.record(recorder.shard(0), std::move(failed));
    const auto stats = json::parse(recorder.moa_json()).at("profiles").at("write.v1");
    EXPECT_EQ(stats.at("calls"), 1);
    EXPECT_EQ(stats.at("outcomes").at("all_generators_failed"), 1);
    EXPECT_NE(
        recorder.prometheus_text().find(
            R"(meta_model_requests_total{profile="write.v1",strategy="moa",status="5xx",)"
            R"(code="all_generators_failed"} 1)"
        ),
        std::string::npos
    );
}

TEST(recorder, every_strategy_and_a_directly_addressed_upstream_have_records) {
    recorder recorder(two_threads());
    recorder.record(recorder.shard(0), samples::passthrough_record(recorder.profile("fast.v1")));
    recorder.record(recorder.shard(0), samples::passthrough_record(recorder.profile("g2")));
    const auto profiles = json::parse(recorder.moa_json()).at("profiles");
    EXPECT_EQ(profiles.at("fast.v1").at("calls"), 1);
    EXPECT_EQ(profiles.at("g2").at("legs").at("g1").at("calls"), 1);
}

TEST(recorder, names_that_clients_invent_make_no_series) {
    recorder recorder(two_threads());
    const auto invented = recorder.profile("gpt-typo");
    EXPECT_EQ(invented, profile_id::other);
    auto record = samples::passthrough_record(invented);
    record.strategy = strategy::none;
    record.status = 404;
    record.outcome = outcome_of(base::error_code_id::model_not_found);
    recorder.record(recorder.shard(0), std::move(record));

    EXPECT_EQ(recorder.moa_json(), R"({"ring_size":100,"profiles":{}})");
    const auto text = recorder.prometheus_text();
    EXPECT_EQ(text.find("gpt-typo"), std::string::npos);
    EXPECT_NE(
        text.find(
            R"(requests_total{profile="other",strategy="none",status="4xx",code="model_not_found"} 1)"
        ),
        std::string::npos
    );
}

TEST(recorder, a_client_that_left_is_counted_twice_over) {
    recorder recorder(two_threads());
    auto record = samples::passthrough_record(recorder.profile("fast.v1"));
    record.outcome = outcome_of(base::error_code_id::client_closed);
    record.status = 499;
    recorder.record(recorder.shard(1), std::move(record));
    const auto text = recorder.prometheus_text();
    EXPECT_NE(text.find("\nmeta_model_client_closed_total 1\n"), std::string::npos);
    EXPECT_NE(text.find(R"(status="4xx",code="client_closed"} 1)"), std::string::npos);
}

TEST(recorder, indices_and_counts_survive_a_new_roster) {
    recorder recorder(two_threads());
    const auto write_v1 = recorder.profile("write.v1");
    recorder.record(recorder.shard(0), samples::moa_record(write_v1, 3, 3));

    recorder.reconfigure(
        {.profiles = {{.name = "new.v1", .strategy = strategy::moa}}, .upstreams = {"g3"}}
    );
    EXPECT_EQ(recorder.profile("write.v1"), write_v1);
    EXPECT_NE(recorder.profile("new.v1"), profile_id::other);
    EXPECT_NE(recorder.upstream("g3"), upstream_id::other);
    recorder.record(recorder.shard(0), samples::moa_record(recorder.profile("new.v1"), 3, 3));

    const auto profiles = json::parse(recorder.moa_json()).at("profiles");
    EXPECT_EQ(profiles.at("write.v1").at("calls"), 1);
    EXPECT_EQ(profiles.at("new.v1").at("calls"), 1);
    const auto text = recorder.prometheus_text();
    EXPECT_NE(
        text.find(R"({profile="write.v1",strategy="moa",status="2xx",code="ok"} 1)"),
        std::string::npos
    );
    EXPECT_EQ(text.find("fast.v1"), std::string::npos);
}

TEST(recorder, a_full_ring_takes_passthrough_records_without_allocating) {
    recorder recorder(two_threads());
    auto& shard = recorder.shard(0);
    const auto profile = recorder.profile("fast.v1");
    for (std::size_t i = 0; i < ring_size; ++i) {
        recorder.record(shard, samples::passthrough_record(profile));
    }
    const auto before = allocations;
    for (int i = 0; i < 1000; ++i) {
        shard.counters.change(gauge::requests_in_flight, 1);
        shard.counters.call_started(upstream_id{1});
        shard.counters.call_ended(
            upstream_id{1},
            call_outcome::ok,
            std::chrono::milliseconds(1),
            std::chrono::milliseconds(2)
        );
        recorder.record(shard, samples::passthrough_record(profile));
        shard.counters.change(gauge::requests_in_flight, -1);
    }
    // The first upstream call makes that upstream's cells.
    EXPECT_LE(allocations - before, 1);
}

}  // namespace
}  // namespace meta_model::telemetry
