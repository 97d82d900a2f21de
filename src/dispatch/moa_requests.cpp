#include "dispatch/moa_requests.hpp"

#include "api/json_text.hpp"
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

upstream::body_changes synthesizer_changes(const request_context& c, const shown_drafts& drafts) {
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
    // The tools stay, so that the prefix that the generators' servers cached is the same; calls are not wanted.
    if (!c.target.profile->strip_tools && api::offered_tools(c.request) != nullptr) {
        changes.members.push_back({"tool_choice", R"("none")"});
    }
    synthesis_prompt_options options;
    options.fence = base::random_hex(16);
    options.unfinished = drafts.unfinished;
    options.is_grounded = std::ranges::any_of(c.request.messages(), [](const auto& m) {
        return m.role == api::role::tool;
    });
    changes.trailing_message = R"({"role":"user","content":)";
    api::append_json_string(changes.trailing_message, synthesis_prompt(drafts.texts, options));
    changes.trailing_message += '}';
    return changes;
}

}  // namespace meta_model::dispatch
