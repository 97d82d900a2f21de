// What the operator's configuration changes in every client's body, whatever the strategy.
#pragma once

#include "config/config.hpp"
#include "upstream/prepare.hpp"

namespace meta_model::dispatch {

// The operator's system prompt in front of the conversation, if there is one (spec §3.1).
upstream::body_changes operator_changes(const config::gateway_config& config);

}  // namespace meta_model::dispatch
