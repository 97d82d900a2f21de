// The routes of responses that are kept: GET, DELETE, cancel, input_items, input_tokens below /v1/responses.
#pragma once

#include "http/route.hpp"
#include "routes/model_requests.hpp"

namespace meta_model::routes {

void add_response_routes(http::router& router, const model_services& services);

}  // namespace meta_model::routes
