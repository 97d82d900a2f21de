// What a client that asked for progress (`x_meta_model.progress`) is told of the calls behind its stream while there is no
// answer yet.
#pragma once

#include "dispatch/ledger.hpp"
#include "dispatch/request_context.hpp"

namespace meta_model::dispatch {

// Writes a chunk without choices: `"x_meta_model":{"progress":{"role","upstream","state"[,"reason"],"elapsed_ms"}}`, where
// elapsed_ms counts from the request's start and the others are those of the trace. Commits to the stream. Nothing goes
// out unless the request is a stream that asked for it, once the answer has begun, or while the client does not read.
void report_progress(request_context& context, const ledger_line& call);

}  // namespace meta_model::dispatch
