// How an upstream's window is divided between prompt and answer (spec §4). Token counts are estimates.
#pragma once

#include <cstdint>

namespace meta_model::dispatch {

// What messages may have: the window less the tools, the reserve for the answer, which no wish of a client makes
// larger, and a margin for what the estimate misses. `tokens_per_estimate`: what the upstream is known to count for
// one estimated token. Negative: not even an empty prompt fits.
std::int64_t prompt_budget(
    std::int64_t context, std::int64_t tools_tokens, double tokens_per_estimate = 1.0
);

// The most that an answer to a prompt (messages and tools) of that size can have; at least 1.
std::int64_t output_ceiling(
    std::int64_t context, std::int64_t prompt_tokens, double tokens_per_estimate = 1.0
);

}  // namespace meta_model::dispatch
