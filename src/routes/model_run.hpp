// What a request to a model is served with and what is kept of it, whether a client's connection waits for it or not.
#pragma once

#include "base/cancel.hpp"
#include "dispatch/request_context.hpp"
#include "routes/model_requests.hpp"

#include <string_view>

namespace meta_model::routes {

// What a request has of who asked. All of it outlives the request.
struct run_client {
    net::event_loop& loop;
    telemetry::thread_shard& shard;
    base::cancel_source& cancel;
    std::string_view request_id;
    std::string_view upstream_header_lines;  // each with CRLF
    base::steady_time start;
    api::request_kind client_kind;  // of what it sent
};

// Everything but the client outlives the context.
dispatch::request_context context_of(
    const model_services& s,
    const run_client& client,
    const dispatch::target& target,
    api::chat_request& request,
    dispatch::answer_sink& sink,
    telemetry::request_record& record
);

// What a strategy throws is a fault of ours: logged with its cause, told without it.
base::maybe_error internal_fault(
    const model_services& s, dispatch::request_context& context, const char* what
);

// Writes into context.record how the request ended, and counts what happened to its streams. `status`: of its reply when
// there is no `failure`.
void complete_record(
    dispatch::request_context& context, const base::maybe_error& failure, int status
);

}  // namespace meta_model::routes
