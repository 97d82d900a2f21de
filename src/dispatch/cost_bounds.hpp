// What a request in a wire of its own may cost beyond what its body tells. Pure.
#pragma once

#include "api/chat_request.hpp"
#include "base/error.hpp"
#include "upstream/prepare.hpp"

namespace meta_model::dispatch {

// 400 `feature_not_supported_in_v1` with `param`: something of what goes out has a price that is not known before the call,
// such as tools that run at the provider, each round of which reads the prompt again. None for a chat.
base::maybe_error judge_cost_bounds(
    const api::chat_request& request, const upstream::body_changes& changes
);

// The model reads what the body only names, or what a provider makes of a file: a stored conversation or item, a document.
// It may fill the window.
bool reads_what_is_elsewhere(const api::chat_request& request);

}  // namespace meta_model::dispatch
