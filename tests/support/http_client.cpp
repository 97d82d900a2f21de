#include "support/http_client.hpp"

#include <charconv>
#include <sys/socket.h>

namespace meta_model::support {

namespace {

constexpr std::size_t read_bytes = 65536;

int status_of(const std::string& start_line) {
    int status = 0;
    if (start_line.rfind("HTTP/1.", 0) != 0 || start_line.size() < 12) {
        throw client_error("not a status line: " + start_line);
    }
    std::from_chars(start_line.data() + 9, start_line.data() + 12, status);
    return status;
}

}  // namespace

nlohmann::json http_reply::json() const {
    auto parsed = nlohmann::json::parse(body, nullptr, false);
    if (parsed.is_discarded()) {
        throw client_error("body is not JSON: " + start_line + " | " + body.substr(0, 300));
    }
    return parsed;
}

std::string http_reply::error_code() const {
    const auto parsed = nlohmann::json::parse(body, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("error") || !parsed["error"].is_object()) {
        return {};
    }
    const auto& error = parsed["error"];
    return error.contains("code") && error["code"].is_string() ? error["code"].get<std::string>()
                                                               : std::string();
}

void http_client::send(std::string_view bytes) {
    if (!try_send(bytes)) {
        throw client_error("the peer does not read");
    }
}

bool http_client::try_send(std::string_view bytes) {
    return write_all(socket_.get(), bytes, clock::now() + default_wait) == io_end::ok;
}

io_end http_client::fill(clock::time_point until) {
    const auto old_size = buffer_.size();
    buffer_.resize(old_size + read_bytes);
    const auto got = read_some(socket_.get(), buffer_.data() + old_size, read_bytes, until);
    buffer_.resize(old_size + got.bytes);
    return got.end;
}

http_reply http_client::read_head(milliseconds within) {
    const auto until = clock::now() + within;
    auto head = take_head(buffer_);
    while (!head) {
        const auto end = fill(until);
        if (end == io_end::timed_out) {
            throw client_error("no reply head in time");
        }
        if (end != io_end::ok) {
            throw client_error(
                "connection ended before a reply head; got: " + buffer_.substr(0, 200)
            );
        }
        head = take_head(buffer_);
    }
    http_reply reply;
    reply.head_at = clock::now();
    reply.start_line = head->start_line;
    reply.status = status_of(head->start_line);
    reply.headers = head->headers;

    chunks_ = {};
    left_ = 0;
    if (reply.status < 200 || reply.status == 204 || reply.status == 304) {
        framing_ = framing::none;
    } else if (same_name(reply.header("Transfer-Encoding"), "chunked")) {
        framing_ = framing::chunked;
    } else if (reply.has("Content-Length")) {
        framing_ = framing::length;
        left_ = std::stoul(reply.header("Content-Length"));
    } else {
        framing_ = framing::until_close;
    }
    return reply;
}

body_end http_client::read_body(std::string& into, clock::time_point until) {
    const auto old_size = into.size();
    while (true) {
        if (framing_ == framing::none) {
            return body_end::whole;
        }
        if (framing_ == framing::chunked) {
            into += chunks_.take(buffer_);
            if (chunks_.is_done()) {
                return body_end::whole;
            }
        } else {
            const auto part =
                framing_ == framing::length ? std::min(left_, buffer_.size()) : buffer_.size();
            into.append(buffer_, 0, part);
            buffer_.erase(0, part);
            left_ -= framing_ == framing::length ? part : 0;
            if (framing_ == framing::length && left_ == 0) {
                return body_end::whole;
            }
        }
        if (into.size() > old_size) {
            return body_end::open;
        }
        const auto end = fill(until);
        if (end == io_end::timed_out) {
            throw client_error("the body did not go on in time; so far: " + into.substr(0, 200));
        }
        if (end != io_end::ok) {
            return framing_ == framing::until_close && end == io_end::closed ? body_end::whole
                                                                             : body_end::cut;
        }
    }
}

http_reply http_client::read_reply(milliseconds within, body_rule rule) {
    const auto until = clock::now() + within;
    auto reply = read_head(within);
    auto end = rule == body_rule::none ? body_end::whole : body_end::open;
    while (end == body_end::open) {
        end = read_body(reply.body, until);
    }
    reply.is_whole = end == body_end::whole;
    reply.end_at = clock::now();
    return reply;
}

bool http_client::is_closed_by_peer(milliseconds within) {
    if (!buffer_.empty()) {
        return false;
    }
    const auto end = fill(clock::now() + within);
    return end == io_end::closed || end == io_end::reset;
}

void http_client::shutdown_write() {
    ::shutdown(socket_.get(), SHUT_WR);
}

std::string request_bytes(const request_parts& parts) {
    std::string bytes = parts.method + " " + parts.target + " HTTP/1.1\r\n";
    if (!has_header(parts.headers, "Host")) {
        bytes += "Host: 127.0.0.1\r\n";
    }
    for (const auto& [name, value] : parts.headers) {
        bytes += name + ": " + value + "\r\n";
    }
    if ((!parts.body.empty() || parts.method == "POST")
        && !has_header(parts.headers, "Content-Length")) {
        bytes += "Content-Length: " + std::to_string(parts.body.size()) + "\r\n";
    }
    return bytes + "\r\n" + parts.body;
}

http_reply fetch(std::uint16_t port, const request_parts& parts, milliseconds within) {
    http_client client(port);
    // A refusal may come before the whole body is read; then the reply is what counts.
    client.try_send(request_bytes(parts));
    return client.read_reply(
        within, parts.method == "HEAD" ? body_rule::none : body_rule::by_framing
    );
}

}  // namespace meta_model::support
