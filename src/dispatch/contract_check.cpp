#include "dispatch/contract_check.hpp"

#include "dispatch/call_names.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

using telemetry::call_outcome;

bool is_undeclared(const std::string& name, const tool_policy& policy) {
    const auto cleaned = clean_call_name(name);
    return !cleaned.empty() && !policy.is_declared(cleaned);
}

std::optional<contract_breach> find_undeclared(const api::draft& d, const tool_policy& policy) {
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

}  // namespace

std::optional<contract_breach> find_breach(const api::draft& d, const tool_policy& policy) {
    if (!d.tool_calls.empty() && d.function_call) {
        return contract_breach{.reason = call_outcome::dual_shape_response};
    }
    return find_undeclared(d, policy);
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

kept_calls keep_declared_calls(api::draft& d, const tool_policy& policy) {
    kept_calls out;
    if (d.tool_calls.empty() && !d.function_call) {
        return out;
    }
    const auto is_clean = [&](const std::string& name) {
        return !name.empty() && clean_call_name(name) == name && policy.is_declared(name);
    };
    const bool is_as_written = std::ranges::all_of(d.tool_calls, is_clean, &api::tool_call::name)
                               && (!d.function_call || is_clean(d.function_call->name));
    if (is_as_written) {
        return out;
    }
    out.is_changed = true;
    out.breach = find_undeclared(d, policy);
    remove_undeclared_calls(d, policy);
    clean_call_names(d);
    const bool has_calls = !d.tool_calls.empty() || d.function_call;
    if (!has_calls && (d.finish_reason == "tool_calls" || d.finish_reason == "function_call")) {
        d.finish_reason = "stop";
    }
    return out;
}

}  // namespace meta_model::dispatch
