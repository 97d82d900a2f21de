// Whether a draft calls only what the request declares, in one shape (spec §3.7).
#pragma once

#include "api/message.hpp"
#include "dispatch/tool_policy.hpp"
#include "telemetry/names.hpp"

#include <optional>
#include <string>

namespace meta_model::dispatch {

struct contract_breach {
    telemetry::call_outcome reason{};  // undeclared_tool or dual_shape_response
    std::string name{};                // the call that is not declared; for the log
};

// Tool calls beside a legacy function_call, else the first call whose name is not declared. Names are compared cleaned.
std::optional<contract_breach> find_breach(const api::draft& d, const tool_policy& policy);

// Takes the calls away that are not declared. True when there were any.
bool remove_undeclared_calls(api::draft& d, const tool_policy& policy);

// What an answer of one upstream may call: names are cleaned, what is not declared or has no name is taken away, and
// finish_reason follows. Where a request declares no tools every call is undeclared (spec §3.7).
struct kept_calls {
    bool is_changed = false;                  // the draft is no longer what the upstream wrote
    std::optional<contract_breach> breach{};  // what was taken away for its name
};
kept_calls keep_declared_calls(api::draft& d, const tool_policy& policy);

}  // namespace meta_model::dispatch
