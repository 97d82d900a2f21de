// Reading an upstream's reply as a whole.
#pragma once

#include "net/event_loop.hpp"
#include "upstream/call.hpp"

#include <string>

namespace meta_model::dispatch {

// Appends the rest of the body to `out`. False: call.error() says why, or the body is larger than `max_bytes`
// (`call.error()` is then empty).
net::task<bool> read_body(
    net::event_loop& loop, upstream::call& call, std::size_t max_bytes, std::string& out
);

}  // namespace meta_model::dispatch
