// Plain blocking sockets with deadlines, shared by the fake upstream and the test client.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace meta_model::support {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Owns one descriptor.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept;
    ~descriptor() { close(); }

    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    void close();

private:
    int fd_ = -1;
};

enum class io_end { ok, closed, reset, timed_out };

struct read_result {
    io_end end = io_end::ok;
    std::size_t bytes = 0;  // 0 unless end is ok
};

// Reads what is there, waiting for the first byte until `until`.
read_result read_some(int fd, char* into, std::size_t size, clock::time_point until);

// Writes everything. `closed` and `reset` mean that the peer left.
io_end write_all(int fd, std::string_view bytes, clock::time_point until);

// Waits until the peer shuts down its sending side or resets. False: `until` passed first.
bool wait_for_peer_close(int fd, clock::time_point until);

// Listens on 127.0.0.1 with a port of the kernel's choice. Throws std::runtime_error.
descriptor listen_on_loopback();

// A bound port that nobody listens on: a connect to it is refused while the descriptor is open.
descriptor bind_without_listening();

// Connects to 127.0.0.1. Throws std::runtime_error when refused or late.
descriptor connect_to_loopback(std::uint16_t port, milliseconds within);

std::uint16_t local_port(int fd);

// Makes the next close send RST instead of FIN.
void close_with_reset(descriptor& socket);

}  // namespace meta_model::support
