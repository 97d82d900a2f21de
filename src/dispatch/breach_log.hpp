// The log line about a model that calls what the request does not declare. Only the log names the call.
#pragma once

#include "dispatch/contract_check.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/registry.hpp"

namespace meta_model::dispatch {

void log_breach(
    const request_context& context,
    const upstream::upstream_state& upstream,
    const contract_breach& breach
);

}  // namespace meta_model::dispatch
