// POST /tokenize: asks the tokenizer of one of a target's upstreams (spec §7.3).
#pragma once

#include "dispatch/request_context.hpp"

namespace meta_model::dispatch {

// Whose tokenizer speaks for the target. The error: its upstreams have different ones and none is preferred.
base::result<upstream::upstream_state*> tokenizer_of(const target& target);

// Whether the target's messages are counted by a server that speaks of them; else they are estimated.
bool counts_messages(const target& target);

// Serves the request. Where the upstream has no tokenizer to ask, the answer is the gateway's estimate and says so. An
// error is returned only while nothing was committed; the caller writes it.
net::task<base::maybe_error> run_tokenize(request_context& context);

}  // namespace meta_model::dispatch
