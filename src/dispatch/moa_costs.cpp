#include "dispatch/moa_costs.hpp"

#include "dispatch/moa_requests.hpp"
#include "dispatch/reply_headers.hpp"

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

panel_costs moa_bounds::costs() const {
    panel_costs out;
    for (const auto& draft : drafts) {
        out.drafts.push_back(draft ? std::optional(draft->ceiling) : std::nullopt);
    }
    out.readings = readings;
    out.synthesis = synthesis.ceiling;
    return out;
}

moa_bounds bound_moa(
    const request_context& c, const moa_prompts& prompts, const tool_policy& policy
) {
    const auto& reader = *c.target.synthesizer;
    moa_bounds out;
    for (std::size_t i = 0; i < c.target.upstreams.size(); ++i) {
        auto changes = generator_changes(c, prompts, i);
        if (!changes.refusal.empty()) {
            out.drafts.emplace_back();
            out.readings.emplace_back();
            continue;
        }
        const auto bound = bound_call(c, *c.target.upstreams[i], std::move(changes));
        const auto shown = draft_tokens(bound.output_tokens);
        out.drafts.emplace_back(bound);
        out.readings.push_back(cost_ceiling(reader.config.pricing, shown, 0));
    }
    out.synthesis = bound_call(c, reader, empty_synthesis(c, prompts, policy).changes);
    return out;
}

}  // namespace meta_model::dispatch
