// What the operator's configuration changes in a request that reaches its upstream in its own wire, which is not the
// chat's: a system prompt in front of the client's, and thinking where it is configured.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

namespace meta_model::dispatch {

// `thinking` and its effort, for the Messages API, only where the client says nothing of thinking and the API allows it
// beside what else it says; `reasoning.effort`, for the Responses API, always.
upstream::body_changes own_wire_changes(
    const request_context& context, const upstream::upstream_state& upstream
);

}  // namespace meta_model::dispatch
