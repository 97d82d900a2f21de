#include "routes/detached_request.hpp"

#include "api/json_walk.hpp"
#include "dispatch/run.hpp"
#include "routes/model_run.hpp"
#include "routes/wire_translation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <exception>
#include <utility>

namespace meta_model::routes {

using base::error_code_id;

namespace {

base::error refused(error_code_id id, const char* why) {
    auto e = base::make_error(id, why, "background");
    e.retry_after_s = 1;
    return e;
}

}  // namespace

detached_request::detached_request(
    const model_services& services,
    net::event_loop& loop,
    telemetry::thread_shard& shard,
    detached_parts parts
)
    : services_(services),
      responses_(*services.responses),
      loop_(loop),
      shard_(shard),
      request_id_(std::move(parts.request_id)),
      upstream_header_lines_(std::move(parts.upstream_header_lines)),
      start_(parts.start),
      target_(*parts.target),
      writer_(std::move(parts.writer)),
      translated_(std::move(parts.translated)),
      held_(responses_.service, translated_->body().size()) {
    translated_->redirect(sink_);
    responses_.service.in_flight.fetch_add(1, std::memory_order_relaxed);
    shard_.counters.change(telemetry::gauge::requests_in_flight, 1);
    shard_.counters.change(telemetry::gauge::responses_in_background, 1);
}

detached_request::~detached_request() {
    if (is_begun_) {
        writer_->close({.code = "server_error", .message = "The response was not completed."});
        responses_.runs.end(writer_->facts().id);
    }
    responses_.service.in_flight.fetch_sub(1, std::memory_order_relaxed);
    shard_.counters.change(telemetry::gauge::requests_in_flight, -1);
    shard_.counters.change(telemetry::gauge::responses_in_background, -1);
}

base::maybe_error detached_request::admit(std::string& response) {
    const auto& limits = responses_.config.server.limits;
    const auto& service = responses_.service;
    if (service.is_stopping.load(std::memory_order_relaxed)) {
        return refused(error_code_id::server_draining, "The gateway is stopping.");
    }
    // The connection that asked has a place too, and gives it back soon.
    const auto most = static_cast<std::int64_t>(limits.max_in_flight) + 1;
    const auto most_bytes = static_cast<std::int64_t>(limits.max_in_flight_bytes);
    if (service.in_flight.load(std::memory_order_relaxed) > most
        || service.in_flight_bytes.load(std::memory_order_relaxed) > most_bytes) {
        return refused(
            error_code_id::overloaded, "The gateway is serving as many requests as it may."
        );
    }
    if (!responses_.runs.begin(writer_->facts().id, loop_, cancel_)) {
        return refused(
            error_code_id::overloaded,
            "The gateway is making as many responses in the background as it may."
        );
    }
    response = writer_->begin();
    if (response.empty()) {
        responses_.runs.end(writer_->facts().id);
        return refused(
            error_code_id::overloaded, "The gateway has no room to keep another response."
        );
    }
    is_begun_ = true;
    return std::nullopt;
}

void detached_request::start(std::unique_ptr<detached_request> request) {
    auto& loop = request->loop_;
    auto served = serve(std::move(request));
    net::asio::co_spawn(loop.get_executor(), std::move(served), net::asio::detached);
}

net::task<> detached_request::serve(std::unique_ptr<detached_request> request) {
    try {
        co_await request->run();
    } catch (const std::exception& e) {
        request->services_.log.write(
            base::log_level::error,
            "a request failed with an exception",
            {{"id", request->request_id_}, {"what", e.what()}}
        );
    }
}

// What follows the stream is told at once that there is one; what goes wrong from then on is an event of it.
void detached_request::begin() {
    writer_->go_on();
    if (request_.stream()) {
        const dispatch::answer_head head{.content_type = "text/event-stream"};
        const api::pieces heartbeat{": heartbeat\n\n"};
        translated_->begin(head, std::nullopt, heartbeat);
    }
}

net::task<> detached_request::run() {
    // Admitted before, in the connection; the views that this makes are of our own copy.
    const int max_depth = responses_.config.server.limits.max_json_depth + depth_of_translation;
    if (!request_.parse(translated_->body(), max_depth)) {
        co_return;
    }
    begin();
    const run_client asked{
        .loop = loop_,
        .shard = shard_,
        .cancel = *cancel_,
        .request_id = request_id_,
        .upstream_header_lines = upstream_header_lines_,
        .start = start_,
        .client_kind = api::request_kind::responses
    };
    auto context = context_of(services_, asked, target_, request_, *translated_, record_);
    base::maybe_error failure;
    try {
        failure = co_await dispatch::run(context);
    } catch (const std::exception& e) {
        failure = internal_fault(services_, context, e.what());
    }
    writer_->close(failure_of(failure));
    complete_record(context, failure, sink_.status());
    write_log_line(record_);
    services_.recorder.record(shard_, std::move(record_));
}

api::response_failure detached_request::failure_of(const base::maybe_error& error) const {
    api::response_failure out;
    if (error) {
        out.code = error->code();
        out.message = error->message;
    } else if (cancel_->reason() == base::cancel_reason::shutdown) {
        out.code = base::class_of(error_code_id::server_draining).code;
        out.message = "The gateway is stopping.";
    } else {
        const auto told = api::find_member(sink_.error_body(), "error");
        api::append_unescaped(out.code, api::string_body(api::find_member(told, "code")));
        api::append_unescaped(out.message, api::string_body(api::find_member(told, "message")));
    }
    if (out.code.empty()) {
        out.code = "server_error";
    }
    if (out.message.empty()) {
        out.message = "The response could not be completed.";
    }
    return out;
}

// The connection's own line was written when the client was told that the response is queued.
void detached_request::write_log_line(const telemetry::request_record& record) const {
    services_.log.write(
        base::log_level::info,
        "background response ended",
        {{"id", request_id_},
         {"profile", target_.name},
         {"code", std::string(telemetry::to_string(record.outcome))},
         {"elapsed_us", std::to_string(record.elapsed.count())}}
    );
}

}  // namespace meta_model::routes
