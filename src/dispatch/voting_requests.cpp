#include "dispatch/voting_requests.hpp"

#include "api/json_cursor.hpp"
#include "base/ids.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/synthesis_prompt.hpp"

namespace meta_model::dispatch {

using config::ballot_kind;

upstream::body_changes voter_changes(
    const request_context& c, const upstream::upstream_state& voter, int sample
) {
    const auto& profile = *c.target.profile;
    auto changes = leg_changes(c, voter);
    changes.members.push_back({"temperature", number_json(profile.temperature)});
    if (profile.max_tokens > 0) {
        set_max_tokens(changes, profile.max_tokens);
    } else {
        cap_output(c, changes, voter.config.max_output);
    }
    if (profile.ballot != ballot_kind::tool_call) {
        upstream::remove_tools(changes);
    }
    const bool is_one_word = profile.ballot == ballot_kind::yes_no
                             || profile.ballot == ballot_kind::label
                             || profile.ballot == ballot_kind::number;
    if (is_one_word) {
        changes.members.push_back({"response_format", std::nullopt});
    }
    const auto* seed = c.request.find("seed");
    std::int64_t number = 0;
    if (sample > 0 && seed != nullptr && api::to_int64(seed->value, number)) {
        // The same seed would draw the same sample. Far from the limits of the type it is simply the next ones.
        const auto own = static_cast<std::uint64_t>(number) + static_cast<std::uint64_t>(sample);
        changes.members.push_back({"seed", std::to_string(static_cast<std::int64_t>(own))});
    }
    return changes;
}

upstream::body_changes judge_changes(
    const request_context& c, const std::vector<std::string_view>& answers
) {
    synthesis_prompt_options options;
    options.fence = base::random_hex(16);
    auto changes = question_changes(c, *c.target.synthesizer, 0);
    add_user_message(changes, tie_prompt(answers, options));
    return changes;
}

}  // namespace meta_model::dispatch
