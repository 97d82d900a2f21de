// What the gateway itself reads from the replies of each wire and writes into them, where they are relayed as they are.
#pragma once

#include "api/message.hpp"
#include "api/request_shape.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::api {

// What keeps a stream alive: a comment, or the wire's own ping.
std::string_view heartbeat_of(request_kind kind);

// An error that ends a stream. `request_id`: ours, for a wire that shows it; `sequence_number`: of this event, where the
// wire counts its events.
std::string error_event_of(
    request_kind kind,
    const base::error& e,
    std::string_view request_id,
    std::int64_t sequence_number = 0
);

// The body of a reply with `status` that tells of an error what an event told: `data` is the event's, `error` the error
// object in it, as the inspectors find it. Empty: it has no message.
std::string refusal_of(
    request_kind kind, std::string_view data, std::string_view error, int status
);

// The last event of a stream, in which it tells the JSON object `extension`, our `x_meta_model`: in a ping before it, or as a
// member of its response, since clients of the Responses API refuse types of events that they do not know.
std::string with_extension(
    request_kind kind, std::string_view last_event, std::string_view extension
);

// The member of a whole reply that holds the answer: a list.
std::string_view answer_member_of(request_kind kind);

// Reads the wire's `usage` object. False: it tells no tokens.
bool read_usage_of(request_kind kind, std::string_view raw, token_usage& out);

// The HTTP status that goes with the `type` or `code` of an error object; 0: none is known.
int status_of_error_words(std::string_view error);

}  // namespace meta_model::api
