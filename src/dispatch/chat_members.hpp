// What a chat holds that is read or rewritten here, where no chat server judges it, and what would be lost on that way.
#pragma once

#include "api/request_shape.hpp"
#include "base/error.hpp"
#include "dispatch/catalog.hpp"

namespace meta_model::dispatch {

// Members of a wrong type, and tools that are no functions where an upstream of `target` speaks Anthropic's Messages API,
// which has no like of them. Nothing for what goes to one chat server as it came. `client_kind`: of what the client sent,
// whose members the error names.
base::maybe_error judge_chat(
    const target& target, const api::chat_request& request, api::request_kind client_kind
);

}  // namespace meta_model::dispatch
