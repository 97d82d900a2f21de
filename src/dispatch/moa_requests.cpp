#include "dispatch/moa_requests.hpp"

#include "api/json_text.hpp"
#include "api/tool_fields.hpp"
#include "base/ids.hpp"
#include "dispatch/operator_changes.hpp"
#include "dispatch/synthesis_prompt.hpp"

#include <algorithm>
#include <cstdio>

namespace meta_model::dispatch {

namespace {

std::string number_json(double value) {
    char text[32];
    const auto n = std::snprintf(text, sizeof text, "%.10g", value);
    return {text, static_cast<std::size_t>(n)};
}

// What every leg of an ensemble is asked with, whatever its part.
upstream::body_changes common_changes(const request_context& c, const upstream::upstream_state& u) {
    auto changes = operator_changes(c.config);
    if (u.config.stream) {
        changes.members.push_back({"stream", "true"});
        changes.members.push_back({"stream_options", R"({"include_usage":true})"});
    } else {
        changes.members.push_back({"stream", std::nullopt});
        changes.members.push_back({"stream_options", std::nullopt});
    }
    changes.members.push_back({"n", std::nullopt});
    if (c.target.profile->strip_tools) {
        upstream::remove_tools(changes);
    }
    return changes;
}

// An explicit wish is lowered to what the upstream can write.
void cap_output(const request_context& c, upstream::body_changes& changes, int max_output) {
    for (const auto* key : {"max_tokens", "max_completion_tokens"}) {
        const auto* wish = c.request.find(key);
        std::int64_t n = 0;
        if (wish != nullptr && api::to_int64(wish->value, n) && n > max_output) {
            changes.members.push_back({key, std::to_string(max_output)});
        }
    }
}

}  // namespace

upstream::body_changes generator_changes(
    const request_context& c, const upstream::upstream_state& u
) {
    auto changes = common_changes(c, u);
    changes.members.push_back({"temperature", number_json(c.target.profile->generator_temperature)}
    );
    cap_output(c, changes, u.config.max_output);
    return changes;
}

upstream::body_changes synthesizer_changes(const request_context& c, const shown_drafts& drafts) {
    const auto& u = *c.target.synthesizer;
    const auto max_output = u.config.max_output;
    auto changes = common_changes(c, u);
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
