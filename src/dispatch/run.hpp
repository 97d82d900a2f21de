// The entry to dispatch: runs the strategy that the request's target stands for.
#pragma once

#include "dispatch/request_context.hpp"

#include <optional>

namespace meta_model::dispatch {

// Serves the request. An error is returned only while nothing was committed; the caller writes it with
// context.header_lines.
net::task<base::maybe_error> run(request_context& context);

}  // namespace meta_model::dispatch
