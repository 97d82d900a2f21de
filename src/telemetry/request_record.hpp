// What is remembered of one finished request. No user content, only counts, times and names of the configuration.
#pragma once

#include "telemetry/inline_values.hpp"
#include "telemetry/names.hpp"

#include <chrono>
#include <cstdint>

namespace meta_model::telemetry {

// A time that was never reached, e.g. the first byte of a reply that had none.
inline constexpr std::chrono::microseconds not_reached{-1};

// How one upstream's part in a request ended.
enum class leg_state : std::uint8_t { done, partial, failed, cancelled, skipped };
inline constexpr std::size_t leg_state_count = 5;

struct leg_record {
    upstream_id upstream{};
    leg_state state{};
    std::chrono::microseconds first_byte = not_reached;
    std::chrono::microseconds total{0};
    std::int64_t tokens_in = 0;
    std::int64_t tokens_out = 0;
};

// A usable draft and its length as spec §3.12 measures it.
struct draft_record {
    upstream_id upstream{};
    std::uint32_t bytes = 0;
};

struct failure_record {
    upstream_id upstream{};
    call_outcome reason{};
};

struct request_record {
    std::int64_t timestamp_ms = 0;  // wall clock at the end, Unix time
    profile_id profile{};           // canonical; `other` when the request resolved to none
    telemetry::strategy strategy{};
    outcome_code outcome{};
    std::uint16_t status = 0;  // HTTP; 0: none was sent
    std::chrono::microseconds elapsed{0};
    std::chrono::microseconds first_byte =
        not_reached;  // until the first byte of the reply's content

    std::uint16_t generators = 0;  // calls that were part of the panel
    std::uint16_t quorum = 0;      // usable ones among them, after the contract check
    bool fastpath = false;
    short_label fallback_reason{};
    // Spec §3.11. A request that failed before a decision carries its error's code here and in `fallback_reason`, as
    // spec §9 says of `no_quorum_after_constraint`; a MoA record without a decision counts as `unknown`.
    short_label synth_decision{};

    std::uint32_t final_tool_call_count = 0;
    std::uint32_t final_content_chars = 0;
    std::int64_t tokens_in = 0;  // `usage` of the answer
    std::int64_t tokens_out = 0;

    small_list<draft_record, 4> drafts{};  // usable ones, in configuration order
    small_list<failure_record, 2> failures{};
    small_list<leg_record, 2> legs{};
};

}  // namespace meta_model::telemetry
