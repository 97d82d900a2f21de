// The last enforcement pass over an answer of a MoA: what leaves the gateway is in one shape and calls only what the
// request authorises (spec §3.9), and the pick among drafts that takes the place of an answer which does not (§3.10).
#pragma once

#include "api/message.hpp"
#include "dispatch/tool_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

enum class final_fault {
    none,
    unmet,       // `required` or a forced name is not met
    undeclared,  // a call that is not declared, or calls in two shapes at once
};

// A label of X-MetaModel-Fallback-Reason; empty: nothing had to be done.
using final_label = std::string_view;

struct finalised {
    api::draft answer{};
    final_label label{};
    final_fault fault = final_fault::none;
};

// Promotes a legacy call, keeps one call where calls are not parallel, removes calls in mode `none`, and brings
// finish_reason in line with the calls. With a fault the answer must not go out.
finalised finalise(api::draft d, const tool_policy& policy);

// The sequence of calls (names and canonical arguments) with the most weight among the drafts that meet the policy; ties
// go to the earliest. The first draft with it, finalised; nothing when no draft meets the policy.
std::optional<finalised> pick_draft(
    const std::vector<const api::draft*>& drafts,
    const std::vector<std::int64_t>& weights,
    const tool_policy& policy
);

// The label of an answer whose place a pick has taken, and the inner reason of `synthesis_failed` when there was none.
final_label repaired_label(final_fault fault, const tool_policy& policy);
std::string_view unmet_reason(final_fault fault, const tool_policy& policy);

}  // namespace meta_model::dispatch
