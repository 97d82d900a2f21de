#include "telemetry/moa_metrics.hpp"

#include "base/error.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <utility>

namespace meta_model::telemetry {
namespace {

using nlohmann::json;

constexpr upstream_id g1{1};
constexpr upstream_id g2{2};

const std::array<std::string, 3>& upstream_names() {
    static const std::array<std::string, 3> names{"other", "g1", "g2"};
    return names;
}

std::string text_of(std::vector<profile_history> histories) {
    return moa_metrics_json(histories, upstream_names());
}

json profile_of(std::vector<request_record> records) {
    const auto root =
        json::parse(text_of({{.profile = "write.v1", .records = std::move(records)}}));
    return root.at("profiles").at("write.v1");
}

// The example of spec §9.
std::vector<request_record> example() {
    auto first = samples::moa_record(profile_id{1}, 2, 2);
    first.timestamp_ms = 1730000000000;
    first.elapsed = std::chrono::milliseconds(800);
    first.drafts.push_back({g1, 16});
    first.drafts.push_back({g2, 16});

    auto second = samples::moa_record(profile_id{1}, 2, 2);
    second.timestamp_ms = 1730000001000;
    second.elapsed = std::chrono::milliseconds(800);
    second.drafts.push_back({g1, 16});
    second.drafts.push_back({g2, 40});

    auto third = samples::moa_record(profile_id{1}, 1, 2);
    third.timestamp_ms = 1730000002000;
    third.elapsed = std::chrono::milliseconds(837);
    third.synth_decision = "single_success";
    third.drafts.push_back({g1, 16});
    third.failures.push_back({g2, call_outcome::non_2xx});
    return {first, second, third};
}

TEST(moa_metrics, the_example_of_the_specification_comes_out_in_its_order) {
    const auto text = text_of({{.profile = "write.v1", .records = example()}});
    const std::string expected =
        R"({"ring_size":100,"profiles":{"write.v1":{"calls":3,"quorum_avg":1.667,"degraded_rate":0.333,)"
        R"("synth_decisions":{"merged":2,"single_success":1},"tool_call_rate":0.0,"elapsed_ms_avg":812.33,)"
        R"("draft_length":{"gen0":{"min":16,"max":16,"avg":16.0,"samples":3},)"
        R"("gen1":{"min":16,"max":40,"avg":28.0,"samples":2}},"failure_breakdown":{"non_2xx":1},)"
        R"("newest_ts_ms":1730000002000,"oldest_ts_ms":1730000000000,)"
        R"("elapsed_ms_p50":800.0,"elapsed_ms_p90":837.0,"elapsed_ms_p99":837.0,"outcomes":{"ok":3},)"
        R"("final_content_chars_avg":0.0,)"
        R"("draft_length_by_upstream":{"g1":{"min":16,"max":16,"avg":16.0,"samples":3},)"
        R"("g2":{"min":16,"max":40,"avg":28.0,"samples":2}},)"
        R"("failures_by_upstream":{"g2":{"non_2xx":1}},"legs":{}}}})";
    EXPECT_EQ(text, expected);
}

TEST(moa_metrics, moa_261_a_fresh_process_has_no_profiles_and_one_call_is_counted) {
    EXPECT_EQ(text_of({}), R"({"ring_size":100,"profiles":{}})");
    EXPECT_EQ(text_of({{.profile = "write.v1"}}), R"({"ring_size":100,"profiles":{}})");

    const auto profile = profile_of({samples::moa_record(profile_id{1}, 3, 3)});
    EXPECT_EQ(profile.at("calls"), 1);
    EXPECT_EQ(profile.at("quorum_avg"), 3.0);
    EXPECT_EQ(profile.at("degraded_rate"), 0.0);
    EXPECT_TRUE(profile.at("elapsed_ms_avg").is_number_float());
}

TEST(moa_metrics, moa_262_quorum_and_tool_calls_are_averaged) {
    const auto quorum = profile_of(
        {samples::moa_record(profile_id{1}, 1, 3), samples::moa_record(profile_id{1}, 3, 3)}
    );
    EXPECT_EQ(quorum.at("quorum_avg"), 2.0);
    EXPECT_EQ(quorum.at("degraded_rate"), 0.5);

    std::vector<request_record> records;
    for (const std::uint32_t calls : {1u, 0u, 2u, 0u, 1u}) {
        records.push_back(samples::moa_record(profile_id{1}, 3, 3));
        records.back().final_tool_call_count = calls;
    }
    EXPECT_EQ(profile_of(records).at("tool_call_rate"), 0.6);
}

TEST(moa_metrics, moa_264_a_total_failure_is_a_call_with_its_reasons) {
    auto failed = samples::moa_record(profile_id{1}, 0, 2);
    failed.outcome = outcome_of(base::error_code_id::all_generators_failed);
    failed.status = 502;
    failed.synth_decision = "all_generators_failed";
    failed.failures.push_back({g1, call_outcome::timeout});
    failed.failures.push_back({g2, call_outcome::timeout});
    const auto profile = profile_of({failed});
    EXPECT_EQ(profile.at("calls"), 1);
    EXPECT_EQ(profile.at("quorum_avg"), 0.0);
    EXPECT_EQ(profile.at("degraded_rate"), 1.0);
    EXPECT_EQ(profile.at("outcomes"), json({{"all_generators_failed", 1}}));
    EXPECT_EQ(profile.at("synth_decisions"), json({{"all_generators_failed", 1}}));
    EXPECT_EQ(profile.at("failure_breakdown"), json({{"timeout", 2}}));
    EXPECT_EQ(profile.at("failures_by_upstream").at("g2"), json({{"timeout", 1}}));
    EXPECT_TRUE(profile.at("draft_length").empty());
}

TEST(moa_metrics, a_moa_call_without_a_decision_is_unknown) {
    auto undecided = samples::moa_record(profile_id{1}, 3, 3);
    undecided.synth_decision = "";
    EXPECT_EQ(profile_of({undecided}).at("synth_decisions"), json({{"unknown", 1}}));
    EXPECT_TRUE(
        profile_of({samples::passthrough_record(profile_id{1})}).at("synth_decisions").empty()
    );
}

TEST(moa_metrics, lengths_by_upstream_do_not_shift_when_the_first_generator_fails) {
    auto degraded = samples::moa_record(profile_id{1}, 1, 2);
    degraded.drafts.push_back({g2, 30});
    const auto profile = profile_of({degraded});
    EXPECT_EQ(profile.at("draft_length").at("gen0").at("samples"), 1);
    EXPECT_FALSE(profile.at("draft_length_by_upstream").contains("g1"));
    EXPECT_EQ(profile.at("draft_length_by_upstream").at("g2").at("max"), 30);
}

TEST(moa_metrics, legs_are_summed_by_upstream) {
    auto record = samples::moa_record(profile_id{1}, 1, 2);
    record.legs.push_back({
        .upstream = g1,
        .state = leg_state::done,
        .first_byte = std::chrono::milliseconds(20),
        .total = std::chrono::milliseconds(90),
        .tokens_in = 5,
        .tokens_out = 7,
    });
    record.legs.push_back({
        .upstream = g2,
        .state = leg_state::cancelled,
        .total = std::chrono::milliseconds(100),
    });
    const auto legs = profile_of({record, record}).at("legs");
    EXPECT_EQ(legs.at("g1").at("calls"), 2);
    EXPECT_EQ(legs.at("g1").at("states"), json({{"done", 2}}));
    EXPECT_EQ(legs.at("g1").at("first_byte_ms_p50"), 20.0);
    EXPECT_EQ(legs.at("g1").at("total_ms_p99"), 90.0);
    EXPECT_EQ(legs.at("g1").at("tokens_out"), 14);
    EXPECT_EQ(legs.at("g2").at("states"), json({{"cancelled", 2}}));
    EXPECT_EQ(legs.at("g2").at("first_byte_ms_p50"), 0.0);
}

TEST(moa_metrics, percentiles_are_nearest_ranks) {
    std::vector<request_record> records;
    for (int ms = 100; ms >= 1; --ms) {
        records.push_back(samples::moa_record(profile_id{1}, 3, 3));
        records.back().elapsed = std::chrono::milliseconds(ms);
    }
    const auto profile = profile_of(records);
    EXPECT_EQ(profile.at("elapsed_ms_p50"), 50.0);
    EXPECT_EQ(profile.at("elapsed_ms_p90"), 90.0);
    EXPECT_EQ(profile.at("elapsed_ms_p99"), 99.0);
    EXPECT_EQ(profile.at("elapsed_ms_avg"), 50.5);
}

TEST(moa_metrics, names_are_escaped) {
    const auto text =
        text_of({{.profile = "a\"b", .records = {samples::moa_record(profile_id{1}, 3, 3)}}});
    EXPECT_TRUE(json::parse(text).at("profiles").contains("a\"b"));
}

}  // namespace
}  // namespace meta_model::telemetry
