#include "routes/model_requests.hpp"

#include "api/chat_request.hpp"
#include "api/messages_request.hpp"
#include "api/tool_fields.hpp"
#include "base/text.hpp"
#include "dispatch/chat_members.hpp"
#include "dispatch/raw_lane.hpp"
#include "dispatch/run.hpp"
#include "dispatch/tokenize.hpp"
#include "routes/answer_sink.hpp"
#include "routes/detached_request.hpp"
#include "routes/model_run.hpp"
#include "routes/response_follower.hpp"
#include "routes/translated_sink.hpp"
#include "routes/wire_translation.hpp"

#include <algorithm>
#include <exception>
#include <memory>

namespace meta_model::routes {

namespace {

using base::error_code_id;

// `kind`: of what goes to the upstream.
std::string upstream_lines(const http::connection& c, api::request_kind kind) {
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
    // What the client wrote is of the version that it names.
    if (const auto version = c.request().anthropic_version;
        (kind == api::request_kind::messages || kind == api::request_kind::count_tokens)
        && !version.empty()) {
        lines += "anthropic-version: ";
        base::append_header_safe(lines, version, 64);
        lines += "\r\n";
    }
    return lines;
}

run_client run_client_of(
    http::connection& c, api::request_kind kind, std::string_view upstream_header_lines
) {
    return {
        .loop = c.loop(),
        .shard = c.thread().shard,
        .cancel = c.cancel(),
        .request_id = c.request_id(),
        .upstream_header_lines = upstream_header_lines,
        .start = c.start(),
        .client_kind = kind
    };
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
    complete_record(context, failure, c.facts().status);
    set_facts(c, context);
    c.facts().elapsed = context.record.elapsed;
    s.recorder.record(context.shard, std::move(context.record));
}

// What is no chat goes to one upstream that speaks the same wire: nothing of it could be merged, voted on or translated.
base::result<const dispatch::target*> judge_target(
    const dispatch::target& target, const api::chat_request& request
) {
    const auto kind = request.shape().kind;
    const bool is_one_upstream = target.type == config::profile_type::passthrough;
    const bool is_served = is_one_upstream
                               ? dispatch::speaks(target.upstreams.front()->config, kind)
                               : request.is_chat() || api::is_count(kind);
    if (is_served) {
        return &target;
    }
    if (request.is_chat()) {
        return base::make_error(
            error_code_id::not_implemented,
            "The model '" + base::clip(request.requested_name(), 256)
                + "' is served by an upstream that speaks the Responses API only: use "
                  "/v1/responses.",
            "model"
        );
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

// Everything that is decided before an upstream is asked. `client_kind`: of what the client sent, `shape` of what it is served as.
base::result<const dispatch::target*> admit(
    const model_services& s,
    std::string_view body,
    int max_depth,
    const api::request_shape& shape,
    api::request_kind client_kind,
    api::chat_request& request
) {
    if (const auto parsed = request.parse(body, max_depth, shape); !parsed) {
        return parsed.error();
    }
    if (const auto judged = judge(s, request); !judged) {
        return judged.error();
    }
    const auto target = s.catalog.resolve(request.requested_name());
    if (!target) {
        return target;
    }
    auto judged = judge_target(**target, request);
    // An ensemble judges what it is asked when it runs.
    if (judged && (*target)->type == config::profile_type::passthrough) {
        if (auto refusal = dispatch::judge_chat(**target, request, client_kind)) {
            return std::move(*refusal);
        }
    }
    return judged;
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

// A request of another wire as the chat that it is served as.
struct translation {
    std::unique_ptr<response_writer> kept{};  // outlives `sink`; null: nothing is kept
    std::unique_ptr<translated_sink> sink{};  // null: it is served as it is
    bool is_background = false;
};

// Whether anybody could take such a request untranslated.
bool has_speaker(const config::gateway_config& config, api::request_kind kind) {
    return !api::shape_of(kind).upstream_path.empty()
           && std::ranges::any_of(config.upstreams, [kind](const auto& u) {
                  return dispatch::speaks(u.second, kind);
              });
}

// Sets `raw` when the request, read as what its client calls it, goes to its target as it is. The error: it cannot be read
// so; where a translation finds a fault too it is told in that one's words.
base::maybe_error look_for_raw_lane(
    const model_services& s,
    const api::request_shape& shape,
    std::string_view body,
    const dispatch::target*& raw,
    api::chat_request& request
) {
    if (!has_speaker(s.config, shape.kind)) {
        return std::nullopt;
    }
    if (auto parsed = request.parse(body, s.config.server.limits.max_json_depth, shape); !parsed) {
        request = {};
        return std::move(parsed).error();
    }
    const auto target = s.catalog.resolve(request.requested_name());
    if (target && dispatch::is_raw(**target, request)) {
        raw = *target;
    } else {
        request = {};
    }
    return std::nullopt;
}

// Nobody could poll, cancel or go on with it: what the upstream keeps is not served here, and a client that leaves would
// be billed for all of it.
base::maybe_error judge_raw(const api::chat_request& request) {
    const auto* const background = request.find("background");
    if (request.shape().kind != api::request_kind::responses || background == nullptr
        || background->value != "true") {
        return std::nullopt;
    }
    return base::make_error(
        error_code_id::unsupported_responses_param,
        "'background' is not supported where the upstream keeps the responses.",
        "background"
    );
}

// The same for every kind of request. What is served as the chat that it stands for makes `translated` what translates
// the chat's reply for the client, and keeps its body. Where the upstream speaks the client's wire nothing is translated.
base::result<const dispatch::target*> admit_any(
    const model_services& s,
    const api::request_shape& shape,
    const http::connection& c,
    dispatch::answer_sink& client,
    translation& translated,
    api::chat_request& request
) {
    const auto body = c.request().body;
    if (!base::is_valid_utf8(body)) {
        return base::make_error(
            error_code_id::invalid_json, "The request body is not valid UTF-8."
        );
    }
    const int max_depth = s.config.server.limits.max_json_depth;
    if (!is_translated(shape.kind)) {
        auto admitted = admit(s, body, max_depth, shape, shape.kind, request);
        // What the gateway cannot read can be counted by a server that speaks of it.
        if (shape.kind == api::request_kind::count_tokens
            && (!admitted || !dispatch::counts_messages(**admitted))) {
            if (auto judged = api::judge_count_tokens(body, max_depth); !judged) {
                return std::move(judged).error();
            }
        }
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
    const dispatch::target* raw = nullptr;
    auto refusal = look_for_raw_lane(s, shape, body, raw, request);
    if (raw != nullptr) {
        if (auto unserved = judge_raw(request)) {
            return std::move(*unserved);
        }
        return raw;
    }
    const wire_client asking{
        .responses = *s.responses, .who = c.credential(), .request_id = c.request_id()
    };
    auto chat = chat_of(shape.kind, body, max_depth, asking);
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
    if (refusal) {
        return std::move(*refusal);
    }
    translated.kept = std::move(chat->kept);
    translated.is_background = chat->is_background;
    translated.sink =
        std::make_unique<translated_sink>(client, std::move(chat->body), std::move(chat->replies));
    const auto& served = api::shape_of(served_kind(shape.kind));
    const auto chat_text = translated.sink->body();
    auto admitted =
        admit(s, chat_text, max_depth + depth_of_translation, served, shape.kind, request);
    if (!admitted) {
        auto e = std::move(admitted).error();
        name_the_model(e);
        return e;
    }
    return admitted;
}

// The request goes on without this connection, which gets its beginning only, or follows its stream.
net::task<> serve_in_background(
    const model_services& s,
    http::connection& c,
    const dispatch::target& target,
    translation translated,
    bool is_stream
) {
    const std::string id = translated.kept->facts().id;
    detached_parts parts;
    parts.request_id = c.request_id();
    parts.upstream_header_lines = upstream_lines(c, api::request_kind::chat);
    parts.start = c.start();
    parts.target = &target;
    parts.writer = std::move(translated.kept);
    parts.translated = std::move(translated.sink);
    auto detached =
        std::make_unique<detached_request>(s, c.loop(), c.thread().shard, std::move(parts));
    std::string response;
    if (auto refusal = detached->admit(response)) {
        detached.reset();
        co_await c.send_error(*refusal);
        co_return;
    }
    c.facts().profile = target.name;
    detached_request::start(std::move(detached));
    if (is_stream) {
        co_await follow_response(*s.responses, c, id, -1);
    } else {
        c.send(200, "application/json", {}, {response});
    }
    // The run writes the record of the request.
    c.facts().elapsed = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - c.start()
    );
}

net::task<> serve(const model_services& s, const api::request_shape& shape, http::connection& c) {
    if (!c.try_read_body()) {
        const bool is_ok = co_await c.read_body();
        if (!is_ok) {
            co_return;
        }
    }
    http_answer_sink client(c);
    translation translated;
    api::chat_request request;
    base::maybe_error refusal;
    const dispatch::target* target = nullptr;
    if (auto admitted = admit_any(s, shape, c, client, translated, request)) {
        target = *admitted;
        // A detached request counts what it takes with it.
        const bool is_counted = translated.sink && !translated.is_background;
        if (is_counted && !c.replace_body(translated.sink->body().size())) {
            refusal = http::connection::too_many_bytes();
        }
    } else {
        refusal = std::move(admitted).error();
    }
    if (refusal) {
        co_await c.send_error(*refusal);
        co_return;
    }
    if (translated.is_background) {
        const bool is_stream = request.stream();
        co_await serve_in_background(s, c, *target, std::move(translated), is_stream);
        co_return;
    }
    if (translated.kept) {
        translated.kept->watch(c.cancel());
    }
    dispatch::answer_sink& sink =
        translated.sink ? static_cast<dispatch::answer_sink&>(*translated.sink) : client;
    const auto lines = upstream_lines(c, request.shape().kind);
    // Frames above 1 KB are nobody's size class, so what is large stands beside this one.
    const auto kept_record = std::make_unique<telemetry::request_record>();
    const auto asked = run_client_of(c, shape.kind, lines);
    auto context = context_of(s, asked, *target, request, sink, *kept_record);
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
