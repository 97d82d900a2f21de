// What the operator's configuration changes in every client's body, whatever the strategy.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

namespace meta_model::dispatch {

// The operator's system prompt in front of the conversation, if there is one (spec §3.1). A nested profile adds it itself.
upstream::body_changes operator_changes(
    const request_context& context, const upstream::upstream_state& upstream
);

}  // namespace meta_model::dispatch
