// Passing on an upstream's reply that is held as a whole, in the bytes that the upstream wrote.
#pragma once

#include "dispatch/request_context.hpp"

#include <string>
#include <string_view>

namespace meta_model::dispatch {

// JSON text of the name that replaces the upstream's `model`; empty: it stays (decisions on names).
std::string model_replacement(const request_context& context);

// What the gateway looks at in a reply that is held as a whole: raw values, views of its text; empty: not there.
struct reply_members {
    std::string_view model{};
    std::string_view choices{};  // or what another wire has in their place
    std::string_view usage{};
    std::string_view error{};
};

// Checks and reads `body` in one pass. False: it is not one JSON object in valid UTF-8.
bool read_reply(
    std::string_view body, reply_members& out, api::request_kind kind = api::request_kind::chat
);

// Whether a reply without an error has the shape of its wire. A chat without choices, and what is no generation, pass.
bool has_answer(api::request_kind kind, const reply_members& reply);

// Keeps on record that a reply with the shape of its wire tells of a failure, as a response can. Its client gets it as it is.
void note_told_failure(request_context& context, const reply_members& reply);

// Puts `usage` in the place of the one that `body`, a JSON object, has. Without one the body stays as it is.
void replace_usage(std::string& body, const api::token_usage& usage);

// The error object that a server put into a reply with a good status, in place of choices; empty: none.
std::string_view error_in(const reply_members& reply);

// The error for a 2xx reply that is not what was asked for. `detail` goes to the log.
base::error protocol_error(std::string_view detail);

// Tokens from the raw value of `usage`; an estimate from `body_bytes` when it has none.
void account_usage(request_context& context, std::string_view usage, std::size_t body_bytes);

// The same for a reply of which only the end is at hand.
void account_tail(request_context& context, std::string_view tail, std::size_t body_bytes);

// Sends a 2xx reply: `model` replaced and reasoning hidden where the target asks for it, usage accounted.
// `members` are those of `body`; `passed_headers` are the upstream's header lines that clients may see.
write_state send_whole_reply(
    request_context& context,
    int status,
    std::string_view passed_headers,
    std::string_view body,
    const reply_members& members
);

// True when a reply that is not 2xx can be passed on as it is: a JSON object that tells nothing of our own.
bool may_pass_refusal(const request_context& context, int status, std::string_view body);

// Sends such a reply. Nothing must be committed yet.
write_state send_refusal(
    request_context& context, int status, std::string_view passed_headers, std::string_view body
);

}  // namespace meta_model::dispatch
