#include "dispatch/tokenize.hpp"

#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/body_reader.hpp"
#include "dispatch/guarded_call.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/token_estimate.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/whole_reply.hpp"
#include "upstream/prepare.hpp"

#include <algorithm>
#include <cmath>

namespace meta_model::dispatch {

namespace {

using base::error_code_id;
using base::maybe_error;
using telemetry::call_outcome;

// A server without a tokenizer says one of these of its path.
bool has_no_tokenizer(int status) {
    return status == 404 || status == 405 || status == 501;
}

bool is_messages_count(const request_context& c) {
    return c.request.shape().kind == api::request_kind::count_tokens;
}

// Messages are counted by the server that speaks of them, prompts by a tokenizer of the chat wire's servers.
bool may_have_tokenizer(const request_context& c, const upstream::upstream_state& u) {
    return u.config.protocol
           == (is_messages_count(c) ? config::wire_protocol::anthropic
                                    : config::wire_protocol::openai);
}

base::error unreachable(const request_context& context, const upstream::call_error& fault) {
    using upstream::call_fault;
    auto e = error_of(context, fault);
    const bool is_of_transport =
        fault.fault == call_fault::unreached || fault.fault == call_fault::transport
        || fault.fault == call_fault::timeout || fault.fault == call_fault::deadline
        || fault.fault == call_fault::cut || fault.fault == call_fault::garbage;
    if (is_of_transport) {
        e.id = error_code_id::upstream_unreachable;
    }
    return e;
}

net::task<> send(request_context& c, int status, const std::string& body) {
    c.note_first_byte();
    answer_head head;
    head.status = status;
    head.header_lines = c.header_lines;
    if (c.sink.send(head, {body}) == write_state::pending) {
        co_await c.sink.drain();
    }
}

net::task<> send_estimate(request_context& c, const upstream::upstream_state& u) {
    auto estimate = c.prompt_estimate;
    if (is_messages_count(c)) {
        const auto* const tools = c.request.find("tools");
        estimate += tools == nullptr ? 0 : estimate_tools_tokens(tools->value.size());
    }
    const auto tokens = std::llround(static_cast<double>(estimate) * u.tokens_per_estimate.value());
    std::string body = is_messages_count(c) ? R"({"input_tokens":)" : R"({"count":)";
    api::append_json_number(body, tokens);
    if (!is_messages_count(c)) {
        body += R"(,"max_model_len":)";
        api::append_json_number(body, u.config.context);
        body += R"(,"tokens":[],"estimated":true)";
    }
    body += '}';
    c.header_lines += "X-MetaModel-Usage: estimated\r\n";
    c.usage_is_estimated = true;
    co_await send(c, 200, body);
}

// What a server writes that is no JSON object is text to the client.
std::string as_object(std::string body) {
    reply_members members;
    if (read_reply(body, members)) {
        return body;
    }
    std::string out = R"({"raw":)";
    api::append_json_string(out, base::is_valid_utf8(body) ? std::string_view(body) : "");
    out += '}';
    return out;
}

// Relays what the upstream said; `end` becomes how its call ended.
net::task<maybe_error> relay(
    request_context& c, upstream::upstream_state& u, guarded_call& call, call_end& end
) {
    const auto status = call->reply().status;
    std::string body;
    const bool is_whole = co_await read_body(c.loop, *call, u.config.limits.max_reply_bytes, body);
    if (!is_whole) {
        auto fault = call->error();
        if (!fault) {
            fault = {upstream::call_fault::too_large, "the reply is too large"};
        }
        end.outcome = outcome_of(fault.fault);
        co_return unreachable(c, fault);
    }
    end.status = status;
    if (call->reply().is_encoded) {
        end.outcome = call_outcome::non_json;
        co_return protocol_error("an encoded reply was not asked for");
    }
    if (has_no_tokenizer(status)) {
        co_await send_estimate(c, u);
        co_return std::nullopt;
    }
    const bool is_ok = status >= 200 && status <= 299;
    end.outcome = is_ok ? call_outcome::ok : call_outcome::non_2xx;
    if (must_withhold(status) || (!is_ok && holds_secret(c.config, body))) {
        co_return error_of_status(status, call->reply().retry_after_s, loggable(c, body));
    }
    if (!is_ok) {
        c.record.outcome = telemetry::outcome_of(error_code_id::upstream_error);
        c.error_detail = "status " + std::to_string(status);
    }
    append_header(c.header_lines, "X-MetaModel-Tokenizer-Upstream", u.config.key);
    c.header_lines += call->reply().passed_headers;
    const auto text = as_object(std::move(body));
    co_await send(c, status, text);
    co_return std::nullopt;
}

net::task<maybe_error> ask(request_context& c, upstream::upstream_state& u) {
    upstream::prepared_body body;
    const upstream::body_changes none;
    body.prepare(c.request, u.config, none);
    upstream::call_options options;
    options.path = c.request.shape().upstream_path;
    options.is_beside_version = !is_messages_count(c);
    options.header_lines = c.upstream_header_lines;
    options.body = &body.pieces();
    options.deadline = c.deadline;
    options.cancel = &c.cancel;
    guarded_call call(c, u);
    const auto fault = co_await call.start(options, retries::allowed);
    call_end end;
    if (fault) {
        end.outcome = outcome_of(fault.fault);
        call.end(end);
        co_return unreachable(c, fault);
    }
    auto failure = co_await relay(c, u, call, end);
    call.end(end);
    co_return std::move(failure);
}

}  // namespace

base::result<upstream::upstream_state*> tokenizer_of(const target& target) {
    auto candidates = target.upstreams;
    if (target.type == config::profile_type::moa && target.synthesizer != nullptr) {
        candidates.push_back(target.synthesizer);
    }
    const auto* wish = target.profile == nullptr ? nullptr : &target.profile->tokenizer_upstream;
    if (wish != nullptr && !wish->empty()) {
        const auto named =
            std::ranges::find_if(candidates, [&](const auto* u) { return u->config.key == *wish; });
        if (named != candidates.end()) {
            return *named;
        }
    }
    auto* const first = candidates.front();
    const bool is_one_model = std::ranges::all_of(candidates, [&](const auto* u) {
        return u->config.model_id == first->config.model_id;
    });
    if (is_one_model || target.type == config::profile_type::cascade) {
        return first;
    }
    if (target.type == config::profile_type::moa) {
        return candidates.back();
    }
    return base::make_error(
        error_code_id::heterogeneous_tokenizer,
        "The upstreams of '" + target.name
            + "' have different tokenizers: set its tokenizer_upstream.",
        "model"
    );
}

bool counts_messages(const target& target) {
    const auto found = tokenizer_of(target);
    const auto& counter = found ? **found : *target.upstreams.front();
    return counter.config.protocol == config::wire_protocol::anthropic;
}

net::task<maybe_error> run_tokenize(request_context& c) {
    append_plan_headers(c);
    auto found = tokenizer_of(c.target);
    if (!found && !is_messages_count(c)) {
        co_return found.error();
    }
    auto& u = found ? **found : *c.target.upstreams.front();
    c.record.tokens_in = c.prompt_estimate;
    c.record.strategy = telemetry::strategy::passthrough;  // of one upstream, whatever the profile
    if (!found || !may_have_tokenizer(c, u)) {
        co_await send_estimate(c, u);
        co_return std::nullopt;
    }
    co_return co_await ask(c, u);
}

}  // namespace meta_model::dispatch
