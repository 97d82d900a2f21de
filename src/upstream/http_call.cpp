// The request side of a call: its limits, connecting, sending. The reply side is in http_reply.cpp.
#include "upstream/http_call.hpp"

#include "base/pace.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace meta_model::upstream {

namespace {

using std::chrono::steady_clock;

constexpr int max_gather = 64;
constexpr config::seconds_f end_wait{1.0};

base::steady_duration to_steady(config::seconds_f s) {
    return std::chrono::duration_cast<base::steady_duration>(s);
}

const api::pieces& body_of(const call_options& options) {
    static const api::pieces none;
    return options.body != nullptr ? *options.body : none;
}

// A client's own, as the first line or behind another one.
bool names_version(std::string_view header_lines) {
    constexpr std::string_view behind_another = "\r\nanthropic-version: ";
    return header_lines.starts_with(behind_another.substr(2))
           || header_lines.find(behind_another) != std::string_view::npos;
}

// The next pieces of a gathering write, from byte `offset` of the whole on.
int gather(const std::string& head, const api::pieces& body, std::size_t offset, iovec* out) {
    int n = 0;
    const auto add = [&](std::string_view part) {
        if (offset >= part.size()) {
            offset -= part.size();
        } else if (n < max_gather) {
            part.remove_prefix(offset);
            offset = 0;
            out[n++] = {const_cast<char*>(part.data()), part.size()};
        }
    };
    add(head);
    for (const auto part : body) {
        add(part);
    }
    return n;
}

}  // namespace

http_call::http_call(
    net::event_loop& loop,
    net::resolver& names,
    upstream_channels& channels,
    upstream_state& upstream,
    endpoint_state* only
)
    : loop_(loop),
      names_(names),
      channels_(channels),
      upstream_(upstream),
      endpoint_(upstream, only) {
    upstream_.in_flight.fetch_add(1, std::memory_order_relaxed);
    loop_.call_began();
}

http_call::~http_call() {
    loop_.call_ended();
    upstream_.in_flight.fetch_sub(1, std::memory_order_relaxed);
}

void http_call::on_cancel(base::cancel_reason reason) {
    if (reason == base::cancel_reason::deadline && !error_) {
        error_ = {call_fault::deadline, "the request's deadline passed"};
    }
    cancel();
}

void http_call::cancel() {
    is_cancelled_ = true;
    if (!error_) {
        error_ = {call_fault::cancelled, "cancelled"};
    }
    if (connecting_ != nullptr) {
        connecting_->cancel();
    }
    if (connection_) {
        connection_->stream.cancel();
        // The upstream should stop working now, not when our coroutine has run.
        ::shutdown(connection_->stream.fd(), SHUT_RDWR);
    }
}

void http_call::on_deadline() {
    static constexpr std::string_view names[] = {
        "", "connect", "send", "first byte", "first token", "idle", "end"
    };
    const bool is_total = steady_clock::now() >= deadline_;
    if (connecting_ != nullptr && !is_total) {  // one endpoint's time; another one may do
        error_ = {call_fault::timeout, std::string(connecting_->stage()) + " timeout"};
        connecting_->cancel();
        return;
    }
    if (phase_ == phase::end && connection_) {
        is_end_overdue_ = true;
        expects_more_ = true;  // one last look
        connection_->stream.cancel();
        return;
    }
    if (!is_total && !error_ && phase_ == phase::body && has_unread()) {
        enter(phase::body);  // it was not the upstream that was silent: nobody read what it sent
        return;
    }
    if (!error_) {
        error_ = is_total ? call_error{call_fault::deadline, "the request's deadline passed"}
                          : call_error{
                                call_fault::timeout,
                                std::string(names[static_cast<std::size_t>(phase_)]) + " timeout"
                            };
    }
    cancel();
}

// True when bytes, or the end, wait to be read.
bool http_call::has_unread() {
    return connection_ != nullptr
           && (connection_->begin != connection_->end || connection_->stream.has_unexpected_input()
           );
}

void http_call::arm(config::seconds_f limit, base::steady_time now) {
    if (now == base::steady_time{}) {
        now = steady_clock::now();
    }
    loop_.timers().arm(*this, std::min(deadline_, now + to_steady(limit)));
}

