// Records for the tests of this folder.
#pragma once

#include "telemetry/request_record.hpp"

#include <chrono>

namespace meta_model::telemetry::samples {

// A MoA request that succeeded with all of its generators.
inline request_record moa_record(
    profile_id profile, std::uint16_t quorum, std::uint16_t generators
) {
    request_record record;
    record.timestamp_ms = 1730000000000;
    record.profile = profile;
    record.strategy = strategy::moa;
    record.status = 200;
    record.elapsed = std::chrono::milliseconds(800);
    record.first_byte = std::chrono::milliseconds(300);
    record.generators = generators;
    record.quorum = quorum;
    record.fallback_reason = "none";
    record.synth_decision = "merged";
    return record;
}

inline request_record passthrough_record(profile_id profile) {
    request_record record;
    record.timestamp_ms = 1730000000000;
    record.profile = profile;
    record.strategy = strategy::passthrough;
    record.status = 200;
    record.elapsed = std::chrono::microseconds(1500);
    record.first_byte = std::chrono::microseconds(900);
    record.generators = 1;
    record.quorum = 1;
    record.tokens_in = 12;
    record.tokens_out = 34;
    record.legs.push_back({.upstream = upstream_id{1}, .state = leg_state::done});
    return record;
}

}  // namespace meta_model::telemetry::samples
