#include "dispatch/cascade_requests.hpp"

#include "dispatch/operator_changes.hpp"

namespace meta_model::dispatch {

upstream::body_changes step_changes(
    const request_context& c, const upstream::upstream_state& u, const step_gate_target* gate
) {
    auto changes = operator_changes(c, u);
    changes.messages = hide_media(c.request, c.hidden_from(u));
    if (c.target.profile->strip_tools) {
        upstream::remove_tools(changes);
    }
    const bool needs_logprobs = gate != nullptr && gate->gate->min_mean_logprob;
    if (needs_logprobs) {
        changes.members.push_back({"logprobs", "true"});
    }
    // Log-probabilities are read from a whole reply.
    if (c.request.stream() && u.config.stream && !needs_logprobs) {
        changes.members.push_back({"stream_options", R"({"include_usage":true})"});
    } else if (c.request.stream()) {
        changes.members.push_back({"stream", std::nullopt});
        changes.members.push_back({"stream_options", std::nullopt});
    }
    return changes;
}

}  // namespace meta_model::dispatch
