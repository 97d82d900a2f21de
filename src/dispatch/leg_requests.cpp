#include "dispatch/leg_requests.hpp"

#include "api/json_cursor.hpp"
#include "api/json_text.hpp"
#include "dispatch/content_parts.hpp"
#include "dispatch/operator_changes.hpp"

#include <algorithm>
#include <cstdio>

namespace meta_model::dispatch {

std::string number_json(double value) {
    char text[32];
    const auto n = std::snprintf(text, sizeof text, "%.10g", value);
    return {text, static_cast<std::size_t>(n)};
}

upstream::body_changes leg_changes(const request_context& c, const upstream::upstream_state& u) {
    auto changes = operator_changes(c, u);
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

void set_max_tokens(upstream::body_changes& changes, int tokens) {
    changes.members.push_back({"max_tokens", std::to_string(tokens)});
    changes.members.push_back({"max_completion_tokens", std::nullopt});
}

upstream::body_changes question_changes(
    const request_context& c, const upstream::upstream_state& u, double temperature
) {
    constexpr int max_tokens = 1024;
    auto changes = leg_changes(c, u);
    changes.messages = hide_media(c.request, c.hidden_from(u));
    changes.members.push_back({"temperature", number_json(temperature)});
    set_max_tokens(changes, std::min(max_tokens, u.config.max_output));
    upstream::remove_tools(changes);
    for (const auto* key : {"response_format", "stop", "logprobs", "top_logprobs"}) {
        changes.members.push_back({key, std::nullopt});
    }
    return changes;
}

void add_user_message(upstream::body_changes& changes, std::string_view text) {
    changes.trailing_message = R"({"role":"user","content":)";
    api::append_json_string(changes.trailing_message, text);
    changes.trailing_message += '}';
}

void cap_output(
    const request_context& c, upstream::body_changes& changes, std::int64_t max_output
) {
    for (const auto* key : {"max_tokens", "max_completion_tokens"}) {
        const auto* wish = c.request.find(key);
        std::int64_t n = 0;
        if (wish != nullptr && api::to_int64(wish->value, n) && n > max_output) {
            changes.members.push_back({key, std::to_string(max_output)});
        }
    }
}

void set_choices(upstream::body_changes& changes, std::size_t count) {
    changes.members.push_back({"n", std::to_string(count)});
}

void set_seed_of_sample(const request_context& c, upstream::body_changes& changes, int sample) {
    const auto* seed = c.request.find("seed");
    std::int64_t number = 0;
    if (sample > 0 && seed != nullptr && api::to_int64(seed->value, number)) {
        // Far from the limits of the type it is simply the next ones.
        const auto own = static_cast<std::uint64_t>(number) + static_cast<std::uint64_t>(sample);
        changes.members.push_back({"seed", std::to_string(static_cast<std::int64_t>(own))});
    }
}

}  // namespace meta_model::dispatch
