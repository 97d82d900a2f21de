// A whole reply as the events that its wire streams it in, for clients that asked for a stream of a server that does not.
#pragma once

#include "api/request_shape.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// Events up to the last one, and that one.
struct replayed_events {
    std::string events{};
    std::string last{};
};

// `kind`: messages or responses. `reply`: a JSON object in UTF-8. Parts of the answer that are known are told piece by piece,
// others whole. False: it is no finished answer.
bool replay_reply(request_kind kind, std::string_view reply, replayed_events& out);

}  // namespace meta_model::api
