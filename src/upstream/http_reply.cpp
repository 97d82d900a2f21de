// The reply side of an HTTP call: head, framing, body.
#include "base/text.hpp"
#include "net/tls_session.hpp"
#include "upstream/http_call.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace meta_model::upstream {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t max_head_bytes = 64 * 1024;
constexpr int max_interim_replies = 16;

body_kind kind_of(std::string_view content_type) {
    const auto type = base::trim(content_type.substr(0, content_type.find(';')));
    if (base::ascii_iequals(type, "text/event-stream")) {
        return body_kind::event_stream;
    }
    constexpr std::string_view json_suffix = "+json";
    const bool is_json =
        base::ascii_iequals(type, "application/json")
        || (type.size() > json_suffix.size()
            && base::ascii_iequals(type.substr(type.size() - json_suffix.size()), json_suffix));
    return is_json ? body_kind::json : body_kind::other;
}

// Facts of an upstream that clients may see; everything else about it stays here.
bool may_pass(std::string_view name) {
    static constexpr std::string_view beginnings[] = {
        "retry-after", "x-ratelimit-", "ratelimit", "anthropic-ratelimit-"
    };
    return std::ranges::any_of(beginnings, [&](std::string_view start) {
        return base::ascii_iequals(name.substr(0, start.size()), start);
    });
}

// Seconds, -1 when none are named. Clients follow the finer field where there is one; we must not still be waiting when
// they come back, so it is rounded down.
int retry_after(const net::reply_head& head) {
    const auto number = [&](std::string_view name) {
        int n = -1;
        const auto text = head.find(name);
        return std::from_chars(text.data(), text.data() + text.size(), n).ec == std::errc{} ? n
                                                                                            : -1;
    };
    const int ms = number("retry-after-ms");
    const int seconds = ms >= 0 ? ms / 1000 : number("retry-after");
    return std::clamp(seconds, -1, 86400);
}

}  // namespace

net::task<bool> http_call::read_head() {
    auto& c = *connection_;
    std::string long_head;  // only for a head that does not fit the connection's buffer
    c.resize_buffer(connection::reply_bytes);
    for (int interim = 0; interim < max_interim_replies;) {
        const std::string_view buffered = long_head.empty() ? c.unread() : long_head;
        const auto head_end = net::find_head_end(buffered);
        if (head_end != std::string_view::npos) {
            if (!digest_head(buffered.substr(0, head_end))) {
                fail(call_fault::garbage, "unreadable reply head");
                co_return false;
            }
            if (long_head.empty()) {
                c.begin += head_end;
            } else {
                // What followed the head came with the last read, so it fits the buffer.
                const auto rest = std::string_view(long_head).substr(head_end);
                std::memcpy(c.buffer.get(), rest.data(), rest.size());
                c.begin = 0;
                c.end = rest.size();
                long_head.clear();
            }
            if (reply_.status >= 200) {
                head_time_ = steady_clock::now();
                enter(is_stream_ ? phase::first_token : phase::body, head_time_);
                expects_more_ = c.end == c.capacity;
                if (loop_.is_crowded()) {
                    co_await loop_.next_turn();
                }
                co_return true;
            }
            ++interim;
            continue;
        }
        if (buffered.size() >= max_head_bytes) {
            fail(call_fault::garbage, "reply head too large");
            co_return false;
        }
        if (long_head.empty() && c.begin > 0) {
            std::memmove(c.buffer.get(), c.buffer.get() + c.begin, c.end - c.begin);
            c.end -= c.begin;
            c.begin = 0;
        }
        if (long_head.empty() && c.end == c.capacity) {
            long_head.assign(c.buffer.get(), c.end);
        }
        char* const into = long_head.empty() ? c.buffer.get() + c.end : c.buffer.get();
        const auto room = long_head.empty() ? c.capacity - c.end : c.capacity;
        std::size_t got = 0;
        const auto status = co_await c.stream.read_some(into, room, got);
        if (status != net::io_status::ok) {
            if (!error_) {
                error_ = {
                    got_reply_bytes_ ? call_fault::garbage : call_fault::transport,
                    cut_text(status, "before the reply head")
                };
            }
            co_return false;
        }
        got_reply_bytes_ = true;
        if (long_head.empty()) {
            c.end += got;
        } else {
            long_head.append(into, got);
        }
    }
    fail(call_fault::garbage, "too many interim replies");
    co_return false;
}

// For the log. TLS often knows more than "reset", such as the server's alert.
std::string http_call::cut_text(net::io_status status, std::string_view where) const {
    std::string out = status == net::io_status::closed ? "closed " : "reset ";
    out += where;
    const auto* const tls = connection_->stream.tls();
    if (tls != nullptr && !tls->error().empty()) {
        out += ": TLS: " + tls->error();
    }
    return out;
}

void http_call::pass_header(const net::header_field& field) {
    const bool is_id = base::ascii_iequals(field.name, "x-request-id")
                       || base::ascii_iequals(field.name, "request-id");
    if (is_id || may_pass(field.name)) {
        auto& lines = reply_.passed_headers;
        lines.reserve(128);
        base::append_header_safe(lines, is_id ? "X-Upstream-Request-Id" : field.name);
        lines += ": ";
        base::append_header_safe(lines, field.value, 128);
        lines += "\r\n";
    }
}

