// Marks of what a next Messages request will begin with, in the body that a client wrote.
#pragma once

#include "api/chat_request.hpp"
#include "upstream/prepare.hpp"

namespace meta_model::dispatch {

// Marks the end of the system text, of the tools and of the user's last message as cacheable, as far as the API takes a mark
// there. A request with a mark of its client's own stays as it is. `changes` has what else becomes of the members.
void add_cache_marks(const api::chat_request& request, upstream::body_changes& changes);

}  // namespace meta_model::dispatch
