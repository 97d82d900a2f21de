// What the steps of a cascade are asked: changes to the client's own body.
#pragma once

#include "dispatch/catalog.hpp"
#include "dispatch/request_context.hpp"
#include "dispatch/window_fit.hpp"
#include "upstream/prepare.hpp"

namespace meta_model::dispatch {

struct step_request {
    upstream::body_changes changes{};
    window_fit fit{};
};

// `gate`: of the step, null when its answer is taken as it comes. `added_tokens`: of what will stand behind the
// conversation. The conversation is compacted to the step's own window where it has to be; a media route's goes out whole,
// because what its media cost is a guess.
step_request request_step(
    const request_context& context,
    const upstream::upstream_state& step,
    const step_gate_target* gate,
    std::int64_t added_tokens = 0
);

}  // namespace meta_model::dispatch
