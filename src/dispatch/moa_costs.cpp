#include "dispatch/moa_costs.hpp"

#include "dispatch/moa_requests.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/seat_bounds.hpp"

namespace meta_model::dispatch {

namespace {

// What the synthesizer is asked whatever the drafts will be.
synthesizer_call empty_synthesis(
    const request_context& c, const moa_prompts& prompts, const tool_policy& policy
) {
    const auto& profile = *c.target.profile;
    shown_drafts none;
    none.texts.resize(c.target.upstreams.size());
    if (profile.synthesis_mode == config::synthesis_mode::best_of) {
        return best_of_changes(c, prompts, none);
    }
    const bool may_call = !profile.strip_tools && offered_tools_tokens(c.request) > 0;
    return synthesizer_changes(c, prompts, none, may_call ? &policy : nullptr);
}

}  // namespace

panel_costs costs_of(
    const std::vector<std::optional<call_bound>>& drafts, const std::vector<bool>& sharing
) {
    panel_costs out{.sharing = sharing};
    for (const auto& draft : drafts) {
        out.drafts.push_back(draft ? std::optional(draft->ceiling) : std::nullopt);
    }
    out.readings.resize(drafts.size());
    return out;
}

panel_costs moa_bounds::costs() const {
    auto out = costs_of(drafts, sharing);
    out.readings = readings;
    out.synthesis = synthesis.ceiling;
    return out;
}

moa_bounds bound_moa(
    const request_context& c,
    const moa_prompts& prompts,
    const tool_policy& policy,
    const std::vector<bool>& sharing
) {
    const auto& reader = *c.target.synthesizer;
    const auto changes = [&](std::size_t i) { return generator_changes(c, prompts, i); };
    moa_bounds out{.drafts = bound_seats(c, sharing, changes), .sharing = sharing};
    for (const auto& draft : out.drafts) {
        const auto shown = draft ? draft_tokens(draft->output_tokens) : 0;
        out.readings.push_back(cost_ceiling(reader.config.pricing, shown, 0));
    }
    out.synthesis = bound_call(c, reader, empty_synthesis(c, prompts, policy).changes);
    return out;
}

}  // namespace meta_model::dispatch
