// Reading requests: heads and bodies, with their limits.
#include "base/text.hpp"
#include "http/connection.hpp"
#include "net/chunk_decoder.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

namespace meta_model::http {

using base::error_code_id;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t first_body_bytes = 1024;
constexpr std::size_t large_body_bytes = 64 * 1024;
constexpr std::size_t chunk_growth = 64 * 1024;
constexpr std::size_t body_step = 64 * 1024;  // in which bodies are counted

base::steady_duration to_steady(config::seconds_f s) {
    return std::chrono::duration_cast<base::steady_duration>(s);
}

}  // namespace

// Room for more input behind what there is; its size.
std::size_t connection::make_input_room() {
    if (begin_ > 0) {
        std::memmove(input_.get(), input_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == input_capacity_) {
        const auto first = has_served_ ? input_bytes : first_input_bytes;
        const auto capacity = input_capacity_ == 0 ? first : input_capacity_ * 4;
        std::unique_ptr<char[]> larger(new char[capacity]);
        std::copy_n(input_.get(), end_, larger.get());
        input_ = std::move(larger);
        input_capacity_ = capacity;
    }
    return input_capacity_ - end_;
}

void connection::note_input(std::size_t bytes) {
    end_ += bytes;
    thread_.shard.counters.add(
        telemetry::counter::received_bytes, static_cast<std::int64_t>(bytes)
    );
}

// Appends at least one byte to the input.
net::task<bool> connection::fill_input() {
    const auto room = make_input_room();
    std::size_t got = 0;
    const auto status = co_await stream_.read_some(input_.get() + end_, room, got);
    note_input(got);
    co_return status == net::io_status::ok;
}

void connection::release_input() {
    input_.reset();
    input_capacity_ = begin_ = end_ = 0;
}

// What is wrong with a head whose end has not come yet.
base::maybe_error connection::judge_unfinished_head(std::string_view text) {
    const auto limit = service_.config.server.limits.max_header_bytes;
    const bool has_line = text.find("\r\n") != std::string_view::npos;
    if (text.size() > limit) {
        return has_line
                   ? base::make_error(
                         error_code_id::headers_too_large,
                         "The request head is larger than " + std::to_string(limit) + " bytes."
                     )
                   : base::make_error(error_code_id::uri_too_long, "The request line is too long.");
    }
    // A bare LF can never become a head we accept; say so now and not at the timeout.
    if (!has_line && text.find('\n') != std::string_view::npos) {
        return base::make_error(
            error_code_id::malformed_request, "The request is not valid HTTP/1.1."
        );
    }
    return {};
}

// Starts to wait for a request. False: at the end of the process, none is waited for any more.
bool connection::begin_idle() {
    auto& timers = thread_.loop.timers();
    phase_ = phase::idle;
    is_timed_out_ = false;
    auto patience = to_steady(service_.config.server.limits.idle_timeout);
    if ((is_draining_ || service_.is_stopping) && input().empty()) {
        if (has_served_) {
            return false;
        }
        patience = first_request_grace;
    }
    timers.arm(*this, steady_clock::now() + patience);
    return true;
}

net::task<connection::input_state> connection::read_head(std::size_t& head_bytes) {
    const auto& limits = service_.config.server.limits;
    auto& timers = thread_.loop.timers();
    std::size_t searched = 0;
    for (;;) {
        // Empty lines in front of a request are allowed and are not its head.
        auto text = input();
        std::size_t skipped = 0;
        while (text.starts_with("\r\n")) {
            text.remove_prefix(2);
            skipped += 2;
        }
        const auto head_end = net::find_head_end(text, searched > 3 ? searched - 3 : 0);
        if (head_end != std::string_view::npos && head_end <= limits.max_header_bytes) {
            head_bytes = skipped + head_end;
            co_return input_state::ready;
        }
        searched = text.size();
        if (auto fault = judge_unfinished_head(text)) {
            start_ = steady_clock::now();
            co_await refuse(std::move(fault), true);
            co_return input_state::refused;
        }
        if (!text.empty() && phase_ == phase::idle) {
            phase_ = phase::head;
            timers.arm(*this, steady_clock::now() + to_steady(limits.header_timeout));
        }
        if ((is_draining_ || service_.is_stopping) && text.empty()) {
            if (has_served_) {
                co_return input_state::closed;
            }
            timers.arm(*this, steady_clock::now() + first_request_grace);
        }
        const auto room = make_input_room();
        std::size_t got = 0;
        const auto status = co_await stream_.read_some(input_.get() + end_, room, got);
        note_input(got);
        if (status != net::io_status::ok) {
            if (is_timed_out_ && phase_ == phase::head) {
                start_ = steady_clock::now();
                base::maybe_error e = base::make_error(
                    error_code_id::request_timeout, "The request head came too slowly."
                );
                co_await refuse(std::move(e), true);
            }
            co_return input_state::closed;
        }
    }
}

// 60 s, and from then on no slower than 1 KiB/s.
void connection::arm_body_deadline(std::size_t received) {
    const auto allowed = to_steady(service_.config.server.limits.body_timeout)
                         + std::chrono::milliseconds(received * 1000 / 1024);
    thread_.loop.timers().arm(*this, start_ + allowed);
}

// Memory for the body. The system gives it page by page as it is written to: what was only announced costs nothing.
bool connection::reserve_body(std::size_t bytes) {
    if (bytes <= body_capacity_) {
        return true;
    }
    const auto capacity = body_capacity_ == 0 ? bytes : std::max(bytes, body_capacity_ * 2);
    std::unique_ptr<char[]> larger(new (std::nothrow) char[capacity]);
    if (!larger) {
        return false;
    }
    if (body_) {
        std::memcpy(larger.get(), body_.get(), body_capacity_);
    }
    body_ = std::move(larger);
    body_capacity_ = capacity;
    return true;
}

// Counts what came of the body against what all requests may hold together.
bool connection::account_body(std::size_t bytes) {
    if (bytes <= body_accounted_) {
        return true;
    }
    const auto rounded = (bytes + body_step - 1) / body_step * body_step;
    const auto added = static_cast<std::int64_t>(rounded - body_accounted_);
    const auto limit = static_cast<std::int64_t>(service_.config.server.limits.max_in_flight_bytes);
    if (service_.in_flight_bytes.fetch_add(added, std::memory_order_relaxed) + added > limit) {
        service_.in_flight_bytes.fetch_sub(added, std::memory_order_relaxed);
        return false;
    }
    body_accounted_ = rounded;
    return true;
}

void connection::release_request() {
    release_body();
    if (begin_ != end_) {
        return;  // the client sent more already: head and rest share their memory
    }
    kept_line_.assign(request_->method).append(request_->path);
    const auto method_bytes = request_->method.size();
    *request_ = {};
    request_->method = std::string_view(kept_line_).substr(0, method_bytes);
    request_->path = std::string_view(kept_line_).substr(method_bytes);
    allow_origin_ = client_request_id_ = preflight_headers_ = {};
    release_input();
}

void connection::release_body() {
    if (body_accounted_ > 0) {
        service_.in_flight_bytes.fetch_sub(
            static_cast<std::int64_t>(body_accounted_), std::memory_order_relaxed
        );
        body_accounted_ = 0;
    }
    body_capacity_ = 0;
    body_.reset();
    request_->body = {};
}

bool connection::replace_body(std::size_t bytes) {
    release_body();
    return account_body(bytes);
}

bool connection::try_read_body() {
    const auto length = static_cast<std::size_t>(content_length_.value_or(0));
    if (body_is_pending_ && !is_chunked_ && input().size() >= length) {
        request_->body = input().substr(0, length);
        consume(length);
        body_is_pending_ = false;
    }
    return !body_is_pending_;
}

net::task<bool> connection::read_body() {
    if (try_read_body()) {
        co_return true;
    }
    if (expects_continue_ && input().empty()) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const iovec part{const_cast<char*>(go_on.data()), go_on.size()};
        std::size_t written = 0;
        stream_.try_write(&part, 1, written);
        expects_continue_ = false;
    }
    phase_ = phase::body;
    thread_.loop.unwatch(*this);  // while it is read from, the read itself sees the end
    arm_body_deadline(0);
    bool is_read = false;
    if (is_chunked_) {
        is_read = co_await read_chunked_body();
    } else {
        is_read = co_await read_sized_body(static_cast<std::size_t>(content_length_.value_or(0)));
    }
    phase_ = phase::serving;
    thread_.loop.timers().disarm(*this);
    if (is_read) {
        body_is_pending_ = false;
        thread_.loop.watch(*this, stream_.fd());
        co_return true;
    }
    if (is_timed_out_) {
        co_await refuse(
            base::make_error(error_code_id::request_timeout, "The request body came too slowly."),
            true
        );
    } else if (!is_committed_) {
        is_gone_ = true;
    }
    co_return false;
}

