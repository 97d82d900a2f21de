// What operators and load balancers ask: health, liveness, metrics.
#pragma once

#include "config/config.hpp"
#include "dispatch/catalog.hpp"
#include "health/monitor.hpp"
#include "http/route.hpp"
#include "http/service.hpp"
#include "telemetry/recorder.hpp"

namespace meta_model::routes {

// All references outlive the routes.
struct operation_services {
    const config::gateway_config& config;
    const dispatch::catalog& catalog;
    const upstream::registry& upstreams;
    health::monitor& monitor;
    telemetry::recorder& recorder;
    const http::service* service = nullptr;  // known once the routes are
};

void add_operation_routes(http::router& router, const operation_services& services);

}  // namespace meta_model::routes