void http_call::enter(phase p, base::steady_time now) {
    const auto& limits = upstream_.config.timeouts;
    phase_ = p;
    switch (p) {
        case phase::idle: loop_.timers().disarm(*this); break;
        case phase::connect: arm(limits.connect, now); break;
        case phase::send: break;  // armed with the pace of the upstream
        case phase::first_byte: arm(limits.first_byte, now); break;
        case phase::first_token: arm(limits.first_token, now); break;
        case phase::body: arm(limits.idle, now); break;
        case phase::end: arm(end_wait, now); break;
    }
}

read_state http_call::fail(call_fault fault, std::string detail) {
    if (!error_) {
        error_ = {fault, std::move(detail)};
    }
    enter(phase::idle);
    connection_.reset();
    return read_state::failed;
}

void http_call::note_first_token() {
    if (!has_token_) {
        has_token_ = true;
        if (phase_ == phase::first_token) {
            enter(phase::body);
        }
    }
}

void http_call::expect_end() {
    // Once: comments behind the last event must not lengthen the wait.
    if (phase_ != phase::end && !has_ended_) {
        enter(phase::end);
    }
}

net::task<call_error> http_call::start(const call_options& options) {
    if (!upstream_.misconfiguration.empty()) {
        fail(call_fault::misconfigured, upstream_.misconfiguration);
        co_return error_;
    }
    deadline_ = options.deadline;
    if (upstream_.config.timeouts.total) {
        deadline_ =
            std::min(deadline_, steady_clock::now() + to_steady(*upstream_.config.timeouts.total));
    }
    if (options.cancel != nullptr) {
        options.cancel->attach(*this);
    }
    most_body_bytes_ = options.answers * upstream_.config.limits.max_reply_bytes;
    // A pooled connection may have died unseen; that is no failure of the upstream as long as no reply byte came.
    bool may_take = endpoint_.take_next(options.affinity);
    while (!is_cancelled_) {
        connection_ = may_take ? channel().pool.take() : nullptr;
        may_take = false;
        if (!connection_) {
            const bool is_connected = co_await connect();
            if (!is_connected && !is_cancelled_ && give_up_endpoint(options.affinity)) {
                may_take = true;
                continue;
            }
            if (!is_connected) {
                break;
            }
        }
        enter(phase::first_byte);
        std::size_t sent = 0;
        if (loop_.is_crowded()) {
            co_await loop_.next_turn();
        }
        bool is_sent = send_at_once(options, sent);
        if (!is_sent) {
            is_sent = co_await send_rest(options, sent);
        }
        if (is_sent) {
            const bool is_answered = co_await read_head();
            if (is_answered) {
                co_return call_error{};
            }
        }
        const bool may_try_again =
            !is_cancelled_ && connection_ && connection_->is_reused && !got_reply_bytes_;
        if (!may_try_again) {
            break;
        }
        error_ = {};
    }
    fail(call_fault::transport, "no reply");
    co_return error_;
}

// Of one that could not be connected to. False: there is no other. Nothing was sent, so that another one may take the call.
bool http_call::give_up_endpoint(std::uint64_t affinity) {
    const bool is_its_fault =
        error_.fault == call_fault::unreached || error_.fault == call_fault::timeout;
    endpoint_.note(is_its_fault ? call_signal::failure : call_signal::neutral);
    if (!endpoint_.take_next(affinity)) {
        return false;
    }
    error_ = {};
    return true;
}

net::task<bool> http_call::connect() {
    enter(phase::connect);
    tls_means tls;
    if (endpoint_->where.is_tls) {
        if (!channels_.tls) {
            std::string why;
            channels_.tls = net::tls_context::make(upstream_.tls, why);
        }
        const auto& configured = upstream_.config.tls.server_name;
        tls = {
            .context = channels_.tls.get(),
            .tickets = &channel().tickets,
            .server_name = configured.empty() ? &endpoint_->where.host : &configured
        };
    }
    connector opening(loop_, names_);
    connecting_ = &opening;
    connection_ = co_await opening.open(endpoint_->where, tls);
    connecting_ = nullptr;
    if (is_cancelled_) {
        connection_.reset();
    } else if (!connection_ && !error_) {
        error_ = opening.is_own_lack() ? call_error{call_fault::unavailable, opening.failure(), 1}
                                       : call_error{call_fault::unreached, opening.failure()};
    }
    if (!connection_ && error_ && upstream_.endpoints.size() > 1) {
        error_.detail = endpoint_->where.host_header + ": " + error_.detail;
    }
    co_return connection_ != nullptr;
}

