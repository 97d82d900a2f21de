// Counts of the recent past in a fixed number of slices, so that memory is bounded and old counts fade slice by slice.
#pragma once

#include "base/timer_wheel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace meta_model::upstream {

// `Kinds` counters over `window`. Not thread-safe.
template <std::size_t Kinds>
class sliding_counts {
public:
    explicit sliding_counts(base::steady_duration window) : slice_(window / slices) {}

    void add(std::size_t kind, base::steady_time now) {
        auto& s = at(now);
        ++s.counts[kind];
    }

    std::uint64_t sum(std::size_t kind, base::steady_time now) const {
        const auto current = number_of(now);
        std::uint64_t total = 0;
        for (const auto& s : ring_) {
            total += s.number > current - slices && s.number <= current ? s.counts[kind] : 0;
        }
        return total;
    }

    void clear() { ring_ = {}; }

private:
    static constexpr std::int64_t slices = 10;

    struct slice {
        std::int64_t number = -slices;
        std::array<std::uint64_t, Kinds> counts{};
    };

    std::int64_t number_of(base::steady_time t) const {
        return slice_.count() > 0 ? t.time_since_epoch() / slice_ : t.time_since_epoch().count();
    }

    slice& at(base::steady_time now) {
        const auto number = number_of(now);
        auto& s = ring_[static_cast<std::size_t>(number % slices)];
        if (s.number != number) {
            s = {.number = number};
        }
        return s;
    }

    base::steady_duration slice_;
    std::array<slice, slices> ring_{};
};

}  // namespace meta_model::upstream
