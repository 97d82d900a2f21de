// Passing on an upstream's whole reply that is too large to be held.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/call.hpp"

#include <string_view>

namespace meta_model::dispatch {

// Relays a 2xx reply that begins with `first`. Once its head went out, a fault can only end the connection; an error is
// returned only while nothing was committed.
net::task<base::maybe_error> relay_large_reply(
    request_context& context, upstream::call& call, std::string_view first
);

}  // namespace meta_model::dispatch
