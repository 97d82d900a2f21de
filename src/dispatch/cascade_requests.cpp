#include "dispatch/cascade_requests.hpp"

#include "dispatch/leg_requests.hpp"
#include "dispatch/operator_changes.hpp"

namespace meta_model::dispatch {

step_request request_step(
    const request_context& c,
    const upstream::upstream_state& u,
    const step_gate_target* gate,
    std::int64_t added_tokens
) {
    step_request out{.changes = operator_changes(c, u)};
    auto& changes = out.changes;
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
    if (c.target.route == config::modality::text) {
        out.fit = fit_window(c, u, changes, added_tokens);
        if (out.fit.most_output > 0) {
            cap_output(c, changes, out.fit.most_output);
        }
    }
    return out;
}

}  // namespace meta_model::dispatch
