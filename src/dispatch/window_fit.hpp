// The conversation of one call on its own, cut to its upstream's window. Panels have moa_prompts, which gives all of them
// the same newest messages.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace meta_model::dispatch {

struct window_fit {
    std::int64_t tokens_in = 0;  // estimate of all messages, as the client sent them
    std::int64_t tokens = 0;     // of what goes out; with what is added, without the tools
    std::int64_t tools_tokens = 0;
    int compacted_chunks = 0;  // groups of messages that were left out
    std::int64_t most_output =
        0;  // what the window then has left for the answer; 0: nothing was compacted
};

// Edits the messages of `changes` so that they and `added_tokens` more fit. What fits stays the client's own bytes, its last
// message too; what does not is cleaned and compacted (spec §4.3). When not even the newest messages can be cut to fit, `changes` say in `refusal` that the call must
// not be made.
window_fit fit_window(
    const request_context& context,
    const upstream::upstream_state& upstream,
    upstream::body_changes& changes,
    std::int64_t added_tokens = 0
);

// Estimate of a message that a strategy adds, with a text of so many bytes.
std::int64_t added_message_tokens(std::size_t text_bytes);

// How many bytes of text are half of a window, for what is shown beside a conversation.
std::size_t half_window_bytes(const upstream::upstream_state& upstream);

// Lets the estimate learn from what an upstream counted for these messages.
void learn_tokens(
    const request_context& context,
    upstream::upstream_state& upstream,
    const window_fit& fit,
    const std::optional<api::token_usage>& usage
);

}  // namespace meta_model::dispatch
