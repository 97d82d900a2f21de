#include "routes/model_run.hpp"

#include "api/wire_words.hpp"

#include <chrono>

namespace meta_model::routes {

using base::error_code_id;
using std::chrono::steady_clock;

dispatch::request_context context_of(
    const model_services& s,
    const run_client& client,
    const dispatch::target& target,
    api::chat_request& request,
    dispatch::answer_sink& sink,
    telemetry::request_record& record
) {
    return {
        .loop = client.loop,
        .client = *s.clients[static_cast<std::size_t>(client.loop.index())],
        .shard = client.shard,
        .log = s.log,
        .config = s.config,
        .target = target,
        .request = request,
        .sink = sink,
        .cancel = client.cancel,
        .record = record,
        .request_id = client.request_id,
        .upstream_header_lines = client.upstream_header_lines,
        .start = client.start,
        .deadline = dispatch::request_deadline(s.config, request, client.start),
        .purse = dispatch::purse_of(target, request),
        .client_kind = client.client_kind
    };
}

base::maybe_error internal_fault(
    const model_services& s, dispatch::request_context& context, const char* what
) {
    s.log.write(
        base::log_level::error,
        "a request failed with an exception",
        {{"id", context.request_id}, {"profile", context.target.name}, {"what", what}}
    );
    auto e = base::make_error(error_code_id::internal, "internal server error");
    if (!context.sink.is_committed()) {
        return e;
    }
    context.record.outcome = telemetry::outcome_of(e.id);
    context.was_cut = true;
    if (context.request.stream()) {
        const auto event = api::error_event_of(context.request.shape().kind, e, context.request_id);
        context.sink.end({event}
        );  // what the kernel does not take is flushed with the end of the request
    } else {
        context.sink.abort();
    }
    return {};
}

void complete_record(
    dispatch::request_context& context, const base::maybe_error& failure, int status
) {
    using std::chrono::duration_cast;
    auto& r = context.record;
    r.timestamp_ms =
        duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()
        )
            .count();
    r.profile = context.target.id;
    if (r.strategy == telemetry::strategy::none) {
        r.strategy = context.target.strategy;  // unless another one served it in the end
    }
    r.elapsed = duration_cast<std::chrono::microseconds>(steady_clock::now() - context.start);
    if (failure) {
        r.outcome = telemetry::outcome_of(failure->id);
        r.status = static_cast<std::uint16_t>(failure->http_status());
    } else if (r.status == 0) {
        r.status = static_cast<std::uint16_t>(status);
    }
    if (context.cancel.reason() == base::cancel_reason::client_gone) {
        r.outcome = telemetry::outcome_of(error_code_id::client_closed);
    }
    const bool has_failed = r.outcome != telemetry::outcome_code::ok;
    if (has_failed && r.strategy == telemetry::strategy::moa && r.synth_decision.empty()) {
        // What failed before a decision is counted under its error.
        r.synth_decision = r.fallback_reason = telemetry::to_string(r.outcome);
    }
    context.shard.counters.add(telemetry::counter::stream_events_dropped, context.dropped_events);
    context.shard.counters.add(telemetry::counter::streams_cut, context.was_cut ? 1 : 0);
}

}  // namespace meta_model::routes
