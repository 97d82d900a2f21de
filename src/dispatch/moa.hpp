// Mixture-of-Agents (arXiv:2406.04692): independent drafts in parallel, then one synthesizer that turns them into the
// answer, streamed to the client as it is written.
#pragma once

#include "dispatch/request_context.hpp"

#include <optional>

namespace meta_model::dispatch {

// Serves the request. An error is returned only while nothing was committed; the caller writes it.
net::task<base::maybe_error> run_moa(request_context& context);

}  // namespace meta_model::dispatch