// Closes: a part of the body may have been read.
base::error connection::too_many_bytes() {
    auto e = base::make_error(
        error_code_id::overloaded, "The gateway holds as many request bytes as it may."
    );
    e.retry_after_s = 1;
    return e;
}

net::task<bool> connection::refuse_body() {
    auto e = too_many_bytes();
    co_await refuse(std::move(e), true);
    co_return false;
}

net::task<bool> connection::read_sized_body(std::size_t length) {
    std::size_t have = input().size();
    // Many that announce much and send little hold little.
    const auto first = length > large_body_bytes ? std::max(first_body_bytes, 2 * have) : length;
    if (!reserve_body(std::min(length, first)) || !account_body(have)) {
        co_return co_await refuse_body();
    }
    std::memcpy(body_.get(), input().data(), have);
    consume(have);
    while (have < length) {
        if (have == body_capacity_ && !reserve_body(length)) {
            co_return co_await refuse_body();
        }
        const auto room = std::min(length, body_capacity_) - have;
        std::size_t got = 0;
        // A body mostly comes as fast as it is read: ask the kernel before waiting.
        auto status = stream_.try_read(body_.get() + have, room, got);
        if (status == net::io_status::would_block) {
            status = co_await stream_.read_some(body_.get() + have, room, got);
        }
        if (status != net::io_status::ok) {
            co_return false;
        }
        have += got;
        arm_body_deadline(have);
        if (!account_body(have)) {
            co_return co_await refuse_body();
        }
    }
    thread_.shard.counters.add(
        telemetry::counter::received_bytes, static_cast<std::int64_t>(length)
    );
    request_->body = {body_.get(), length};
    co_return true;
}

