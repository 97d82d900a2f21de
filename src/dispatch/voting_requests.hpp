// What the voters and the judge of a tie are asked: changes to the client's own body.
#pragma once

#include "dispatch/moa_prompts.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// `i`: its seat in the target.
upstream::body_changes voter_changes(
    const request_context& context, const moa_prompts& prompts, std::size_t i
);

struct judge_call {
    upstream::body_changes changes{};
    std::int64_t tokens = 0;  // estimate of its messages
};

// `answers` in the order in which they are shown and numbered.
judge_call judge_changes(
    const request_context& context,
    const moa_prompts& prompts,
    const std::vector<std::string_view>& answers
);

}  // namespace meta_model::dispatch
