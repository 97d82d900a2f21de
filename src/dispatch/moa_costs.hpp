// What the calls of one MoA request can cost at most.
#pragma once

#include "dispatch/call_cost.hpp"
#include "dispatch/cost_plan.hpp"
#include "dispatch/moa_prompts.hpp"
#include "dispatch/tool_policy.hpp"

#include <optional>
#include <vector>

namespace meta_model::dispatch {

struct moa_bounds {
    std::vector<std::optional<call_bound>> drafts{};  // as bound_seats gives them
    std::vector<bool> sharing{};
    std::vector<base::money> readings{};  // what each draft adds to the synthesizer's call
    call_bound synthesis{};               // without any draft

    panel_costs costs() const;
};

// Of drafts that nobody reads at a price.
panel_costs costs_of(
    const std::vector<std::optional<call_bound>>& drafts, const std::vector<bool>& sharing
);

// After prompts.plan().
moa_bounds bound_moa(
    const request_context& context,
    const moa_prompts& prompts,
    const tool_policy& policy,
    const std::vector<bool>& sharing
);

}  // namespace meta_model::dispatch
