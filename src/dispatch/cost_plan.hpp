// The most that calls can cost, known before they are made, and which generators of a panel a limit lets begin
// (design §4.7). Pure: `meta-model explain` and requests decide by the same functions.
#pragma once

#include "base/money.hpp"
#include "config/config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace meta_model::dispatch {

// Tokens that a prompt estimated at `estimated` can have: 1.3 times as many, by what the upstream is known to count for
// an estimated token, which below 1 is not believed.
std::int64_t most_prompt_tokens(std::int64_t estimated, double tokens_per_estimate = 1.0);

// Of one call whose prompt and answer have at most so many tokens. Nothing of the prompt is taken to be cached.
base::money cost_ceiling(
    const config::upstream_pricing& pricing, std::int64_t prompt_tokens, std::int64_t output_tokens
);

// Tokens that a draft of at most `output_tokens` can add to a synthesizer's prompt.
std::int64_t draft_tokens(std::int64_t output_tokens);

struct panel_costs {
    // Of each draft's call, or what the draft adds to the call that it shares; empty: it cannot be made.
    std::vector<std::optional<base::money>> drafts{};
    std::vector<bool> sharing{};  // it comes with the call of the one before it; empty: none does
    std::vector<base::money> readings{};  // what its draft adds to the synthesizer's call
    base::money synthesis{};              // that call without any draft
};

struct panel_choice {
    std::vector<bool> starts{
    };  // by generator; one whose call cannot be made costs nothing and says so itself
    std::size_t count = 0;   // of the others that do
    base::money held{};      // kept for the synthesizer
    base::money cheapest{};  // what the cheapest single draft costs at most
};

// The synthesizer's call comes first: a panel that cannot be merged is worth less than one with a draft less. Then the
// generators in order, each that still fits; a call shared by several gives as many as fit. A draft that would stand alone needs no synthesis: then the first
// generator begins that fits without it. Count 0: not even one fits.
panel_choice choose_panel(const panel_costs& costs, base::money limit);

// Fewer of them begin than an answer needs, and not only because their windows are too small.
bool begins_too_few(const panel_choice& choice, int required_drafts);

}  // namespace meta_model::dispatch
