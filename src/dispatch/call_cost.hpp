// What a call of a request with a cost limit can cost at most, and the limit on its answer that makes this true.
#pragma once

#include "base/error.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <cstdint>

namespace meta_model::dispatch {

// Sets the most tokens of an answer: what the request, the strategy or the upstream's request_overrides say, else its
// `max_output` as far as its window has room for it, and never more than that but by an override. Returns it, for all of `n` choices. Where drop_params keeps
// it from being sent, the upstream is trusted not to write more than its `max_output`. 0 for a request that is no chat.
std::int64_t limit_output(
    const api::chat_request& request,
    const config::upstream& upstream,
    upstream::body_changes& changes
);

// Estimated tokens of a body, in which pictures and sounds that are the request's own count as what models make of them,
// roughly.
std::int64_t estimate_body_tokens(const api::chat_request& request, const api::pieces& body);

// What a call is at most.
struct call_bound {
    std::int64_t prompt_tokens = 0;
    std::int64_t output_tokens = 0;
    base::money ceiling{};
};

// Of a body that was prepared, and whose answer can have so many tokens.
call_bound bound_body(
    const request_context& context,
    const upstream::upstream_state& upstream,
    const upstream::prepared_body& body,
    std::int64_t output_tokens
);

// Of a call with these changes and a limit on its answer. Its body is prepared to be measured.
call_bound bound_call(
    const request_context& context,
    const upstream::upstream_state& upstream,
    upstream::body_changes changes
);

// 402: a call that costs up to `needed` does not fit the request's limit.
base::error over_cost_limit(const request_context& context, base::money needed);

}  // namespace meta_model::dispatch
