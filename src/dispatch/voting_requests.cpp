#include "dispatch/voting_requests.hpp"

#include "base/ids.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/synthesis_prompt.hpp"

#include <algorithm>

namespace meta_model::dispatch {

using config::ballot_kind;

upstream::body_changes voter_changes(
    const request_context& c, const moa_prompts& prompts, std::size_t i
) {
    const auto& profile = *c.target.profile;
    const auto& voter = *c.target.upstreams[i];
    const auto& seat = c.target.seats[i];
    auto changes = leg_changes(c, voter);
    const auto& prompt = prompts.of(voter);
    if (!prompt.fits) {
        changes.refusal = "the newest messages and the tools are longer than its window";
    }
    changes.messages = prompt.edits;
    const auto temperature = seat.member->temperature.value_or(profile.temperature);
    changes.members.push_back({"temperature", number_json(temperature)});
    if (profile.max_tokens > 0) {
        set_max_tokens(changes, profile.max_tokens);
    } else {
        cap_output(c, changes, prompts.output_limit(voter, prompt.tokens));
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

judge_call judge_changes(
    const request_context& c,
    const moa_prompts& prompts,
    const std::vector<std::string_view>& answers
) {
    synthesis_prompt_options options;
    options.fence = base::random_hex(16);
    const auto most = options.max_total_bytes;
    const auto write_within = [&](std::size_t max_bytes) {
        options.max_total_bytes = std::min(most, max_bytes);
        return tie_prompt(answers, options);
    };
    std::vector<std::size_t> answer_bytes;
    for (const auto answer : answers) {
        answer_bytes.push_back(answer.size());
    }
    judge_call out{.changes = question_changes(c, *c.target.synthesizer, 0)};
    const auto fitted = prompts.fit_synthesis(write_within, answer_bytes);
    out.tokens = fitted.tokens;
    if (!fitted.fits) {
        out.changes.refusal = "the newest messages and the answers are longer than its window";
    }
    out.changes.messages = fitted.messages;
    add_user_message(out.changes, fitted.text);
    return out;
}

}  // namespace meta_model::dispatch
