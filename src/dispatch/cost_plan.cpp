#include "dispatch/cost_plan.hpp"

#include "dispatch/token_estimate.hpp"

#include <algorithm>
#include <cmath>

namespace meta_model::dispatch {

namespace {

constexpr std::size_t most_shown_bytes = 96u << 10;  // of one draft in a synthesizer's prompt

// Nothing is spent on them.
std::vector<bool> those_that_cannot(const panel_costs& costs) {
    std::vector<bool> out;
    for (const auto& cost : costs.drafts) {
        out.push_back(!cost);
    }
    return out;
}

bool shares(const panel_costs& costs, std::size_t i) {
    return i < costs.sharing.size() && costs.sharing[i];
}

// Begins generators in order as long as each fits into what is left, with what its draft adds to the synthesis.
panel_choice fill(const panel_costs& costs, base::money limit) {
    panel_choice out;
    out.starts = those_that_cannot(costs);
    out.held = costs.synthesis;
    if (out.held > limit) {
        return out;
    }
    auto left = base::minus(limit, out.held);
    bool has_call = false;  // for those that share it
    for (std::size_t i = 0; i < costs.drafts.size(); ++i) {
        if (!costs.drafts[i] || (shares(costs, i) && !has_call)) {
            continue;
        }
        has_call = false;
        auto both = *costs.drafts[i];
        both += costs.readings[i];
        if (both <= left) {
            left = base::minus(left, both);
            out.held += costs.readings[i];
            out.starts[i] = true;
            ++out.count;
            has_call = true;
        }
    }
    return out;
}

}  // namespace

std::int64_t most_prompt_tokens(std::int64_t estimated, double tokens_per_estimate) {
    constexpr double margin = 1.3;
    const auto most = static_cast<double>(estimated) * margin * std::max(1.0, tokens_per_estimate);
    return static_cast<std::int64_t>(std::ceil(most));
}

base::money cost_ceiling(
    const config::upstream_pricing& pricing, std::int64_t prompt_tokens, std::int64_t output_tokens
) {
    const auto input = std::max(
        {pricing.input,
         pricing.cached_input.value_or(pricing.input),
         pricing.cache_write.value_or(pricing.input)}
    );
    auto out = base::times(input, prompt_tokens);
    out += base::times(pricing.output, output_tokens);
    return out;
}

std::int64_t draft_tokens(std::int64_t output_tokens) {
    return most_prompt_tokens(std::min(output_tokens, estimate_text_tokens(most_shown_bytes)));
}

panel_choice choose_panel(const panel_costs& costs, base::money limit) {
    auto out = fill(costs, limit);
    std::optional<base::money> cheapest;
    for (std::size_t i = 0; i < costs.drafts.size(); ++i) {
        const auto& cost = costs.drafts[i];
        if (cost && !shares(costs, i)) {
            cheapest = std::min(*cost, cheapest.value_or(*cost));
        }
    }
    out.cheapest = cheapest.value_or(base::money{});
    const bool is_single = costs.drafts.size() == 1;
    if (out.count >= 2 || (is_single && out.count == 1)) {
        return out;
    }
    // A draft alone is the answer: the first generator that can be paid at all.
    out.held = {};
    out.count = 0;
    out.starts = those_that_cannot(costs);
    for (std::size_t i = 0; i < costs.drafts.size() && out.count == 0; ++i) {
        const auto& cost = costs.drafts[i];
        if (cost && *cost <= limit && !shares(costs, i)) {
            out.starts[i] = true;
            out.count = 1;
        }
    }
    return out;
}

bool begins_too_few(const panel_choice& choice, int required_drafts) {
    const bool is_any_callable =
        choice.count > 0 || std::ranges::find(choice.starts, false) != choice.starts.end();
    return is_any_callable && static_cast<int>(choice.count) < std::max(1, required_drafts);
}

}  // namespace meta_model::dispatch
