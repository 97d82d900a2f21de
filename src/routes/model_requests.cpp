#include "routes/model_requests.hpp"

#include "api/chat_request.hpp"
#include "api/error_body.hpp"
#include "api/messages_request.hpp"
#include "api/tool_fields.hpp"
#include "base/text.hpp"
#include "dispatch/run.hpp"
#include "routes/answer_sink.hpp"
#include "routes/translated_sink.hpp"
#include "routes/wire_translation.hpp"

#include <chrono>
#include <exception>
#include <memory>

namespace meta_model::routes {

namespace {

using base::error_code_id;
using std::chrono::steady_clock;

std::string upstream_lines(const http::connection& c) {
    std::string lines;
    lines.reserve(96);
    lines += "X-Request-Id: ";
    lines += c.request_id();
    lines += "\r\n";
    for (std::size_t i = 0; i < std::size(http::forwarded_names); ++i) {
        const auto value = c.request().forwarded[i];
        if (!value.empty()) {
            lines += http::forwarded_names[i];
            lines += ": ";
            base::append_header_safe(lines, value, 1024);
            lines += "\r\n";
        }
    }
    return lines;
}

base::result<void> judge(const model_services& s, const api::chat_request& request) {
    if (s.config.upstreams.empty()) {
        return base::make_error(error_code_id::no_upstream, "No upstream is configured.");
    }
    if (!request.is_chat()) {
        return {};
    }
    if (request.find("max_tokens") != nullptr && request.find("max_completion_tokens") != nullptr) {
        return base::make_error(
            error_code_id::conflicting_params,
            "'max_tokens' and 'max_completion_tokens' cannot both be given.",
            "max_tokens"
        );
    }
    if (const auto judged = api::judge_legacy_tools(request); !judged) {
        return judged.error();
    }
    return {};
}

void set_facts(http::connection& c, const dispatch::request_context& context) {
    auto& facts = c.facts();
    facts.profile = context.target.name;
    facts.strategy = telemetry::to_string(context.record.strategy);
    facts.tokens_in = context.record.tokens_in;
    facts.tokens_out = context.record.tokens_out;
    if (facts.detail.empty()) {
        facts.detail = context.error_detail;
    }
    if (facts.code.empty() && context.record.outcome != telemetry::outcome_code::ok) {
        facts.code = telemetry::to_string(context.record.outcome);
    }
}

// Every outcome is recorded, the failed ones above all.
void record(
    http::connection& c,
    const model_services& s,
    dispatch::request_context& context,
    const base::maybe_error& failure
) {
    using std::chrono::duration_cast;
    auto& r = context.record;
    auto& shard = c.thread().shard;
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
        r.status = static_cast<std::uint16_t>(c.facts().status);
    }
    if (context.cancel.reason() == base::cancel_reason::client_gone) {
        r.outcome = telemetry::outcome_of(error_code_id::client_closed);
    }
    const bool has_failed = r.outcome != telemetry::outcome_code::ok;
    if (has_failed && r.strategy == telemetry::strategy::moa && r.synth_decision.empty()) {
        // What failed before a decision is counted under its error.
        r.synth_decision = r.fallback_reason = telemetry::to_string(r.outcome);
    }
    shard.counters.add(telemetry::counter::stream_events_dropped, context.dropped_events);
    shard.counters.add(telemetry::counter::streams_cut, context.was_cut ? 1 : 0);
    set_facts(c, context);
    c.facts().elapsed = context.record.elapsed;
    s.recorder.record(shard, std::move(r));
}

// What is no chat goes to one upstream that speaks the same wire: nothing of it could be merged, voted on or translated.
base::result<const dispatch::target*> judge_target(
    const dispatch::target& target, const api::chat_request& request
) {
    const bool is_one_upstream = target.type == config::profile_type::passthrough;
    const bool is_served =
        request.is_chat() || api::is_count(request.shape().kind)
        || (is_one_upstream
            && target.upstreams.front()->config.protocol != config::wire_protocol::anthropic);
    if (is_served) {
        return &target;
    }
    return base::make_error(
        error_code_id::feature_not_supported_in_v1,
        "The model '" + base::clip(request.requested_name(), 256) + "' does not serve "
            + std::string(request.shape().path)
            + (is_one_upstream ? ": its upstream has another protocol."
                               : ": it is an ensemble. Ask one of its upstreams by its own name."),
        "model"
    );
}

// Everything that is decided before an upstream is asked.
base::result<const dispatch::target*> admit(
    const model_services& s,
    std::string_view body,
    int max_depth,
    const api::request_shape& shape,
    api::chat_request& request
) {
    if (const auto parsed = request.parse(body, max_depth, shape); !parsed) {
        return parsed.error();
    }
    if (const auto judged = judge(s, request); !judged) {
        return judged.error();
    }
    const auto target = s.catalog.resolve(request.requested_name());
    return target ? judge_target(**target, request) : target;
}

// What a strategy throws is a fault of ours: logged with its cause, told without it.
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
        const auto event = api::error_event(e);
        context.sink.end({event}
        );  // what the kernel does not take is flushed with the end of the request
    } else {
        context.sink.abort();
    }
    return {};
}

