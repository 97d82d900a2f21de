// GET /v1/models and /v1/models/{id}, and the OpenAPI description of what is served.
#pragma once

#include "dispatch/catalog.hpp"
#include "http/route.hpp"

#include <string>

namespace meta_model::routes {

// `catalog` must outlive the router.
void add_catalogue_routes(http::router& router, const dispatch::catalog& catalog);

// Serves `/openapi.json`, made from the rows that the router has by now.
void add_openapi_route(http::router& router);

}  // namespace meta_model::routes
