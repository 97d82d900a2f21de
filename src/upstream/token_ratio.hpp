// How many tokens an upstream counts for one that the gateway estimates, learned from the usage it reports.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

namespace meta_model::upstream {

// Shared by all threads, lock-free.
class token_ratio {
public:
    // A chat template's own tokens would distort what shorter prompts tell.
    static constexpr std::int64_t least_prompt = 500;
    // Until so many samples, only a larger count than the estimate is believed; below the first, nothing is.
    static constexpr std::uint32_t least_samples = 5;
    static constexpr std::uint32_t enough_samples = 20;
    static constexpr double lowest = 0.75;
    static constexpr double highest = 2.0;

    // Beyond these a count is of something else, e.g. only of what no cache held.
    static constexpr float least_sample = 0.4f;
    static constexpr float most_sample = 4.0f;

    // A prompt estimated at `estimated` tokens was counted as `reported`.
    void note(std::int64_t estimated, std::int64_t reported) {
        const auto sample = static_cast<float>(reported) / static_cast<float>(estimated);
        if (estimated < least_prompt || sample < least_sample || sample > most_sample) {
            return;
        }
        auto seen = packed_.load(std::memory_order_relaxed);
        std::uint64_t next = 0;
        do {
            const auto count = std::min(count_of(seen) + 1, enough_samples);
            const auto mean = mean_of(seen) + (sample - mean_of(seen)) / static_cast<float>(count);
            next = std::uint64_t{count} << 32 | std::bit_cast<std::uint32_t>(mean);
        } while (!packed_.compare_exchange_weak(seen, next, std::memory_order_relaxed));
    }

    // From `lowest` to `highest`; 1 while too little is known.
    double value() const {
        const auto seen = packed_.load(std::memory_order_relaxed);
        if (count_of(seen) < least_samples) {
            return 1.0;
        }
        const auto least = count_of(seen) < enough_samples ? 1.0 : lowest;
        return std::clamp(static_cast<double>(mean_of(seen)), least, highest);
    }

private:
    static std::uint32_t count_of(std::uint64_t packed) {
        return static_cast<std::uint32_t>(packed >> 32);
    }
    static float mean_of(std::uint64_t packed) {
        return std::bit_cast<float>(static_cast<std::uint32_t>(packed));
    }

    std::atomic<std::uint64_t> packed_{0};  // count above, mean of the newest below
};

}  // namespace meta_model::upstream
