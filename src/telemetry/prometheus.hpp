// Counters in the Prometheus text exposition format 0.0.4.
#pragma once

#include "telemetry/counters.hpp"
#include "telemetry/process_stats.hpp"

#include <span>
#include <string>
#include <string_view>

namespace meta_model::telemetry {

inline constexpr std::string_view prometheus_content_type =
    "text/plain; version=0.0.4; charset=utf-8";

struct metric_names {
    // By profile_id and upstream_id.
    std::span<const std::string> profiles{};
    std::span<const std::string> upstreams{};
    // The profiles of the configuration, which show their zeroes; other names appear once they were used.
    std::span<const roster::profile> declared{};
};

// Durations in seconds, sizes in bytes, every name with the prefix `meta_model_`, families and series in a fixed order.
std::string prometheus_text(
    const counters_sum& sums, const metric_names& names, const process_stats& process
);

}  // namespace meta_model::telemetry
