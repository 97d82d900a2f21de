// The `usage` object of a reply.
#pragma once

#include "api/message.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// Appends the upstream's own object when there is one (on one line), else one built from the numbers.
void append_usage(std::string& out, const token_usage& usage);

// Adds the numbers of another call; an upstream's own object no longer holds then.
void add_usage(token_usage& sum, const token_usage& more);

// Appends JSON text without its line breaks, which a valid document has only between tokens: an SSE data line must
// not be broken.
void append_on_one_line(std::string& out, std::string_view json);

}  // namespace meta_model::api
