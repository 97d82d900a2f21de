// GET /openapi.json: what is served, in the words of OpenAPI 3.1.
#pragma once

#include "http/route.hpp"

namespace meta_model::routes {

// Serves a document that is made of the rows that the router has by now and of the fields in api::request_shapes.
void add_openapi_route(http::router& router);

}  // namespace meta_model::routes
