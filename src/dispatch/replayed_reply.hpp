// A whole reply in a wire of its own, for a client that asked for a stream: the events that its server would have written.
#pragma once

#include "dispatch/relay_account.hpp"
#include "dispatch/request_context.hpp"
#include "dispatch/whole_reply.hpp"

#include <string>
#include <string_view>

namespace meta_model::dispatch {

// Sends them and ends the stream. An error: the reply is no finished answer, and nothing was sent. `members` are those of
// `body`; `account` may be null; all of them outlive the task.
net::task<base::maybe_error> send_replayed(
    request_context& context,
    std::string_view passed_headers,
    std::string_view body,
    const reply_members& members,
    relay_account* account
);

}  // namespace meta_model::dispatch
