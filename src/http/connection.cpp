// The life of a connection and the order of judgement. Reading is in connection_input.cpp, writing in
// connection_output.cpp.
#include "http/connection.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"
#include "http/cors.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

namespace meta_model::http {

using base::error_code_id;
using std::chrono::steady_clock;

namespace {

// In the order of forwarded_names.
constexpr net::known_field forwarded_fields[] = {
    net::known_field::openai_beta,
    net::known_field::anthropic_beta,
    net::known_field::traceparent,
    net::known_field::tracestate
};
static_assert(std::size(forwarded_fields) == std::size(forwarded_names));

bool is_request_id(std::string_view id) {
    return !id.empty() && id.size() <= 128 && std::ranges::all_of(id, [](char c) {
        const auto l = static_cast<char>(c | 0x20);
        return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

bool is_json_type(std::string_view content_type) {
    const auto type = base::trim(content_type.substr(0, content_type.find(';')));
    return base::ascii_iequals(type, "application/json");
}

// IP literals, localhost, and what the configuration lists; a page cannot make a browser send these for its own name.
bool is_known_host(std::string_view host, const std::vector<std::string>& allowed) {
    if (host.starts_with('[')) {
        return true;
    }
    const auto name = host.substr(0, host.rfind(':'));
    const bool is_ipv4 =
        !name.empty() && name.find_first_not_of("0123456789.") == std::string_view::npos;
    return host.empty() || is_ipv4 || base::ascii_iequals(name, "localhost")
           || std::ranges::any_of(allowed, [&](const auto& a) {
                  return base::ascii_iequals(a, name) || base::ascii_iequals(a, host);
              });
}

bool is_loopback(std::string_view host) {
    return host.starts_with("127.") || host == "::1" || base::ascii_iequals(host, "localhost");
}

base::error error_of(net::head_fault fault) {
    switch (fault) {
        case net::head_fault::too_many_fields:
            return base::make_error(
                error_code_id::headers_too_large, "The request has too many header fields."
            );
        default:
            return base::make_error(
                error_code_id::malformed_request, "The request is not valid HTTP/1.1."
            );
    }
}

}  // namespace

connection::connection(service& s, thread_service& thread, net::tcp_socket socket)
    : service_(s),
      thread_(thread),
      stream_(std::move(socket)),
      cancel_(std::make_unique<base::cancel_source>()) {
    thread_.connections.insert(this);
    service_.connections.fetch_add(1, std::memory_order_relaxed);
    thread_.shard.counters.change(telemetry::gauge::connections_open, 1);
}

connection::~connection() {
    thread_.loop.unwatch(*this);
    thread_.connections.erase(this);
    service_.connections.fetch_sub(1, std::memory_order_relaxed);
    thread_.shard.counters.change(telemetry::gauge::connections_open, -1);
}

void connection::drain() {
    is_draining_ = true;
    if (phase_ == phase::idle && has_served_) {
        stream_.cancel();
    } else if (phase_ == phase::idle) {
        thread_.loop.timers().arm(*this, steady_clock::now() + first_request_grace);
    }
}

void connection::on_peer_closed() {
    is_gone_ = true;
    cancel_->cancel(base::cancel_reason::client_gone);
    stream_.cancel();
}

void connection::on_deadline() {
    is_timed_out_ = true;
    if (phase_ == phase::serving) {
        // A client that does not read what it asked for.
        is_gone_ = true;
        cancel_->cancel(base::cancel_reason::client_gone);
    }
    stream_.cancel();
}

net::task<> connection::serve(std::unique_ptr<connection> c) {
    try {
        // Not `while (co_await …)`: g++ 12 makes a trap of it.
        for (bool goes_on = true; goes_on;) {
            c->begin_request();
            goes_on = c->begin_idle();
            if (goes_on && c->input().empty()) {
                // Waited for here and not further down: an idle connection holds few frames.
                const auto room = c->make_input_room();
                std::size_t got = 0;
                const auto status =
                    co_await c->stream_.read_some(c->input_.get() + c->end_, room, got);
                goes_on = status == net::io_status::ok;
                c->note_input(got);
            }
            if (goes_on) {
                c->request_ = std::make_unique<http::request>();
                std::size_t head_bytes = 0;
                const auto state = co_await c->read_head(head_bytes);
                goes_on = co_await c->serve_one(state, head_bytes);
            }
        }
    } catch (const std::exception& e) {
        c->service_.log.write(
            base::log_level::error,
            "a request failed with an exception",
            {{"id", c->request_id_}, {"what", e.what()}}
        );
    }
    c->thread_.loop.timers().disarm(*c);
    c->stream_.close();
}

void connection::begin_request() {
    request_.reset();
    facts_ = {};
    route_ = nullptr;
    allow_origin_ = client_request_id_ = preflight_headers_ = {};
    is_committed_ = is_open_ended_ = is_aborted_ = false;
    is_chunked_ = expects_continue_ = is_head_request_ = is_http_1_0_ = body_is_pending_ = false;
    content_length_.reset();
    unread_body_ = 0;
    pending_.clear();
    pending_at_ = 0;
    if (cancel_->is_cancelled()) {
        cancel_ = std::make_unique<base::cancel_source>();
    }
    request_id_.assign("metamodel-");
    base::append_random_hex(request_id_, 24);
}

bool connection::take_slot() {
    const auto limit = static_cast<std::int64_t>(service_.config.server.limits.max_in_flight);
    if (service_.in_flight.fetch_add(1, std::memory_order_relaxed) >= limit) {
        service_.in_flight.fetch_sub(1, std::memory_order_relaxed);
        return false;
    }
    holds_slot_ = true;
    thread_.shard.counters.change(telemetry::gauge::requests_in_flight, 1);
    return true;
}

void connection::end_request() {
    thread_.loop.unwatch(*this);
    if (holds_slot_) {
        holds_slot_ = false;
        service_.in_flight.fetch_sub(1, std::memory_order_relaxed);
        thread_.shard.counters.change(telemetry::gauge::requests_in_flight, -1);
    }
    release_body();
    thread_.loop.timers().disarm(*this);
    phase_ = phase::idle;
    has_served_ = true;
}

// One request from its head, as far as that came, to the end of its reply. False: the connection is to be closed.
net::task<bool> connection::serve_one(input_state state, std::size_t head_bytes) {
    if (state == input_state::ready) {
        if (auto refusal = judge_head(input().substr(0, head_bytes))) {
            co_await refuse(std::move(refusal), true);
        }
    }
    if (state != input_state::ready || is_committed_) {
        if (is_committed_) {
            co_await flush();
            write_access_line();
            co_await linger();
        }
        co_return false;
    }
    phase_ = phase::serving;
    thread_.loop.timers().disarm(*this);
    // The head's bytes stay where they are until the reply is complete: request_ views them.
    body_is_pending_ = is_chunked_ || content_length_.value_or(0) > 0;
    begin_ += head_bytes;

    if (request_->method == "OPTIONS") {
        co_await answer_preflight();
    } else if (auto refusal = judge_access()) {
        co_await refuse(std::move(refusal), false);
    } else {
        thread_.loop.watch(*this, stream_.fd());
        try {
            co_await route_->handler(*this);
        } catch (const std::exception& e) {
            note_fault(e.what());
        }
        if (!is_committed_ && !is_gone_ && !is_aborted_) {
            base::maybe_error e =
                base::make_error(error_code_id::internal, "internal server error");
            co_await refuse(std::move(e), true);
        }
    }
    bool is_flushed = true;
    if (has_pending()) {
        is_flushed = co_await flush();
    }
    const bool is_clean = is_flushed && !is_gone_ && !is_aborted_ && !is_open_ended_;
    write_access_line();
    bool goes_on = is_clean && !closes_after();
    if (goes_on && body_is_pending_) {
        goes_on = co_await skip_body();
    } else if (is_clean && body_is_pending_) {
        co_await linger();
    }
    end_request();
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (input_capacity_ != input_bytes) {
            release_input();
        }
    }
    co_return goes_on;
}

// The handler threw. What it committed to cannot be completed; otherwise the caller answers.
void connection::note_fault(const char* what) {
    service_.log.write(
        base::log_level::error,
        "a request failed with an exception",
        {{"id", request_id_}, {"what", what}}
    );
    phase_ = phase::serving;
    keep_alive_ = false;
    if (is_committed_) {
        abort();
    }
}

// Framing and limits of the head. Everything refused here closes the connection.
base::maybe_error connection::judge_head(std::string_view text) {
    static thread_local net::request_head
        head;  // large, and needed only until this function returns
    start_ = steady_clock::now();
    while (text.starts_with("\r\n")) {
        text.remove_prefix(2);  // RFC 9112 §2.2
    }
    if (const auto fault = net::parse_request_head(text, head); fault != net::head_fault::none) {
        keep_alive_ = false;
        return error_of(fault);
    }
    keep_alive_ = head.keep_alive;
    is_http_1_0_ = head.is_http_1_0;
    is_chunked_ = head.is_chunked;
    content_length_ = head.content_length;
    expects_continue_ = head.expects_continue;
    is_head_request_ = head.method == "HEAD";
    request_->method = head.method;
    request_->path = path_of(head.target);
    request_->query = query_of(head.target);
    request_->origin = head.get(net::known_field::origin);
    request_->accept = head.get(net::known_field::accept);
    request_->content_type = head.get(net::known_field::content_type);
    for (std::size_t i = 0; i < std::size(forwarded_names); ++i) {
        request_->forwarded[i] = head.get(forwarded_fields[i]);
    }
    request_->names_anthropic_version = head.count(net::known_field::anthropic_version) > 0;
    request_->anthropic_version = head.get(net::known_field::anthropic_version);
    preflight_headers_ = head.get(net::known_field::access_control_request_headers);
    allow_origin_ = allowed_origin(service_.config.server.cors_allow_origins, request_->origin);
    if (const auto id = head.get(net::known_field::x_request_id); is_request_id(id)) {
        client_request_id_ = id;
    }
    if (head.target.size() > 8192) {
        keep_alive_ = false;
        return base::make_error(
            error_code_id::uri_too_long, "The request target is longer than 8192 bytes."
        );
    }
    if (request_->path.empty()) {
        keep_alive_ = false;
        return base::make_error(
            error_code_id::malformed_request, "The request target is not a path."
        );
    }
    const auto found = service_.router.find(request_->method, request_->path);
    route_ = found.route;
    request_->path_rest = found.path_rest;
    // The answer to an unknown path must not tell strangers what exists, so the credential is judged before it.
    access_error_.reset();
    auto who = authenticate(
        service_.keys,
        head.get(net::known_field::authorization),
        head.get(net::known_field::x_api_key)
    );
    is_authenticated_ = who.has_value();
    if (who) {
        credential_ = *who;
    } else {
        access_error_ = std::move(who).error();
    }
    if (service_.router.is_exempt(request_->path) || request_->method == "OPTIONS") {
        access_error_.reset();
    }
    if (!access_error_ && service_.keys.is_open() && is_loopback(service_.config.server.host)
        && !is_known_host(head.host, service_.config.server.allowed_hosts)) {
        access_error_ =
            base::make_error(error_code_id::forbidden_host, "This host name is not served here.");
    }
    if (!access_error_ && route_ == nullptr && request_->method != "OPTIONS") {
        access_error_ =
            found.is_path_known
                ? base::make_error(
                      error_code_id::wrong_method, "This path does not serve this method."
                  )
                : base::make_error(error_code_id::unknown_path, "There is nothing at this path.");
    }
    if (!access_error_ && !head.get(net::known_field::content_encoding).empty()
        && !base::ascii_iequals(head.get(net::known_field::content_encoding), "identity")) {
        access_error_ = base::make_error(
            error_code_id::unsupported_media_type,
            "Request bodies must not be encoded (Content-Encoding)."
        );
    }
    return std::nullopt;
}

// Everything that is decided before the body is read.
base::maybe_error connection::judge_access() {
    if (access_error_) {
        return std::move(access_error_);
    }
    if (auto refusal = judge_body_head()) {
        return refusal;
    }
    if (route_->auth == auth_class::token && !take_slot()) {
        auto e = base::make_error(
            error_code_id::overloaded, "The gateway is serving as many requests as it may."
        );
        e.retry_after_s = 1;
        return e;
    }
    return std::nullopt;
}

base::maybe_error connection::judge_body_head() const {
    if (route_->body == body_class::none) {
        return std::nullopt;
    }
    const auto limit = service_.config.server.limits.max_body_bytes;
    if (content_length_.value_or(0) > limit) {
        return base::make_error(
            error_code_id::request_too_large,
            "The request body is larger than " + std::to_string(limit) + " bytes."
        );
    }
    // A page of another origin may send a form without asking first; JSON it may not.
    const bool is_simple = !request_->origin.empty() && !is_json_type(request_->content_type);
    if (is_simple && service_.keys.is_open()) {
        return base::make_error(
            error_code_id::unsupported_media_type, "The Content-Type must be application/json."
        );
    }
    return std::nullopt;
}

net::task<> connection::answer_preflight() {
    std::string lines;
    append_preflight_lines(lines, allow_origin_, preflight_headers_);
    facts_.status = 204;
    send(204, {}, lines, {});
    co_return;
}

// Answers with an error. Fatal ones, and those whose body is not worth reading away, close the connection.
net::task<> connection::refuse(base::maybe_error e, bool is_fatal) {
    if (is_fatal) {
        keep_alive_ = false;
    }
    const auto unread = content_length_.value_or(0);
    constexpr std::uint64_t worth_reading = 64 * 1024;
    if (is_chunked_ || unread > worth_reading || expects_continue_) {
        keep_alive_ = false;
    }
    co_await send_error(*e);
}

bool connection::closes_after() const {
    return !keep_alive_ || is_draining_ || service_.is_draining.load(std::memory_order_relaxed);
}

}  // namespace meta_model::http
