// How long something took during the last hour: quantiles from counts in buckets of rising width (at most 12.5 % wide),
// and a moving mean. Bounded memory; not thread-safe.
#pragma once

#include "base/timer_wheel.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace meta_model::upstream {

class latency_window {
public:
    void add(std::chrono::microseconds duration, base::steady_time now);

    std::uint64_t count(base::steady_time now) const;
    // The upper end of the bucket that holds the quantile `q` (0..1); 0 without samples.
    std::chrono::microseconds quantile(double q, base::steady_time now) const;
    // Exponentially weighted; the newest sample counts a fifth. 0 before the first.
    std::chrono::microseconds mean() const {
        return std::chrono::microseconds(static_cast<std::int64_t>(mean_us_));
    }

private:
    // Linear up to 8 units, then 8 buckets per power of two, up to more than an hour.
    static constexpr std::int64_t unit_us = 128;
    static constexpr std::size_t buckets = 192;
    static constexpr std::int64_t slices = 6;
    static constexpr std::chrono::minutes slice_time{10};

    struct slice {
        std::int64_t number = -slices;
        std::array<std::uint32_t, buckets> counts{};
    };

    static std::size_t bucket_of(std::chrono::microseconds duration);
    static std::chrono::microseconds upper_end(std::size_t bucket);
    static std::int64_t number_of(base::steady_time t) { return t.time_since_epoch() / slice_time; }
    bool is_recent(const slice& s, base::steady_time now) const;

    std::array<slice, slices> ring_{};
    double mean_us_ = 0;
};

}  // namespace meta_model::upstream
