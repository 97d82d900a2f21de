// An answer that the gateway writes itself, from a draft: as a stream or as one body.
#pragma once

#include "api/chat_stream_encoder.hpp"
#include "api/message.hpp"
#include "dispatch/panel.hpp"
#include "dispatch/request_context.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

// The answer of an ensemble, in the way the client asked for it. `extension`: JSON text of `x_meta_model`; empty: none.
net::task<> send_draft(request_context& context, api::draft answer, std::string extension = {});

// Writes a whole answer as a stream, under the reasoning policy.
net::task<> send_draft_as_stream(
    request_context& context, api::draft answer, bool expose_reasoning, std::string extension = {}
);

// The options of a chat stream that the gateway writes for this request. `written_model`: the upstream's own name.
api::chat_stream_options stream_options(
    const request_context& context, bool expose_reasoning, std::string_view written_model = {}
);

// JSON text of `x_meta_model`: the strategy's own, and with `trace` every leg and what they cost. Empty: there is none.
std::string reply_extension(const request_context& context, std::string own = {});

// Commits with, or writes, what an encoder made, and empties it. False: the client is gone.
net::task<bool> write_encoded(request_context& context, std::string& out);

// Puts the answer's size and usage into the record; without usage they are estimated.
void record_answer(
    request_context& context,
    const std::optional<api::token_usage>& usage,
    std::size_t content_bytes
);

}  // namespace meta_model::dispatch
