// What the steps of a cascade are asked: changes to the client's own body.
#pragma once

#include "dispatch/catalog.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

namespace meta_model::dispatch {

// `gate`: of the step, null when its answer is taken as it comes.
upstream::body_changes step_changes(
    const request_context& context,
    const upstream::upstream_state& step,
    const step_gate_target* gate
);

}  // namespace meta_model::dispatch
