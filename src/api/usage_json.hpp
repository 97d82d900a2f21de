// The `usage` object of a reply.
#pragma once

#include "api/message.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// Appends the upstream's own object when there is one (on one line), else one built from the numbers.
void append_usage(std::string& out, const token_usage& usage);

// Appends JSON text without its line breaks, which a valid document has only between tokens: an SSE data line must
// not be broken.
void append_on_one_line(std::string& out, std::string_view json);

}  // namespace meta_model::api