// Decoded where it is read to: the framing takes room for a moment, the body is compact at the end.
net::task<bool> connection::read_chunked_body() {
    const auto limit = service_.config.server.limits.max_body_bytes;
    net::chunk_decoder decoder;
    std::size_t have = 0;      // body bytes
    std::size_t received = 0;  // bytes off the wire
    for (;;) {
        const auto early = input();
        if (!reserve_body(have + std::max(early.size(), chunk_growth))
            || !account_body(body_capacity_)) {
            co_return co_await refuse_body();
        }
        std::size_t got = early.size();
        if (got > 0) {
            std::memcpy(body_.get() + have, early.data(), got);
            consume(got);
        } else {
            const auto status =
                co_await stream_.read_some(body_.get() + have, body_capacity_ - have, got);
            if (status != net::io_status::ok) {
                co_return false;
            }
        }
        received += got;
        arm_body_deadline(received);
        const auto out = decoder.decode(body_.get() + have, got);
        if (out.state == net::chunk_decoder::state::malformed) {
            co_await refuse(
                base::make_error(
                    error_code_id::malformed_request, "The chunked body is malformed."
                ),
                true
            );
            co_return false;
        }
        if (have + out.payload > limit) {
            co_await refuse(
                base::make_error(
                    error_code_id::request_too_large,
                    "The request body is larger than " + std::to_string(limit) + " bytes."
                ),
                false
            );
            co_return false;
        }
        if (out.state == net::chunk_decoder::state::done) {
            keep_surplus({body_.get() + have + out.consumed, got - out.consumed});
            request_->body = {body_.get(), have + out.payload};
            co_return true;
        }
        have += out.payload;
    }
}

// Bytes behind a chunked body are the next request's.
void connection::keep_surplus(std::string_view bytes) {
    if (bytes.size() > input_capacity_ - end_) {
        keep_alive_ =
            false;  // more pipelined than there is room for: the client will send it again
        return;
    }
    std::copy(bytes.begin(), bytes.end(), input_.get() + end_);
    end_ += bytes.size();
}

// A small body that nobody asked for is read away, so that the connection can be used again.
net::task<bool> connection::skip_body() {
    auto left = static_cast<std::size_t>(content_length_.value_or(0));
    thread_.loop.timers().arm(*this, steady_clock::now() + std::chrono::seconds(5));
    while (left > 0) {
        if (input().empty()) {
            const bool has_more = co_await fill_input();
            if (!has_more) {
                co_return false;
            }
        }
        const auto n = std::min(left, input().size());
        consume(n);
        left -= n;
    }
    body_is_pending_ = false;
    co_return true;
}

// Ends our side and takes a little of what the client still sends: a reset would destroy the reply on its way.
net::task<> connection::linger() {
    if (is_gone_) {
        co_return;
    }
    constexpr std::size_t enough = 256 * 1024;
    stream_.shutdown_write();
    thread_.loop.timers().arm(*this, steady_clock::now() + std::chrono::seconds(2));
    std::size_t taken = input().size();
    begin_ = end_ = 0;
    while (taken < enough) {
        begin_ = end_ = 0;
        const bool is_ok = co_await fill_input();
        if (!is_ok) {
            break;
        }
        taken += end_;
    }
}

}  // namespace meta_model::http
