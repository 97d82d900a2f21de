#include "dispatch/finalisation.hpp"

#include "dispatch/agreement.hpp"
#include "dispatch/call_names.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace meta_model::dispatch {

namespace {

constexpr std::string_view promoted_id = "call_legacy_promoted";

void promote_function_call(api::draft& d) {
    if (!d.function_call) {
        return;
    }
    auto& legacy = *d.function_call;
    d.tool_calls.push_back(
        {.id = std::string(promoted_id),
         .name = std::move(legacy.name),
         .arguments = std::move(legacy.arguments)}
    );
    d.function_call.reset();
}

void sync_finish_reason(api::draft& d) {
    const bool says_calls = d.finish_reason == "tool_calls" || d.finish_reason == "function_call";
    if (!d.tool_calls.empty() && (says_calls || d.finish_reason == "stop")) {
        d.finish_reason = "tool_calls";
    } else if (d.tool_calls.empty() && says_calls) {
        d.finish_reason = "stop";
    }
}

bool meets_mode(const api::draft& d, const tool_policy& policy) {
    const auto is_forced = [&](const auto& call) { return call.name == policy.forced; };
    switch (policy.mode) {
        case tool_mode::required: return !d.tool_calls.empty();
        case tool_mode::specific:
            return !d.tool_calls.empty() && std::ranges::all_of(d.tool_calls, is_forced);
        default: return true;
    }
}

// Calls in two shapes are brought into one here; whether that may be is for the caller to say.
finalised finalise_calls(api::draft d, const tool_policy& policy) {
    finalised out;
    clean_call_names(d);
    promote_function_call(d);
    if (!policy.is_parallel && d.tool_calls.size() > 1) {
        d.tool_calls.resize(1);
        out.label = "parallel_violation_trimmed";
    }
    if (policy.mode == tool_mode::none) {
        if (!d.tool_calls.empty()) {
            d.tool_calls.clear();
            d.content = std::move(d.content).value_or(std::string());
            out.label = "tool_choice_none_stripped";
        }
    } else if (!meets_mode(d, policy)) {
        out.fault = final_fault::unmet;
    } else if (!std::ranges::all_of(d.tool_calls, [&](const auto& call) {
                   return policy.is_declared(call.name);
               })) {
        out.fault = final_fault::undeclared;
    }
    if (!d.tool_calls.empty() && d.content && d.content->empty()) {
        d.content.reset();
    }
    sync_finish_reason(d);
    out.answer = std::move(d);
    return out;
}

}  // namespace

finalised finalise(api::draft d, const tool_policy& policy) {
    const bool is_dual = !d.tool_calls.empty() && d.function_call;
    auto out = finalise_calls(std::move(d), policy);
    if (is_dual && policy.mode != tool_mode::none && out.fault == final_fault::none) {
        out.fault = final_fault::undeclared;
    }
    return out;
}

std::optional<finalised> pick_draft(
    const std::vector<const api::draft*>& drafts,
    const std::vector<std::int64_t>& weights,
    const tool_policy& policy
) {
    struct group {
        std::string calls;
        std::size_t first = 0;
        std::int64_t weight = 0;
    };
    std::vector<group> groups;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        const auto meant = finalise_calls(*drafts[i], policy);
        if (meant.fault != final_fault::none) {
            continue;
        }
        auto calls = signature_of(meant.answer).calls;
        const auto known = std::ranges::find(groups, calls, &group::calls);
        if (known != groups.end()) {
            known->weight += weights[i];
        } else {
            groups.push_back({.calls = std::move(calls), .first = i, .weight = weights[i]});
        }
    }
    const auto best = std::ranges::max_element(groups, {}, &group::weight);  // the first of equals
    if (best == groups.end()) {
        return std::nullopt;
    }
    return finalise_calls(*drafts[best->first], policy);
}

final_label repaired_label(final_fault fault, const tool_policy& policy) {
    if (fault == final_fault::undeclared) {
        return "undeclared_tool_repaired";
    }
    return policy.mode == tool_mode::required ? "tool_required_repaired" : "tool_choice_repaired";
}

std::string_view unmet_reason(final_fault fault, const tool_policy& policy) {
    if (fault == final_fault::undeclared) {
        return "undeclared_tool_unrepairable";
    }
    return policy.mode == tool_mode::required ? "tool_required_unmet" : "tool_choice_unmet";
}

}  // namespace meta_model::dispatch
