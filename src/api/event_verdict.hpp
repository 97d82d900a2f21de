// What an event of a stream is to the one who relays it as it is. Each wire has an inspector that judges its events; all
// of them offer the same members.
#pragma once

#include <cstdint>

namespace meta_model::api {

enum class event_verdict : std::uint8_t {
    data,       // an event of the answer
    silent,     // a comment, a ping or an event without data
    done,       // the last event of an answer
    malformed,  // not JSON: must not reach the client
    failure,    // an error object
};

}  // namespace meta_model::api
