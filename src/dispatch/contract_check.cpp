#include "dispatch/contract_check.hpp"

#include "dispatch/call_names.hpp"

namespace meta_model::dispatch {

namespace {

using telemetry::call_outcome;

bool is_undeclared(const std::string& name, const tool_policy& policy) {
    const auto cleaned = clean_call_name(name);
    return !cleaned.empty() && !policy.is_declared(cleaned);
}

}  // namespace

std::optional<contract_breach> find_breach(const api::draft& d, const tool_policy& policy) {
    if (!d.tool_calls.empty() && d.function_call) {
        return contract_breach{.reason = call_outcome::dual_shape_response};
    }
    for (const auto& call : d.tool_calls) {
        if (is_undeclared(call.name, policy)) {
            return contract_breach{.reason = call_outcome::undeclared_tool, .name = call.name};
        }
    }
    if (d.function_call && is_undeclared(d.function_call->name, policy)) {
        return contract_breach{
            .reason = call_outcome::undeclared_tool, .name = d.function_call->name
        };
    }
    return std::nullopt;
}

bool remove_undeclared_calls(api::draft& d, const tool_policy& policy) {
    const auto removed = std::erase_if(d.tool_calls, [&](const auto& call) {
        return is_undeclared(call.name, policy);
    });
    const bool is_function_removed =
        d.function_call && is_undeclared(d.function_call->name, policy);
    if (is_function_removed) {
        d.function_call.reset();
    }
    return removed > 0 || is_function_removed;
}

}  // namespace meta_model::dispatch
