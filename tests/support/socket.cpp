#include "support/socket.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace meta_model::support {

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

int poll_timeout(clock::time_point until) {
    const auto left = std::chrono::ceil<milliseconds>(until - clock::now()).count();
    return left < 0 ? 0 : static_cast<int>(left);
}

// Waits for one of `events`; 0 when `until` passed.
short wait_for(int fd, short events, clock::time_point until) {
    while (true) {
        pollfd entry{fd, events, 0};
        const int ready = ::poll(&entry, 1, poll_timeout(until));
        if (ready > 0) {
            return entry.revents;
        }
        if (ready == 0 && clock::now() >= until) {
            return 0;
        }
        if (ready < 0 && errno != EINTR) {
            fail("poll");
        }
    }
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

descriptor bound_socket() {
    descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) {
        fail("socket");
    }
    const auto address = loopback(0);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("bind");
    }
    return socket;
}

}  // namespace

descriptor& descriptor::operator=(descriptor&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void descriptor::close() {
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

read_result read_some(int fd, char* into, std::size_t size, clock::time_point until) {
    while (true) {
        if (wait_for(fd, POLLIN, until) == 0) {
            return {io_end::timed_out, 0};
        }
        const auto got = ::recv(fd, into, size, MSG_DONTWAIT);
        if (got > 0) {
            return {io_end::ok, static_cast<std::size_t>(got)};
        }
        if (got == 0) {
            return {io_end::closed, 0};
        }
        if (errno != EINTR && errno != EAGAIN) {
            return {io_end::reset, 0};
        }
    }
}

io_end write_all(int fd, std::string_view bytes, clock::time_point until) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EAGAIN || errno == EINTR) {
            if (wait_for(fd, POLLOUT, until) == 0) {
                return io_end::timed_out;
            }
            continue;
        }
        return errno == EPIPE ? io_end::closed : io_end::reset;
    }
    return io_end::ok;
}

bool wait_for_peer_close(int fd, clock::time_point until) {
    return wait_for(fd, POLLRDHUP, until) != 0;
}

descriptor listen_on_loopback() {
    auto socket = bound_socket();
    if (::listen(socket.get(), 512) != 0) {
        fail("listen");
    }
    return socket;
}

descriptor bind_without_listening() {
    return bound_socket();
}

descriptor connect_to_loopback(std::uint16_t port, milliseconds within) {
    descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.is_open()) {
        fail("socket");
    }
    const auto address = loopback(port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno != EINPROGRESS) {
            fail("connect");
        }
        if (wait_for(socket.get(), POLLOUT, clock::now() + within) == 0) {
            throw std::runtime_error("connect: timed out");
        }
        int outcome = 0;
        socklen_t size = sizeof outcome;
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &outcome, &size);
        if (outcome != 0) {
            errno = outcome;
            fail("connect");
        }
    }
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

std::uint16_t local_port(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        fail("getsockname");
    }
    return ntohs(address.sin_port);
}

void close_with_reset(descriptor& socket) {
    const linger now{1, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket.close();
}

}  // namespace meta_model::support
