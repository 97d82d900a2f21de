#include "upstream/latency_window.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace meta_model::upstream {

std::size_t latency_window::bucket_of(std::chrono::microseconds duration) {
    const auto units =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count() / unit_us));
    if (units < 8) {
        return units;
    }
    const auto power = static_cast<std::size_t>(std::bit_width(units)) - 1;
    return std::min(buckets - 1, (power - 2) * 8 + ((units >> (power - 3)) & 7));
}

std::chrono::microseconds latency_window::upper_end(std::size_t bucket) {
    const auto units = bucket < 8 ? bucket + 1 : (8 + bucket % 8 + 1) << (bucket / 8 - 1);
    return std::chrono::microseconds(static_cast<std::int64_t>(units) * unit_us);
}

bool latency_window::is_recent(const slice& s, base::steady_time now) const {
    const auto current = number_of(now);
    return s.number > current - slices && s.number <= current;
}

void latency_window::add(std::chrono::microseconds duration, base::steady_time now) {
    const auto number = number_of(now);
    auto& s = ring_[static_cast<std::size_t>(number % slices)];
    if (s.number != number) {
        s = {.number = number};
    }
    ++s.counts[bucket_of(duration)];
    const auto us = static_cast<double>(duration.count());
    mean_us_ = mean_us_ == 0 ? us : mean_us_ + (us - mean_us_) / 5;
}

std::uint64_t latency_window::count(base::steady_time now) const {
    std::uint64_t total = 0;
    for (const auto& s : ring_) {
        if (is_recent(s, now)) {
            for (const auto n : s.counts) {
                total += n;
            }
        }
    }
    return total;
}

std::chrono::microseconds latency_window::quantile(double q, base::steady_time now) const {
    const auto total = count(now);
    if (total == 0) {
        return {};
    }
    const auto rank = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total)))
    );
    std::uint64_t seen = 0;
    for (std::size_t b = 0; b < buckets; ++b) {
        for (const auto& s : ring_) {
            seen += is_recent(s, now) ? s.counts[b] : 0;
        }
        if (seen >= rank) {
            return upper_end(b);
        }
    }
    return upper_end(buckets - 1);
}

}  // namespace meta_model::upstream
