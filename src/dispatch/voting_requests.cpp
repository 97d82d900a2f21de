#include "dispatch/voting_requests.hpp"

#include "base/ids.hpp"
#include "dispatch/content_parts.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/synthesis_prompt.hpp"

namespace meta_model::dispatch {

using config::ballot_kind;

upstream::body_changes voter_changes(const request_context& c, std::size_t i) {
    const auto& profile = *c.target.profile;
    const auto& voter = *c.target.upstreams[i];
    const auto& seat = c.target.seats[i];
    auto changes = leg_changes(c, voter);
    changes.messages = hide_media(c.request, c.hidden_from(voter));
    const auto temperature = seat.member->temperature.value_or(profile.temperature);
    changes.members.push_back({"temperature", number_json(temperature)});
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
    set_seed_of_sample(c, changes, seat.sample);
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
