// The routes whose requests are answered by a model, one for each api::request_shape.
#pragma once

#include "config/config.hpp"
#include "dispatch/catalog.hpp"
#include "http/connection.hpp"
#include "http/route.hpp"
#include "routes/response_services.hpp"
#include "telemetry/recorder.hpp"
#include "upstream/client.hpp"

#include <memory>
#include <vector>

namespace meta_model::routes {

// What the handlers of model requests share. All references outlive the routes.
struct model_services {
    const config::gateway_config& config;
    const dispatch::catalog& catalog;
    telemetry::recorder& recorder;
    base::logger& log;
    const response_services* responses = nullptr;  // there before the routes are
    std::vector<upstream::client*> clients{};      // by event_loop::index
};

void add_model_routes(http::router& router, const model_services& services);

}  // namespace meta_model::routes
