// How slow a peer may be that takes bytes from us: a limit on standing still and a limit on creeping.
#pragma once

#include "base/timer_wheel.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace meta_model::base {

// What a peer must take on average once `limit` has passed.
inline constexpr std::int64_t slowest_bytes_per_second = 1024;

// When a transfer that began at `start` is given up: nothing moved for `limit` since `last_progress`, or the `bytes`
// that moved so far are fewer than the slowest rate allows.
inline steady_time pace_deadline(
    steady_time start, steady_time last_progress, std::uint64_t bytes, steady_duration limit
) {
    constexpr std::uint64_t most_seconds = 24 * 60 * 60;
    const auto seconds = std::min<std::uint64_t>(bytes / slowest_bytes_per_second, most_seconds);
    const auto creeping = start + limit + std::chrono::seconds(static_cast<std::int64_t>(seconds));
    return std::min(creeping, last_progress + limit);
}

}  // namespace meta_model::base
