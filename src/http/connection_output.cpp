// Writing replies. Everything is tried at once; what the kernel does not take is kept and flushed by the handler.
#include "api/error_body.hpp"
#include "api/json_text.hpp"
#include "api/messages_error.hpp"
#include "base/pace.hpp"
#include "base/text.hpp"
#include "http/connection.hpp"
#include "http/cors.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

namespace meta_model::http {

using std::chrono::steady_clock;

namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::string_view last_chunk = "0\r\n\r\n";
constexpr std::size_t max_gather = 64;

struct reason {
    int status;
    std::string_view text;
};

constexpr std::array reasons{
    reason{200, "OK"},
    reason{204, "No Content"},
    reason{400, "Bad Request"},
    reason{401, "Unauthorized"},
    reason{402, "Payment Required"},
    reason{403, "Forbidden"},
    reason{404, "Not Found"},
    reason{405, "Method Not Allowed"},
    reason{408, "Request Timeout"},
    reason{409, "Conflict"},
    reason{413, "Content Too Large"},
    reason{414, "URI Too Long"},
    reason{415, "Unsupported Media Type"},
    reason{422, "Unprocessable Content"},
    reason{429, "Too Many Requests"},
    reason{431, "Request Header Fields Too Large"},
    reason{500, "Internal Server Error"},
    reason{501, "Not Implemented"},
    reason{502, "Bad Gateway"},
    reason{503, "Service Unavailable"},
    reason{504, "Gateway Timeout"},
};

std::string_view reason_of(int status) {
    for (const auto& r : reasons) {
        if (r.status == status) {
            return r.text;
        }
    }
    return "Status";
}

void append_number(std::string& out, std::uint64_t n, int base = 10) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, n, base).ptr);
}

// RFC 9110 §5.6.7. Made anew at most once a second.
void refresh_date(thread_service& thread) {
    const auto now = std::time(nullptr);
    if (now == thread.date_second) {
        return;
    }
    thread.date_second = now;
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[64];
    const auto n = std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    thread.date_line.assign(text, n);
}

void append_clipped(
    std::string& line,
    bool is_json,
    std::string_view key,
    std::string_view value,
    std::size_t max_bytes
) {
    if (value.size() <= max_bytes) {
        base::append_log_field(line, is_json, key, value);
    } else {
        base::append_log_field(line, is_json, key, base::clip(value, max_bytes));
    }
}

}  // namespace

void connection::make_head(
    std::string& out, int status, std::string_view content_type, std::string_view header_lines
) {
    refresh_date(thread_);
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(status));
    out += ' ';
    out += reason_of(status);
    out += "\r\n";
    out += thread_.date_line;
    if (!content_type.empty()) {
        out += "Content-Type: ";
        out += content_type;
        out += crlf;
    }
    out += "X-MetaModel-Request-Id: ";
    out += request_id_;
    out += "\r\nX-Request-Id: ";
    out += client_request_id_.empty() ? std::string_view(request_id_) : client_request_id_;
    out += "\r\nOpenAI-Request-Id: ";
    out += request_id_;
    out += crlf;
    if (has_anthropic_envelope()) {
        out += "request-id: ";
        out += request_id_;
        out += crlf;
    }
    if (request_->method != "OPTIONS") {
        append_cors_lines(out, allow_origin_, request_->origin);
    }
    out += header_lines;
    if (closes_after()) {
        out += "Connection: close\r\n";
    } else if (is_http_1_0_) {
        out += "Connection: keep-alive\r\n";
    }
}

