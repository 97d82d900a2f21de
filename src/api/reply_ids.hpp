// Identifiers the gateway gives to its own replies.
#pragma once

#include "base/ids.hpp"

#include <string>

namespace meta_model::api {

// "chatcmpl-" and 24 hexadecimal digits (spec §2.6).
inline std::string make_completion_id() {
    return "chatcmpl-" + base::random_hex(24);
}

// For a tool call that came without an id: a client could not answer it otherwise.
inline std::string make_call_id() {
    return "call_" + base::random_hex(24);
}

}  // namespace meta_model::api
