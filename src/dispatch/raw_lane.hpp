// Which requests of a wire of their own reach an upstream in the client's own bytes.
#pragma once

#include "api/chat_request.hpp"
#include "config/config.hpp"
#include "dispatch/catalog.hpp"

namespace meta_model::dispatch {

// Whether the upstream takes requests of this kind as they are.
bool speaks(const config::upstream& upstream, api::request_kind kind);

// Whether the request, of a kind that is else served as the chat that it stands for, goes to the target's one upstream
// as it is, and the reply back: nothing inside of them has to change.
bool is_raw(const target& target, const api::chat_request& request);

}  // namespace meta_model::dispatch
