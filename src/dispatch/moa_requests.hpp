// What the legs of a MoA are asked: changes to the client's own body.
#pragma once

#include "dispatch/moa_prompts.hpp"
#include "dispatch/request_context.hpp"
#include "dispatch/tool_policy.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// `i`: the generator's seat in the target.
upstream::body_changes generator_changes(
    const request_context& context, const moa_prompts& prompts, std::size_t i
);

// What the synthesizer is shown, in this order.
struct shown_drafts {
    std::vector<std::string_view> texts{};
    std::vector<std::size_t> unfinished{};  // positions among them
    // More of them together is cut.
    std::size_t max_bytes = std::numeric_limits<std::size_t>::max();
};

struct synthesizer_call {
    upstream::body_changes changes{};
    std::int64_t tokens = 0;  // estimate of its messages
};

// `arbitration`: the policy by which calls are reasoned about; null: the synthesizer is to write text.
synthesizer_call synthesizer_changes(
    const request_context& context,
    const moa_prompts& prompts,
    const shown_drafts& drafts,
    const tool_policy* arbitration
);

// What the judge of best-of is asked. Its parameters are its own: neither tools nor the client's wishes for the answer's
// form and length apply to a number.
synthesizer_call best_of_changes(
    const request_context& context, const moa_prompts& prompts, const shown_drafts& drafts
);

// Asks for `answer` once more, in the form that the request asks for. `problem`: what is wrong with it.
synthesizer_call repair_changes(
    const request_context& context,
    const moa_prompts& prompts,
    std::string_view answer,
    std::string_view problem
);

}  // namespace meta_model::dispatch
