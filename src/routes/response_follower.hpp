// Sends the events of a stored response to a client: those that there are, then each as it comes.
#pragma once

#include "http/connection.hpp"
#include "routes/response_services.hpp"

#include <cstdint>
#include <string>

namespace meta_model::routes {

// Events with numbers above `after`, until they end or the client leaves. The response goes on without its followers. An
// event that is no longer kept, or a response that was deleted, is an error: a reply of its own, or the last event of a
// stream that has begun.
net::task<> follow_response(
    const response_services& s, http::connection& c, std::string id, std::int64_t after
);

}  // namespace meta_model::routes
