// The aggregate of `GET /v1/metrics/moa` (spec §9).
#pragma once

#include "telemetry/request_record.hpp"

#include <span>
#include <string>
#include <vector>

namespace meta_model::telemetry {

struct profile_history {
    std::string profile{};
    std::vector<request_record> records{};  // oldest first, at most ring_size
};

// JSON text. Every record counts as a call, whatever its outcome (W75, W76). Profiles come in the order given, without
// those that have no records; members in the order of spec §9, then the additions:
//   elapsed_ms_p50, _p90, _p99   nearest rank
//   outcomes                     calls by `ok` or error code
//   final_content_chars_avg      of the calls that succeeded
//   draft_length_by_upstream     like draft_length, by upstream instead of by position (W77)
//   failures_by_upstream         failure_breakdown per upstream (W80)
//   legs                         per upstream: calls, states, times and reported tokens (W78)
// `upstreams` holds the names by upstream_id.
std::string moa_metrics_json(
    std::span<const profile_history> profiles, std::span<const std::string> upstreams
);

}  // namespace meta_model::telemetry