// A reply whose head has begun, while the request is still on its way. Interim replies (1xx) are none, nor is anything
// that is not HTTP/1.
bool http_call::has_early_reply() {
    constexpr std::string_view start = "HTTP/1.x ";
    char head[start.size() + 1];
    const auto size = connection_->stream.peek(head, sizeof head);
    return size == sizeof head && std::string_view(head, 7) == start.substr(0, 7)
           && head[start.size()] >= '2' && head[start.size()] <= '5';
}

// Waits until the upstream takes more of the request; `closed`: it has replied or ended its side already.
net::task<net::io_status> http_call::wait_to_send(
    base::steady_time start, base::steady_time last_progress, std::size_t sent
) {
    phase_ = phase::send;
    const auto limit = to_steady(upstream_.config.timeouts.idle);
    loop_.timers().arm(
        *this, std::min(deadline_, base::pace_deadline(start, last_progress, sent, limit))
    );
    auto& stream = connection_->stream;
    if (ignores_input_) {
        co_return co_await stream.wait_writable();
    }
    const auto status = co_await stream.wait_writable_or_readable();
    if (status != net::io_status::ok) {
        co_return status;
    }
    if (has_early_reply()) {
        co_return net::io_status::closed;
    }
    char byte = 0;
    ignores_input_ = stream.peek(&byte, 1) > 0;
    co_return ignores_input_ || !stream.has_unexpected_input() ? net::io_status::ok
                                                               : net::io_status::closed;
}

void http_call::write_head(const call_options& options, std::string& head) const {
    head += options.method;
    head += ' ';
    std::string_view base = endpoint_->where.path;
    if (options.is_beside_version && base.ends_with("/v1")) {
        base.remove_suffix(3);
    }
    head += base;
    head += options.path;
    if (const auto& query = endpoint_->where.query; !query.empty()) {
        const bool has_own = options.path.find('?') != std::string_view::npos;
        head += has_own ? '&' : '?';
        head.append(query, 1);
    }
    head += " HTTP/1.1\r\nHost: ";
    head += endpoint_->where.host_header;
    head += "\r\nUser-Agent: meta-model/" META_MODEL_VERSION "\r\nAccept-Encoding: identity\r\n";
    head += upstream_.own_headers;
    if (!upstream_.version_line.empty() && !names_version(options.header_lines)) {
        head += upstream_.version_line;
    }
    head += options.header_lines;
    if (options.body != nullptr) {
        char length[24];
        head += "Content-Type: application/json\r\nContent-Length: ";
        head.append(
            length,
            std::to_chars(length, length + sizeof length, api::total_size(*options.body)).ptr
        );
        head += "\r\n";
    }
    head += "\r\n";
}

// Head and body in one write, as nearly always; `sent` tells how much of them the kernel took.
bool http_call::send_at_once(const call_options& options, std::size_t& sent) {
    static thread_local std::string head;
    head.clear();
    write_head(options, head);
    iovec parts[max_gather];
    const int n = gather(head, body_of(options), 0, parts);
    may_reuse_ = connection_->stream.try_write(parts, n, sent) == net::io_status::ok
                 && sent == head.size() + api::total_size(body_of(options));
    return may_reuse_;
}

net::task<bool> http_call::send_rest(const call_options& options, std::size_t sent) {
    std::string head;
    write_head(options, head);
    const auto start = steady_clock::now();
    auto last_progress = start;
    ignores_input_ = false;
    const auto total = head.size() + api::total_size(body_of(options));
    while (sent < total) {
        iovec parts[max_gather];
        const int n = gather(head, body_of(options), sent, parts);
        std::size_t written = 0;
        auto status = connection_->stream.try_write(parts, n, written);
        if (status == net::io_status::ok) {
            sent += written;
            last_progress = steady_clock::now();
            continue;
        }
        if (status == net::io_status::would_block) {
            status = co_await wait_to_send(start, last_progress, sent);
            if (status == net::io_status::ok) {
                continue;
            }
        }
        // An upstream that refuses a body may answer and close before it has read it: look for that answer. A reused
        // connection that has none was closed at rest.
        may_reuse_ = false;
        if (is_cancelled_ || (connection_->is_reused && !has_early_reply())
            || !connection_->stream.has_unexpected_input()) {
            co_return false;
        }
        enter(phase::first_byte);
        co_return true;
    }
    if (phase_ == phase::send) {
        enter(phase::first_byte
        );  // which is counted from here when the upstream was slow to take the request
    }
    may_reuse_ = true;
    co_return true;
}

}  // namespace meta_model::upstream