// One gathering write of head, chunk frame and body. What is left is kept.
send_state connection::transmit(
    std::string_view head, const api::pieces& body, bool as_chunk, bool is_last
) {
    std::array<iovec, max_gather> parts;
    std::size_t count = 0;
    const auto body_bytes = api::total_size(body);
    std::string frame;
    std::string flat;  // for bodies in more pieces than one write takes
    const auto add = [&](std::string_view part) {
        if (!part.empty()) {
            parts[count++] = {const_cast<char*>(part.data()), part.size()};
        }
    };
    add(head);
    if (as_chunk && body_bytes > 0) {
        append_number(frame, body_bytes, 16);
        frame += crlf;
        add(frame);
    }
    if (body.size() + 5 > max_gather) {
        flat.reserve(body_bytes);
        for (const auto part : body) {
            flat += part;
        }
        add(flat);
    } else {
        for (const auto part : body) {
            add(part);
        }
    }
    if (as_chunk && body_bytes > 0) {
        add(crlf);
    }
    if (as_chunk && is_last) {
        add(last_chunk);
    }
    if (!is_last) {
        last_write_ = steady_clock::now();
    }
    std::size_t written = 0;
    if (pending_.empty() && count > 0) {
        const auto status = stream_.try_write(parts.data(), static_cast<int>(count), written);
        if (status == net::io_status::failed) {
            is_gone_ = true;
            cancel_->cancel(base::cancel_reason::client_gone);
            return send_state::closed;
        }
        thread_.shard.counters.add(
            telemetry::counter::sent_bytes, static_cast<std::int64_t>(written)
        );
    }
    for (std::size_t i = 0; i < count; ++i) {
        const auto skip = std::min(written, parts[i].iov_len);
        written -= skip;
        pending_.append(
            static_cast<const char*>(parts[i].iov_base) + skip, parts[i].iov_len - skip
        );
    }
    return pending_.empty() ? send_state::done : send_state::pending;
}

send_state connection::send(
    int status,
    std::string_view content_type,
    std::string_view header_lines,
    const api::pieces& body
) {
    static thread_local std::string head;
    head.clear();
    is_committed_ = true;
    facts_.status = status;
    make_head(head, status, content_type, header_lines);
    if (status != 204) {
        head += "Content-Length: ";
        append_number(head, api::total_size(body));
        head += crlf;
    }
    head += crlf;
    static const api::pieces no_body;
    return transmit(head, is_head_request_ ? no_body : body, false, true);
}

send_state connection::begin(
    int status,
    std::string_view content_type,
    std::string_view header_lines,
    std::optional<std::uint64_t> content_length,
    const api::pieces& first
) {
    static thread_local std::string head;
    head.clear();
    is_committed_ = true;
    facts_.status = status;
    is_open_ended_ = true;
    is_sized_ = content_length.has_value();
    if (!is_sized_ && is_http_1_0_) {
        keep_alive_ = false;  // the end of the connection is the end of the body
    }
    make_head(head, status, content_type, header_lines);
    if (is_sized_) {
        head += "Content-Length: ";
        append_number(head, *content_length);
        head += crlf;
    } else if (!is_http_1_0_) {
        head += "Transfer-Encoding: chunked\r\n";
    }
    head += crlf;
    return transmit(head, first, !is_sized_ && !is_http_1_0_, false);
}

send_state connection::write(const api::pieces& more) {
    return is_gone_ || is_aborted_ ? send_state::closed
                                   : transmit({}, more, !is_sized_ && !is_http_1_0_, false);
}

send_state connection::end(const api::pieces& last) {
    if (is_gone_ || is_aborted_) {
        return send_state::closed;
    }
    is_open_ended_ = false;
    return transmit({}, last, !is_sized_ && !is_http_1_0_, true);
}

void connection::abort() {
    is_aborted_ = true;
    keep_alive_ = false;
    // A reset tells the client that this was no end.
    stream_.reset_on_close();
}

net::task<bool> connection::flush() {
    const auto limit = std::chrono::duration_cast<base::steady_duration>(
        service_.config.server.limits.write_timeout
    );
    const auto start = steady_clock::now();
    auto last_progress = start;
    while (pending_at_ < pending_.size() && !is_gone_ && !is_aborted_) {
        thread_.loop.timers().arm(
            *this, base::pace_deadline(start, last_progress, pending_at_, limit)
        );
        const iovec part{pending_.data() + pending_at_, pending_.size() - pending_at_};
        std::size_t written = 0;
        auto status = stream_.try_write(&part, 1, written);
        if (status == net::io_status::ok) {
            pending_at_ += written;
            last_progress = steady_clock::now();
            thread_.shard.counters.add(
                telemetry::counter::sent_bytes, static_cast<std::int64_t>(written)
            );
            continue;
        }
        if (status == net::io_status::would_block) {
            status = co_await stream_.wait_writable();
        }
        if (status != net::io_status::ok) {
            is_gone_ = true;
            cancel_->cancel(base::cancel_reason::client_gone);
        }
    }
    if (phase_ == phase::serving) {
        thread_.loop.timers().disarm(*this);
    }
    pending_.clear();
    pending_at_ = 0;
    if (pending_.capacity() > 256 * 1024) {
        pending_.shrink_to_fit();
    }
    last_write_ = steady_clock::now();
    co_return !is_gone_ && !is_aborted_;
}

