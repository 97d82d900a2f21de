// GET /v1/models and /v1/models/{id}.
#pragma once

#include "dispatch/catalog.hpp"
#include "http/route.hpp"

#include <string>

namespace meta_model::routes {

// `catalog` must outlive the router.
void add_catalogue_routes(http::router& router, const dispatch::catalog& catalog);

}  // namespace meta_model::routes
