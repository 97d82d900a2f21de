#include "telemetry/prometheus.hpp"

#include "base/error.hpp"
#include "prometheus_golden.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace meta_model::telemetry {
namespace {

const process_stats& fixed_process() {
    static const process_stats stats{
        .version = "1.2.3",
        .start_time_s = 1730000000,
        .cpu_us = 1'250'000,
        .resident_bytes = 7340032,
        .open_fds = 12,
        .threads = 3,
    };
    return stats;
}

// Two profiles of the configuration, one of them used; one upstream, called twice.
std::string fixed_text() {
    thread_counters shard;
    shard.add(counter::received_bytes, 2048);
    shard.add(counter::sent_bytes, 4096);
    shard.add(counter::connections_accepted, 2);
    shard.change(gauge::connections_open, 1);
    shard.request_ended(samples::passthrough_record(profile_id{1}));
    auto failed = samples::passthrough_record(profile_id{1});
    failed.status = 502;
    failed.outcome = outcome_of(base::error_code_id::upstream_error);
    failed.first_byte = not_reached;
    failed.elapsed = std::chrono::seconds(700);
    shard.request_ended(failed);
    shard.call_started(upstream_id{1});
    shard.call_ended(
        upstream_id{1},
        call_outcome::ok,
        std::chrono::microseconds(800),
        std::chrono::microseconds(1400)
    );
    shard.call_started(upstream_id{1});
    shard.call_refused(upstream_id{1}, call_outcome::breaker_open);

    const std::vector<std::string> profiles{"other", "fast.v1", "write.v1", "g1"};
    const std::vector<std::string> upstreams{"other", "g1"};
    const std::vector<roster::profile> declared{
        {.name = "fast.v1", .strategy = strategy::passthrough},
        {.name = "write.v1", .strategy = strategy::moa},
    };
    counters_sum sums(profiles.size(), upstreams.size());
    sums.add(shard);
    return prometheus_text(
        sums, {.profiles = profiles, .upstreams = upstreams, .declared = declared}, fixed_process()
    );
}

TEST(prometheus, the_exposition_is_the_golden_text) {
    EXPECT_EQ(fixed_text(), prometheus_golden);
}

TEST(prometheus, label_values_are_escaped) {
    const std::vector<std::string> profiles{"other", "a\"b\\c\nd"};
    const std::vector<std::string> upstreams{"other"};
    const std::vector<roster::profile> declared{{.name = profiles[1], .strategy = strategy::moa}};
    const auto text = prometheus_text(
        counters_sum(profiles.size(), upstreams.size()),
        {.profiles = profiles, .upstreams = upstreams, .declared = declared},
        fixed_process()
    );
    EXPECT_NE(
        text.find(R"(requests_total{profile="a\"b\\c\nd",strategy="moa",status="2xx",code="ok"} 0)"
        ),
        std::string::npos
    );
}

TEST(prometheus, every_line_is_a_comment_or_a_sample) {
    const auto text = fixed_text();
    ASSERT_FALSE(text.empty());
    EXPECT_EQ(text.back(), '\n');
    std::size_t begin = 0;
    while (begin < text.size()) {
        const auto end = text.find('\n', begin);
        const auto line = text.substr(begin, end - begin);
        EXPECT_TRUE(
            line.starts_with("# HELP meta_model_") || line.starts_with("# TYPE meta_model_")
            || line.starts_with("meta_model_")
        ) << line;
        begin = end + 1;
    }
}

}  // namespace
}  // namespace meta_model::telemetry
