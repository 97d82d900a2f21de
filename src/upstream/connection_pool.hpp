// Connections to upstreams, kept for their next use.
#pragma once

#include "base/timer_wheel.hpp"
#include "net/stream.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <vector>

namespace meta_model::upstream {

// A connection to an upstream with the bytes that a waited-for read put into it.
struct connection {
    // A small reply with its head fits; a stream's chunk as well. One of these is held per open stream.
    static constexpr std::size_t buffer_bytes = 2048;

    explicit connection(net::tcp_socket s) : stream(std::move(s)) {}

    net::stream stream;
    std::array<char, buffer_bytes> buffer;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_reused = false;
    base::steady_time idle_since{};
};

// Idle connections of one thread to one upstream, the latest used first. Confined to its thread.
class connection_pool {
public:
    static constexpr std::size_t max_idle = 512;
    static constexpr std::chrono::seconds max_idle_time{50};  // below the 60 s and 75 s at which servers commonly close

    // A connection that shows no sign of having died, or null.
    std::unique_ptr<connection> take();
    void put(std::unique_ptr<connection> c, base::steady_time now);
    void drop_older_than(base::steady_time now);
    void clear() { idle_.clear(); }

private:
    std::vector<std::unique_ptr<connection>> idle_;
};

}  // namespace meta_model::upstream
