// The voting strategy: everybody is asked at once, the ballots are counted, and the voters who can no longer change the
// result are let go (spec §3.13; docs/configuration.md for ballots and aggregations).
#pragma once

#include "base/error.hpp"
#include "dispatch/request_context.hpp"
#include "net/asio_types.hpp"

namespace meta_model::dispatch {

// For targets of type voting. A returned error was not answered yet.
net::task<base::maybe_error> run_voting(request_context& context);

}  // namespace meta_model::dispatch
