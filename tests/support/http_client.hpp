// A raw HTTP/1.1 client: sends exactly the bytes it is given and reads replies piece by piece, with a deadline on
// every step. A late or broken reply throws client_error, so that tests fail with a reason instead of hanging.
#pragma once

#include "support/http_message.hpp"
#include "support/socket.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace meta_model::support {

inline constexpr milliseconds default_wait{10000};

struct client_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct http_reply {
    int status = 0;
    std::string start_line{};
    header_list headers{};
    std::string body{};
    bool is_whole = false;  // the body ended as its framing says
    clock::time_point head_at{};
    clock::time_point end_at{};

    std::string header(std::string_view name) const { return header_value(headers, name); }
    bool has(std::string_view name) const { return has_header(headers, name); }
    // The body as JSON; throws client_error with the body's beginning when it is none.
    nlohmann::json json() const;
    // error.code of an error envelope; "" when null or not an envelope.
    std::string error_code() const;
};

enum class body_rule { by_framing, none };  // none: the answer to a HEAD
enum class body_end { open, whole, cut };   // where a body stands after a read

class http_client {
public:
    explicit http_client(std::uint16_t port) : socket_(connect_to_loopback(port, default_wait)) {}

    void send(std::string_view bytes);
    // Like send, but tells instead of throwing when the peer no longer reads.
    bool try_send(std::string_view bytes);

    http_reply read_reply(
        milliseconds within = default_wait, body_rule rule = body_rule::by_framing
    );
    // Head only; 1xx replies are returned like any other. The body is then read with read_body.
    http_reply read_head(milliseconds within = default_wait);
    // Appends decoded body bytes that arrived by `until` to `into`, at least one unless the body ended.
    body_end read_body(std::string& into, clock::time_point until);

    // True when the peer closes without sending another byte.
    bool is_closed_by_peer(milliseconds within = default_wait);
    void shutdown_write();
    void close() { socket_.close(); }
    void reset() { close_with_reset(socket_); }
    int fd() const { return socket_.get(); }

private:
    enum class framing { none, length, chunked, until_close };

    io_end fill(clock::time_point until);

    descriptor socket_;
    std::string buffer_;
    framing framing_ = framing::none;
    std::size_t left_ = 0;
    chunk_reader chunks_;
};

struct request_parts {
    std::string method = "GET";
    std::string target = "/";
    header_list headers{};  // besides Host and Content-Length
    std::string body{};
};

// Host, the given headers, Content-Length when there is a body or the method is POST.
std::string request_bytes(const request_parts& parts);

// One request on a connection of its own.
http_reply fetch(
    std::uint16_t port, const request_parts& parts, milliseconds within = default_wait
);

}  // namespace meta_model::support
