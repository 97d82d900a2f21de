// What a cascade makes of a leg's result.
#pragma once

#include "dispatch/contract_check.hpp"
#include "dispatch/leg.hpp"

#include <optional>
#include <string_view>

namespace meta_model::dispatch {

// The status that a refusal stands for.
int status_of(const leg_result& result);

// Whether a whole reply answers (spec §3.5). A refusal is an answer too: another step must not be asked what one
// refused.
bool is_answer(const leg_result& result, bool hides_reasoning);

// The error that a failed step is, when no other step takes its place.
base::error failure_of(const request_context& context, const leg_result& result);

// The same for a step whose answer did not pass a part of its gate.
base::error rejection_of(std::string_view step, std::string_view part);

// Whether the client itself asked for log-probabilities.
bool wants_logprobs(const api::chat_request& request);

// Takes the log-probabilities of a whole reply away, which the client did not ask for.
void remove_logprobs(leg_result& result);

// Whether a failure that came in the middle of an answer leaves it to another step to go on.
bool is_interrupted(const leg_result& result);

struct step_rules {
    bool is_streamed = false;  // a stream was asked for
    bool has_begun = false;    // the client has the beginning of this answer
    bool hides_reasoning = false;
    const tool_policy& policy;
};

// Makes a failure of a reply that is no answer. Calls that are not declared are none: they are taken away first, and then
// the reply's own text is no longer kept. Returns what was taken away for its name.
std::optional<contract_breach> judge_step(leg_result& result, const step_rules& rules);

}  // namespace meta_model::dispatch
