// Loopback sockets, the clock and process limits, as both bench tools need them.
// Failures to set up end the process with a message: a bench that limps is worse than none.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <sys/epoll.h>

namespace meta_model::bench {

// CLOCK_MONOTONIC: the same in every process of the machine, so a stamp made by one tool can be
// read by the other.
std::uint64_t now_ns();

// Raises RLIMIT_NOFILE as far as allowed and shrinks the timer slack (50 us by default) to nothing.
void prepare_process();

// A listening, non-blocking socket on 127.0.0.1. Port 0 takes any; `bound_port` tells which.
int listen_on_loopback(std::uint16_t port, std::uint16_t& bound_port);

// A connected, non-blocking socket with TCP_NODELAY, or -1 when nobody listens.
int connect_to_loopback(std::uint16_t port);

void disable_nagle(int fd);

// Waits for events until `until_ns` (0: no limit), as many as `events` has room for; returns how
// many came.
std::size_t wait_for_events(int epoll_fd, std::span<epoll_event> events, std::uint64_t until_ns);

[[noreturn]] void fail(std::string_view what);

}  // namespace meta_model::bench
