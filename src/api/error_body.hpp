// The one place where an error becomes JSON (spec §2.2).
#pragma once

#include "base/error.hpp"

#include <string>

namespace meta_model::api {

// {"error":{"message","type","param","code"}}: all four keys, `param` and `code` null when the error has none.
std::string error_body(const base::error& e);

// The same as one SSE event, `data: {…}` and a blank line.
std::string error_event(const base::error& e);

void append_error_event(std::string& out, const base::error& e);

}  // namespace meta_model::api
