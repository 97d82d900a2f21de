// What a cascade makes of a leg's result.
#pragma once

#include "dispatch/leg.hpp"

namespace meta_model::dispatch {

// The status that a refusal stands for.
int status_of(const leg_result& result);

// Whether a whole reply answers (spec §3.5). A refusal is an answer too: another step must not be asked what one
// refused.
bool is_answer(const leg_result& result, bool hides_reasoning);

}  // namespace meta_model::dispatch
