// Connections to upstreams, kept for their next use.
#pragma once

#include "base/timer_wheel.hpp"
#include "net/stream.hpp"
#include "net/tls_context.hpp"

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

namespace meta_model::upstream {

// A connection to an upstream with the bytes that a waited-for read put into it.
struct connection {
    static constexpr std::size_t reply_bytes = 2048;  // a small reply with its head fits
    static constexpr std::size_t event_bytes =
        512;  // an event of a stream mostly does; one is held per open stream

    explicit connection(net::tcp_socket s) : stream(std::move(s)) {}

    std::string_view unread() const { return {buffer.get() + begin, end - begin}; }

    // Only while nothing is unread.
    void resize_buffer(std::size_t bytes) {
        if (capacity != bytes) {
            buffer.reset();  // first, so that not both are held
            buffer.reset(new char[bytes]);
            capacity = bytes;
        }
        begin = end = 0;
    }

    net::stream stream;
    std::unique_ptr<char[]> buffer{};
    std::size_t capacity = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_reused = false;
    base::steady_time idle_since{};
};

// Idle connections of one thread to one upstream, the latest used first. Confined to its thread.
class connection_pool {
public:
    static constexpr std::size_t max_idle = 512;
    static constexpr std::chrono::seconds max_idle_time{50
    };  // below the 60 s and 75 s at which servers commonly close

    // A connection that shows no sign of having died, or null.
    std::unique_ptr<connection> take();
    void put(std::unique_ptr<connection> c, base::steady_time now);
    // Drops what was idle for too long, and what its server has closed or written to: nobody else would look at it
    // before its next use.
    void drop_stale(base::steady_time now);
    void clear() { idle_.clear(); }

private:
    std::vector<std::unique_ptr<connection>> idle_;
};

// What one thread keeps for one endpoint.
struct channel {
    net::tls_tickets tickets{};
    connection_pool pool{};  // goes first: its connections refer to the tickets
};

// What one thread keeps for one upstream. Neither copied nor moved once calls use it.
struct upstream_channels {
    explicit upstream_channels(std::size_t endpoint_count) : endpoints(endpoint_count) {}

    std::unique_ptr<net::tls_context> tls{};  // made with the first TLS connection
    std::vector<channel> endpoints;
};

}  // namespace meta_model::upstream
