#include "net/stream.hpp"

#include "net/tls_session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

namespace meta_model::net {

namespace {

// Deferred: the awaiting coroutine starts the operation itself, without a frame in between.
constexpr auto as_result = asio::as_tuple(asio::deferred);

io_status status_of(const boost::system::error_code& ec) {
    if (!ec) {
        return io_status::ok;
    }
    if (ec == asio::error::eof) {
        return io_status::closed;
    }
    return ec == asio::error::operation_aborted ? io_status::cancelled : io_status::failed;
}

}  // namespace

void prepare_socket(tcp_socket& socket) {
    boost::system::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket.native_non_blocking(true, ignored);
}

stream::stream(tcp_socket socket) : socket_(std::move(socket)) {
    prepare_socket(socket_);
}

stream::~stream() {
    if (tls_ && is_open() && !is_cancelled_) {
        tls_->say_goodbye();
    }
}

void stream::use_tls(std::unique_ptr<tls_session> session) {
    tls_ = std::move(session);
}

io_status stream::try_read(char* data, std::size_t size, std::size_t& got) {
    if (tls_) {
        return tls_->read(data, size, got);
    }
    const auto n = ::recv(fd(), data, size, 0);
    if (n > 0) {
        got = static_cast<std::size_t>(n);
        return io_status::ok;
    }
    if (n == 0) {
        return io_status::closed;
    }
    return errno == EAGAIN || errno == EINTR ? io_status::would_block : io_status::failed;
}

io_status stream::try_write(const iovec* parts, int count, std::size_t& written) {
    if (tls_) {
        return tls_->write(parts, count, written);
    }
    msghdr message{};
    message.msg_iov =
        const_cast<iovec*>(parts);  // sendmsg does not change them; the type is shared with recvmsg
    message.msg_iovlen = static_cast<std::size_t>(count);
    const auto n = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (n >= 0) {
        written = static_cast<std::size_t>(n);
        return io_status::ok;
    }
    return errno == EAGAIN || errno == EINTR ? io_status::would_block : io_status::failed;
}

// No coroutine of its own: plain connections pay one branch for TLS.
task<io_status> stream::read_some(char* data, std::size_t size, std::size_t& got) {
    return tls_ ? read_some_tls(data, size, got) : read_some_tcp(data, size, got);
}

task<io_status> stream::wait_writable() {
    return wait_for(tls_ ? tls_readiness() : tcp_socket::wait_write);
}

task<io_status> stream::read_some_tcp(char* data, std::size_t size, std::size_t& got) {
    if (is_cancelled_) {
        co_return io_status::cancelled;
    }
    const auto outcome = co_await socket_.async_read_some(asio::buffer(data, size), as_result);
    got = std::get<1>(outcome);
    co_return status_of(std::get<0>(outcome));
}

// OpenSSL may hold bytes that the kernel no longer has, so it is asked before each wait.
task<io_status> stream::read_some_tls(char* data, std::size_t size, std::size_t& got) {
    for (;;) {
        if (is_cancelled_) {
            co_return io_status::cancelled;
        }
        const auto status = tls_->read(data, size, got);
        if (status != io_status::would_block) {
            co_return status;
        }
        const auto waited = co_await wait_for(tls_readiness());
        if (waited != io_status::ok) {
            co_return waited;
        }
    }
}

task<io_status> stream::handshake() {
    for (;;) {
        if (is_cancelled_) {
            co_return io_status::cancelled;
        }
        const auto status = tls_->handshake();
        if (status != io_status::would_block) {
            co_return status;
        }
        const auto waited = co_await wait_for(tls_readiness());
        if (waited != io_status::ok) {
            co_return waited;
        }
    }
}

tcp_socket::wait_type stream::tls_readiness() const {
    return tls_->wants_write() ? tcp_socket::wait_write : tcp_socket::wait_read;
}

task<io_status> stream::wait_for(tcp_socket::wait_type readiness) {
    if (is_cancelled_) {
        co_return io_status::cancelled;
    }
    const auto outcome = co_await socket_.async_wait(readiness, as_result);
    co_return status_of(std::get<0>(outcome));
}

task<io_status> stream::wait_writable_or_readable() {
    if (is_cancelled_) {
        co_return io_status::cancelled;
    }
    const auto to_write = tls_ ? tls_readiness() : tcp_socket::wait_write;
    auto both = asio::experimental::make_parallel_group(
        socket_.async_wait(to_write, asio::deferred),
        socket_.async_wait(tcp_socket::wait_read, asio::deferred)
    );
    const auto outcome = co_await both.async_wait(
        asio::experimental::wait_for_one(), asio::use_awaitable_t<executor>()
    );
    const bool is_read_first = std::get<0>(outcome)[0] == 1;
    const auto status = status_of(is_read_first ? std::get<2>(outcome) : std::get<1>(outcome));
    co_return is_cancelled_ ? io_status::cancelled : status;
}

void stream::cancel() {
    is_cancelled_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

bool stream::has_unexpected_input() {
    if (tls_) {
        return tls_->has_unexpected_input();
    }
    char byte = 0;
    const auto n = ::recv(fd(), &byte, 1, MSG_PEEK);
    return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

std::size_t stream::peek(char* into, std::size_t size) {
    if (tls_) {
        return tls_->peek(into, size);
    }
    const auto n = ::recv(fd(), into, size, MSG_PEEK);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

void stream::shutdown_write() {
    boost::system::error_code ignored;
    socket_.shutdown(tcp_socket::shutdown_send, ignored);
}

void stream::reset_on_close() {
    boost::system::error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
}

void stream::close() {
    if (tls_ && is_open() && !is_cancelled_) {
        tls_->say_goodbye();
    }
    is_cancelled_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

}  // namespace meta_model::net
