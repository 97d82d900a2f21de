#include "samples.hpp"
#include "telemetry/recorder.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace meta_model::telemetry {
namespace {

constexpr int writers = 3;
constexpr int requests_each = 2000;

void write_all(recorder& recorder, int index) {
    auto& shard = recorder.shard(index);
    const auto profile = recorder.profile(index == 0 ? "write.v1" : "g1");
    for (int i = 0; i < requests_each; ++i) {
        shard.counters.change(gauge::requests_in_flight, 1);
        shard.counters.call_started(upstream_id{1});
        shard.counters.call_ended(
            upstream_id{1},
            call_outcome::ok,
            std::chrono::milliseconds(1),
            std::chrono::milliseconds(2)
        );
        auto record = samples::moa_record(profile, 3, 3);
        for (int draft = 0; draft < 6; ++draft) {
            record.drafts.push_back({upstream_id{1}, 40});
        }
        recorder.record(shard, std::move(record));
        shard.counters.add(counter::sent_bytes, 10);
        shard.counters.change(gauge::requests_in_flight, -1);
    }
}

TEST(recorder_threads, writers_do_not_lose_counts_while_a_reader_scrapes) {
    recorder recorder({
        .threads = writers,
        .version = "1.2.3",
        .names = {.profiles = {{"write.v1", strategy::moa}}, .upstreams = {"g1"}},
    });
    std::atomic<int> running{writers};
    std::vector<std::thread> threads;
    for (int i = 0; i < writers; ++i) {
        threads.emplace_back([&recorder, &running, i] {
            write_all(recorder, i);
            --running;
        });
    }

    int scrapes = 0;
    while (running > 0 || scrapes == 0) {
        // Read while records arrive: always whole, never more than the ring holds.
        const auto root = nlohmann::json::parse(recorder.moa_json());
        for (const auto& profile : root.at("profiles")) {
            EXPECT_LE(profile.at("calls").get<std::size_t>(), ring_size);
            EXPECT_EQ(profile.at("quorum_avg"), 3.0);
        }
        EXPECT_FALSE(recorder.prometheus_text().empty());
        recorder.reconfigure(
            {.profiles = {{"write.v1", strategy::moa}},
             .upstreams = {"g" + std::to_string(scrapes % 5)}}
        );
        ++scrapes;
    }
    for (auto& thread : threads) {
        thread.join();
    }

    const auto text = recorder.prometheus_text();
    const auto has = [&text](const std::string& line) {
        return text.find("\n" + line + "\n") != std::string::npos;
    };
    EXPECT_TRUE(has("meta_model_requests_in_flight 0"));
    EXPECT_TRUE(has("meta_model_sent_bytes_total " + std::to_string(writers * requests_each * 10)));
    EXPECT_TRUE(
        has(R"(meta_model_upstream_calls_total{upstream="g1",outcome="ok"} )"
            + std::to_string(writers * requests_each))
    );
    EXPECT_TRUE(
        has(R"(meta_model_requests_total{profile="g1",strategy="moa",status="2xx",code="ok"} )"
            + std::to_string((writers - 1) * requests_each))
    );
    const auto profiles = nlohmann::json::parse(recorder.moa_json()).at("profiles");
    EXPECT_EQ(profiles.at("g1").at("calls"), ring_size);
}

}  // namespace
}  // namespace meta_model::telemetry
