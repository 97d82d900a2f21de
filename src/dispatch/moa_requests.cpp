#include "dispatch/moa_requests.hpp"

#include "api/tool_fields.hpp"
#include "base/ids.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/synthesis_prompt.hpp"

#include <algorithm>

namespace meta_model::dispatch {

upstream::body_changes generator_changes(
    const request_context& c, const upstream::upstream_state& u
) {
    auto changes = leg_changes(c, u);
    changes.members.push_back({"temperature", number_json(c.target.profile->generator_temperature)}
    );
    cap_output(c, changes, u.config.max_output);
    return changes;
}

namespace {

synthesis_prompt_options prompt_options(const request_context& c, const shown_drafts& drafts) {
    synthesis_prompt_options options;
    options.fence = base::random_hex(16);
    options.unfinished = drafts.unfinished;
    options.is_grounded = std::ranges::any_of(c.request.messages(), [](const auto& m) {
        return m.role == api::role::tool;
    });
    return options;
}

}  // namespace

upstream::body_changes synthesizer_changes(
    const request_context& c, const shown_drafts& drafts, const tool_policy* arbitration
) {
    const auto& u = *c.target.synthesizer;
    const auto max_output = u.config.max_output;
    auto changes = leg_changes(c, u);
    changes.members.push_back(
        {"temperature", number_json(c.target.profile->synthesizer_temperature)}
    );
    if (c.request.find("max_tokens") == nullptr
        && c.request.find("max_completion_tokens") == nullptr) {
        changes.members.push_back({"max_tokens", std::to_string(max_output)});
    }
    cap_output(c, changes, max_output);
    auto options = prompt_options(c, drafts);
    if (arbitration != nullptr) {
        options.tool_rules = tool_rules(*arbitration);
    } else if (!c.target.profile->strip_tools && api::offered_tools(c.request) != nullptr) {
        // The tools stay, so that the prefix that the generators' servers cached is the same; calls are not wanted.
        changes.members.push_back({"tool_choice", R"("none")"});
    }
    add_user_message(changes, synthesis_prompt(drafts.texts, options));
    return changes;
}

upstream::body_changes best_of_changes(const request_context& c, const shown_drafts& drafts) {
    return question_changes(
        c,
        *c.target.synthesizer,
        judge_prompt(drafts.texts, prompt_options(c, drafts)),
        c.target.profile->synthesizer_temperature
    );
}

}  // namespace meta_model::dispatch