bool connection::has_anthropic_envelope() const {
    const auto envelope =
        route_ != nullptr ? route_->envelope : service_.router.envelope_of(request_->path);
    return envelope == envelope_class::anthropic
           || (envelope == envelope_class::by_version && request_->names_anthropic_version);
}

net::task<> connection::send_error(const base::error& e, std::string_view header_lines) {
    const auto status = e.http_status();
    std::string lines(header_lines);
    if (status == 401) {
        lines += "WWW-Authenticate: Bearer\r\n";
    }
    if (status == 429 || status == 503) {
        const auto seconds = static_cast<std::uint64_t>(e.retry_after_s > 0 ? e.retry_after_s : 1);
        lines += "Retry-After: ";
        append_number(lines, seconds);
        lines += "\r\nretry-after-ms: ";
        append_number(lines, seconds * 1000);
        lines += e.id == base::error_code_id::no_upstream ? "\r\nx-should-retry: false\r\n"
                                                          : "\r\nx-should-retry: true\r\n";
    }
    if (e.id == base::error_code_id::cost_limit_exceeded) {
        lines += "x-should-retry: false\r\n";
    }
    if (e.id == base::error_code_id::wrong_method) {
        lines += "Allow: GET, HEAD, POST, DELETE, OPTIONS\r\n";
    }
    facts_.code = e.code().empty() ? e.type() : e.code();
    facts_.detail = e.detail;
    facts_.error = e.id;
    const auto body =
        has_anthropic_envelope() ? api::messages_error_body(e, request_id_) : api::error_body(e);
    send(status, "application/json", lines, {body});
    co_await flush();
}

void connection::write_access_line() {
    if (facts_.status == 0 && !is_gone_) {
        return;
    }
    auto& shard = thread_.shard;
    const auto elapsed =
        facts_.elapsed
            ? *facts_.elapsed
            : std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start_);
    const int status = is_gone_ && !is_committed_ ? 499 : facts_.status;
    if (!facts_.elapsed) {
        telemetry::request_record record;
        record.status = static_cast<std::uint16_t>(status);
        record.elapsed = elapsed;
        if (is_gone_) {
            record.outcome = telemetry::outcome_of(base::error_code_id::client_closed);
        } else if (facts_.error) {
            record.outcome = telemetry::outcome_of(*facts_.error);
        }
        service_.recorder.record(shard, std::move(record));
    }
    const auto& log = service_.config.server.log;
    auto& out = thread_.access_lines;
    if (!log.access || out.size() > thread_service::max_access_bytes) {
        shard.counters.add(telemetry::counter::log_lines_dropped, log.access ? 1 : 0);
        return;
    }
    const bool is_json = log.format == config::log_format::json;
    base::begin_log_line(out, is_json, base::log_level::info, "request");
    base::append_log_field(out, is_json, "id", request_id_);
    append_clipped(out, is_json, "method", request_->method, 16);
    append_clipped(out, is_json, "path", request_->path, 128);
    base::append_log_number(out, is_json, "status", status);
    base::append_log_number(out, is_json, "elapsed_us", elapsed.count());
    if (!facts_.profile.empty()) {
        base::append_log_field(out, is_json, "profile", facts_.profile);
        base::append_log_field(out, is_json, "strategy", facts_.strategy);
        base::append_log_number(out, is_json, "tokens_in", facts_.tokens_in);
        base::append_log_number(out, is_json, "tokens_out", facts_.tokens_out);
    }
    if (is_gone_) {
        base::append_log_field(out, is_json, "code", "client_closed");
    } else if (!facts_.code.empty()) {
        base::append_log_field(out, is_json, "code", facts_.code);
    }
    if (!facts_.detail.empty()) {
        append_clipped(out, is_json, "detail", facts_.detail, 256);
    }
    base::end_log_line(out, is_json);
}

}  // namespace meta_model::http
