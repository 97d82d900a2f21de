// One upstream, its answer relayed (spec §3.4, decisions on lanes): raw where nothing has to change, spliced where
// only the model's name does, filtered where reasoning must not be shown.
#pragma once

#include "dispatch/request_context.hpp"

#include <optional>

namespace meta_model::dispatch {

// Serves the request. An error is returned only while nothing was committed; the caller writes it.
net::task<base::maybe_error> run_passthrough(request_context& context);

}  // namespace meta_model::dispatch