// On this wire an unknown name is a mistake in a field.
void name_the_model(base::error& e) {
    if (e.id == error_code_id::model_not_found) {
        e.id = error_code_id::unknown_model;
        e.param = "model";
    } else if (e.id == error_code_id::feature_disabled) {
        e.param = "model";
    }
}

// The same for every kind of request. What is served as the chat that it stands for makes `translated` what translates
// the chat's reply for `client`, and keeps its body.
base::result<const dispatch::target*> admit_any(
    const model_services& s,
    const api::request_shape& shape,
    std::string_view body,
    dispatch::answer_sink& client,
    std::string_view request_id,
    std::unique_ptr<translated_sink>& translated,
    api::chat_request& request
) {
    if (!base::is_valid_utf8(body)) {
        return base::make_error(
            error_code_id::invalid_json, "The request body is not valid UTF-8."
        );
    }
    if (shape.kind == api::request_kind::count_tokens) {
        const auto judged = api::judge_count_tokens(body, s.config.server.limits.max_json_depth);
        if (!judged) {
            return judged.error();
        }
    }
    const int max_depth = s.config.server.limits.max_json_depth;
    if (!is_translated(shape.kind)) {
        auto admitted = admit(s, body, max_depth, shape, request);
        if (!admitted && api::is_count(shape.kind)) {
            auto e = std::move(admitted).error();
            name_the_model(e);
            return e;
        }
        return admitted;
    }
    if (s.config.upstreams.empty()) {
        return s.catalog.resolve({});
    }
    auto chat = chat_of(shape.kind, body, max_depth, request_id);
    if (!chat) {
        auto e = std::move(chat).error();
        // What is not served is told of models that are there only.
        if (e.http_status() == 501 && request.parse(body, max_depth, shape)) {
            if (auto target = s.catalog.resolve(request.requested_name()); !target) {
                e = std::move(target).error();
                name_the_model(e);
            }
        }
        return e;
    }
    translated =
        std::make_unique<translated_sink>(client, std::move(chat->body), std::move(chat->replies));
    // A chat has some members deeper than the request that became it.
    constexpr int deeper = 2;
    auto admitted = admit(
        s, translated->body(), max_depth + deeper, api::shape_of(api::request_kind::chat), request
    );
    if (!admitted) {
        auto e = std::move(admitted).error();
        name_the_model(e);
        return e;
    }
    return admitted;
}

net::task<> serve(const model_services& s, const api::request_shape& shape, http::connection& c) {
    if (!c.try_read_body()) {
        const bool is_ok = co_await c.read_body();
        if (!is_ok) {
            co_return;
        }
    }
    http_answer_sink client(c);
    std::unique_ptr<translated_sink> translated;
    api::chat_request request;
    base::maybe_error refusal;
    const dispatch::target* target = nullptr;
    if (auto admitted =
            admit_any(s, shape, c.request().body, client, c.request_id(), translated, request)) {
        target = *admitted;
    } else {
        refusal = std::move(admitted).error();
    }
    if (refusal) {
        co_await c.send_error(*refusal);
        co_return;
    }
    dispatch::answer_sink& sink =
        translated ? static_cast<dispatch::answer_sink&>(*translated) : client;
    const auto lines = upstream_lines(c);
    // Frames above 1 KB are nobody's size class, so what is large stands beside this one.
    const auto kept_record = std::make_unique<telemetry::request_record>();
    dispatch::request_context context{
        .loop = c.loop(),
        .client = *s.clients[static_cast<std::size_t>(c.loop().index())],
        .shard = c.thread().shard,
        .log = s.log,
        .config = s.config,
        .target = *target,
        .request = request,
        .sink = sink,
        .cancel = c.cancel(),
        .record = *kept_record,
        .request_id = c.request_id(),
        .upstream_header_lines = lines,
        .start = c.start(),
        .deadline = dispatch::request_deadline(s.config, request, c.start()),
        .purse = dispatch::purse_of(*target, request),
        .client_kind = shape.kind
    };
    base::maybe_error failure;
    try {
        failure = co_await dispatch::run(context);
    } catch (const std::exception& e) {
        failure = internal_fault(s, context, e.what());
    }
    if (failure && context.cancel.reason() != base::cancel_reason::client_gone) {
        co_await c.send_error(*failure, context.header_lines);
    }
    record(c, s, context, failure);
}

http::envelope_class envelope_of(api::request_kind kind) {
    const bool is_anthropic =
        kind == api::request_kind::messages || kind == api::request_kind::count_tokens;
    return is_anthropic ? http::envelope_class::anthropic : http::envelope_class::openai;
}

}  // namespace

void add_model_routes(http::router& router, const model_services& services) {
    for (const auto& shape : api::request_shapes()) {
        router.add(
            {.method = "POST",
             .path = std::string(shape.path),
             .body = http::body_class::json,
             .envelope = envelope_of(shape.kind),
             .handler = [&services,
                         &shape](http::connection& c) { return serve(services, shape, c); }}
        );
    }
}

}  // namespace meta_model::routes