bool http_call::digest_head(std::string_view head) {
    static thread_local net::reply_head
        parsed;  // large, and needed only until this function returns
    if (!net::parse_reply_head(head, parsed)) {
        return false;
    }
    reply_ = {};
    reply_.status = parsed.status;
    if (parsed.status < 200) {
        return parsed.status != 101;  // nothing was asked to switch
    }
    for (std::size_t i = 0; i < parsed.field_count; ++i) {
        const auto& field = parsed.fields[i];
        switch (field.name.front() | 0x20) {
            case 'c':
                if (base::ascii_iequals(field.name, "content-type")) {
                    reply_.kind = kind_of(field.value);
                } else if (base::ascii_iequals(field.name, "content-encoding")) {
                    reply_.is_encoded = !base::ascii_iequals(field.value, "identity");
                }
                break;
            case 'x':
            case 'r':
            case 'a': pass_header(field); break;
            default: break;
        }
    }
    reply_.retry_after_s = retry_after(parsed);
    framing_ = parsed.framing;
    reply_.has_length = framing_ == net::body_framing::sized || framing_ == net::body_framing::none;
    reply_.content_length = left_ =
        framing_ == net::body_framing::sized ? parsed.content_length : 0;
    is_stream_ = reply_.kind == body_kind::event_stream;
    may_reuse_ = may_reuse_ && parsed.keep_alive;
    if (framing_ == net::body_framing::chunked) {
        chunks_.emplace();
    }
    return true;
}

void http_call::finish() {
    has_ended_ = true;
    enter(phase::idle);
    base::cancel_hook::detach();
    if (!connection_) {
        return;
    }
    // Bytes behind the end belong to nobody: such a connection is not used again.
    if (may_reuse_ && connection_->begin == connection_->end && !is_cancelled_) {
        channel().pool.put(std::move(connection_), steady_clock::now());
    }
    connection_.reset();
}

// Turns bytes off the wire, `size` of them at `data`, into body bytes at the same place.
read_state http_call::take_body(char* data, std::size_t size, std::size_t& got) {
    got = size;
    bool is_end = false;
    if (framing_ == net::body_framing::chunked) {
        const auto out = chunks_->decode(data, size);
        got = out.payload;
        if (out.state == net::chunk_decoder::state::malformed) {
            return fail(call_fault::garbage, "malformed chunk");
        }
        is_end = out.state == net::chunk_decoder::state::done;
        may_reuse_ = may_reuse_ && out.consumed == size;
    } else if (framing_ == net::body_framing::sized) {
        got = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
        left_ -= got;
        is_end = left_ == 0;
        may_reuse_ = may_reuse_ && got == size;
    }
    body_bytes_ += got;
    if (body_bytes_ > most_body_bytes_) {
        return fail(call_fault::too_large, "reply larger than max_reply_bytes");
    }
    if (is_end) {
        finish();
    } else if (phase_ == phase::body) {
        enter(phase::body);  // any byte resets the idle limit
    }
    return got > 0 ? read_state::data : has_ended_ ? read_state::end : read_state::would_block;
}

read_state http_call::try_read(char* into, std::size_t room, std::size_t& got) {
    if (has_ended_) {
        return read_state::end;
    }
    if (error_ || !connection_) {
        return fail(call_fault::cut, "closed");
    }
    if (framing_ == net::body_framing::none
        || (framing_ == net::body_framing::sized && left_ == 0)) {
        finish();
        return read_state::end;
    }
    auto& c = *connection_;
    std::size_t size = 0;
    if (c.begin < c.end) {
        size = std::min(room, c.end - c.begin);
        std::memcpy(into, c.buffer.get() + c.begin, size);
        c.begin += size;
        if (c.begin == c.end) {
            c.begin = c.end = 0;
        }
    }
    if (expects_more_ && size < room && c.begin == c.end) {
        std::size_t more = 0;
        const auto status = c.stream.try_read(into + size, room - size, more);
        switch (status) {
            case net::io_status::ok:
                expects_more_ = more == room - size;
                size += more;
                break;
            case net::io_status::would_block: expects_more_ = false; break;
            case net::io_status::closed:
                if (size == 0 && framing_ == net::body_framing::until_close) {
                    may_reuse_ = false;
                    finish();
                    return read_state::end;
                }
                [[fallthrough]];
            default:
                if (size == 0) {
                    return fail(call_fault::cut, cut_text(status, "in the middle of the reply"));
                }
                break;  // first what came; the next read tells the rest
        }
    }
    if (size == 0 && is_end_overdue_) {
        may_reuse_ = false;
        finish();
        return read_state::end;
    }
    return size == 0 ? read_state::would_block : take_body(into, size, got);
}

net::task<> http_call::wait() {
    if (!connection_ || has_ended_ || error_ || is_end_overdue_) {
        co_return;
    }
    auto& c = *connection_;
    if (c.begin < c.end) {
        co_return;
    }
    if (is_stream_) {
        c.resize_buffer(connection::event_bytes);
    }
    std::size_t got = 0;
    const auto status = co_await c.stream.read_some(c.buffer.get(), c.capacity, got);
    if (status == net::io_status::ok) {
        c.begin = 0;
        c.end = got;
        expects_more_ = got == c.capacity;
    } else {
        expects_more_ = true;  // the next try_read sees the end or the failure itself
        if (status == net::io_status::failed) {
            fail(call_fault::cut, cut_text(status, "in the middle of the reply"));
        }
    }
}

}  // namespace meta_model::upstream
