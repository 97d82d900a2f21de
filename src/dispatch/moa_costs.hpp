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
    std::vector<std::optional<call_bound>> drafts{
    };  // empty: its window is too small, it is not asked
    std::vector<base::money> readings{};  // what each draft adds to the synthesizer's call
    call_bound synthesis{};               // without any draft

    panel_costs costs() const;
};

// After prompts.plan().
moa_bounds bound_moa(
    const request_context& context, const moa_prompts& prompts, const tool_policy& policy
);

}  // namespace meta_model::dispatch
