#include "upstream/retry.hpp"

#include <algorithm>

namespace meta_model::upstream {

bool may_be_repeated(const attempt_end& end) {
    if (end.fault != call_fault::none) {
        return end.fault == call_fault::unreached;
    }
    return end.status == 408 || end.status == 409 || end.status == 429
           || (end.status >= 500 && end.status <= 599);
}

std::optional<base::steady_duration> retry_wait(
    const config::upstream_retry& rules,
    const attempt_end& end,
    int made,
    double random,
    base::steady_duration left
) {
    if (made >= rules.max_attempts || !may_be_repeated(end)) {
        return std::nullopt;
    }
    const auto step = rules.base * (std::int64_t{1} << std::min(made - 1, 16));
    const auto spread = std::min<std::chrono::milliseconds>(rules.cap, step);
    auto wait = std::chrono::duration_cast<base::steady_duration>(spread * (0.5 + random / 2));
    if (end.retry_after_s > 0) {
        const std::chrono::seconds asked(end.retry_after_s);
        if (asked > rules.cap) {
            return std::nullopt;
        }
        // Those who were refused together do not come back together.
        wait = asked + std::min<base::steady_duration>(wait, asked / 10);
    }
    return wait < left ? std::optional(wait) : std::nullopt;
}

bool retry_budget::take(base::steady_time now) {
    const auto made = counts_.sum(retries, now);
    const auto share = ratio_ * static_cast<double>(counts_.sum(requests, now));
    // Strictly fewer than the share with this one.
    const bool is_allowed = static_cast<double>(made + 1) < share || (ratio_ > 0 && made < always);
    if (is_allowed) {
        counts_.add(retries, now);
    }
    return is_allowed;
}

}  // namespace meta_model::upstream
