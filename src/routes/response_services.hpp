// What the routes of /v1/responses share. All references outlive the routes.
#pragma once

#include "config/config.hpp"
#include "http/service.hpp"
#include "routes/background_runs.hpp"
#include "store/response_store.hpp"

namespace meta_model::routes {

struct response_services {
    const config::gateway_config& config;
    http::service& service;
    store::response_store& store;
    background_runs& runs;
};

}  // namespace meta_model::routes
