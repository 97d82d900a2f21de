#include "loopback.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace meta_model::bench {

namespace {

sockaddr_in loopback_address(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

timespec to_timespec(std::uint64_t ns) {
    timespec time{};
    time.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    time.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    return time;
}

}  // namespace

void fail(std::string_view what) {
    const char* const reason = std::strerror(errno);
    std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(), reason);
    std::exit(2);
}

std::uint64_t now_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000
           + static_cast<std::uint64_t>(time.tv_nsec);
}

void prepare_process() {
    std::signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void disable_nagle(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int listen_on_loopback(std::uint16_t port, std::uint16_t& bound_port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = loopback_address(port);
    socklen_t size = sizeof address;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) fail("bind");
    if (listen(fd, 4096) != 0) fail("listen");
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    bound_port = ntohs(address.sin_port);
    return fd;
}

int connect_to_loopback(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    disable_nagle(fd);
    // Blocking on purpose: on loopback this returns as soon as the accept queue has room.
    const sockaddr_in address = loopback_address(port);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

std::size_t wait_for_events(int epoll_fd, std::span<epoll_event> events, std::uint64_t until_ns) {
    const std::uint64_t now = now_ns();
    const timespec timeout = to_timespec(until_ns > now ? until_ns - now : 0);
    const int count = epoll_pwait2(
        epoll_fd,
        events.data(),
        static_cast<int>(events.size()),
        until_ns == 0 ? nullptr : &timeout,
        nullptr
    );
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace meta_model::bench
