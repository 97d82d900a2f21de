#include "dispatch/prompt_budget.hpp"

#include <algorithm>
#include <cmath>

namespace meta_model::dispatch {

namespace {

constexpr std::int64_t default_reserve = 2000;
constexpr std::int64_t least_margin = 512;
constexpr std::int64_t margin_share = 32;  // of a large prompt, one part in so many

}  // namespace

std::int64_t prompt_budget(
    std::int64_t context, std::int64_t tools_tokens, double tokens_per_estimate
) {
    const auto without_reserve = context - std::min(default_reserve, context / 4);
    // The second keeps output_ceiling from eating the reserve of a full window.
    const auto window = std::min(
        without_reserve - least_margin, without_reserve * margin_share / (margin_share + 1)
    );
    const auto estimated = std::floor(static_cast<double>(window) / tokens_per_estimate);
    return static_cast<std::int64_t>(estimated) - tools_tokens;
}

std::int64_t output_ceiling(
    std::int64_t context, std::int64_t prompt_tokens, double tokens_per_estimate
) {
    const auto counted = std::ceil(static_cast<double>(prompt_tokens) * tokens_per_estimate);
    const auto prompt = static_cast<std::int64_t>(counted);
    const auto margin = std::max(least_margin, prompt / margin_share);
    return std::max<std::int64_t>(1, context - prompt - margin);
}

}  // namespace meta_model::dispatch
