#include "http/listener.hpp"

#include "http/connection.hpp"
#include "net/signal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace meta_model::http {

namespace asio = net::asio;

namespace {

constexpr std::chrono::milliseconds accept_pause{50};

}  // namespace

asio::ip::tcp::endpoint listen_endpoint(
    const std::string& host, std::uint16_t port, std::string& why
) {
    boost::system::error_code ec;
    auto name = host == "localhost" ? std::string("127.0.0.1") : host;
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
        name = name.substr(1, name.size() - 2);
    }
    const auto address = asio::ip::make_address(name, ec);
    if (ec) {
        why = "'" + host + "' is not an IP address or localhost";
    }
    return {address, port};
}

boost::system::error_code probe_address(const asio::ip::tcp::endpoint& where) {
    boost::system::error_code ec;
    asio::io_context io;
    asio::ip::tcp::acceptor probe(io);
    probe.open(where.protocol(), ec);
    if (!ec) {
        probe.set_option(asio::ip::tcp::acceptor::reuse_address(true), ec);
        probe.bind(where, ec);
    }
    return ec;
}

listener::listener(service& s, thread_service& thread)
    : service_(s), thread_(thread), acceptor_(thread.loop.get_executor()) {
}

boost::system::error_code listener::open(const asio::ip::tcp::endpoint& where) {
    boost::system::error_code ec;
    acceptor_.open(where.protocol(), ec);
    if (ec) {
        return ec;
    }
    acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true), ec);
    const int on = 1;
    ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    acceptor_.bind(where, ec);
    if (!ec) {
        acceptor_.listen(4096, ec);
    }
    // Also for accept() at the end: it must say that nobody waits, and not wait itself.
    boost::system::error_code ignored;
    acceptor_.non_blocking(true, ignored);
    return ec;
}

std::uint16_t listener::port() const {
    boost::system::error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
}

void listener::start() {
    spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    asio::co_spawn(thread_.loop.get_executor(), accept_loop(), asio::detached);
}

void listener::admit(net::tcp_socket socket) {
    thread_.shard.counters.add(telemetry::counter::connections_accepted);
    const auto limit = static_cast<std::int64_t>(service_.config.server.limits.max_connections);
    if (service_.connections.load(std::memory_order_relaxed) >= limit) {
        static constexpr std::string_view refusal =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: "
            "1\r\n"
            "retry-after-ms: 1000\r\nx-should-retry: true\r\nConnection: close\r\nContent-Length: "
            "138\r\n\r\n"
            R"({"error":{"message":"The gateway has as many connections as it may.","type":"service_unavailable_error","param":null,"code":"overloaded"}})";
        ::send(socket.native_handle(), refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        thread_.shard.counters.add(telemetry::counter::connections_refused);
        return;
    }
    auto c = std::make_unique<connection>(service_, thread_, std::move(socket));
    auto served = connection::serve(std::move(c));
    asio::co_spawn(thread_.loop.get_executor(), std::move(served), asio::detached);
}

net::task<> listener::accept_loop() {
    while (acceptor_.is_open()) {
        net::tcp_socket socket(thread_.loop.get_executor());
        const auto outcome = co_await acceptor_.async_accept(
            socket, asio::as_tuple(asio::use_awaitable_t<net::executor>())
        );
        const auto& ec = std::get<0>(outcome);
        if (!ec) {
            admit(std::move(socket));
            continue;
        }
        if (ec == boost::system::errc::too_many_files_open
            || ec == boost::system::errc::too_many_files_open_in_system) {
            if (refuse_with_spare()) {
                continue;
            }
        }
        if (acceptor_.is_open() && ec != boost::system::errc::connection_aborted) {
            // Without a descriptor the system refuses at once, even when nobody is waiting: look again later.
            net::signal later(thread_.loop.get_executor());
            co_await later.wait_until(std::chrono::steady_clock::now() + accept_pause);
        }
    }
}

// Takes a waiting connection with the spare descriptor and drops it. False: none waits, or another thread was faster to
// use the descriptor.
bool listener::refuse_with_spare() {
    if (spare_fd_ >= 0) {
        ::close(spare_fd_);
    }
    const int taken = ::accept(acceptor_.native_handle(), nullptr, nullptr);
    if (taken >= 0) {
        ::close(taken);
        thread_.shard.counters.add(telemetry::counter::connections_refused);
    }
    spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return taken >= 0;
}

void listener::close() {
    if (!acceptor_.is_open()) {
        return;
    }
    // Connections that the kernel queued for this socket would be reset with it.
    for (;;) {
        net::tcp_socket socket(thread_.loop.get_executor());
        boost::system::error_code ec;
        acceptor_.accept(socket, ec);
        if (ec) {
            break;
        }
        admit(std::move(socket));
    }
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    if (spare_fd_ >= 0) {
        ::close(spare_fd_);
        spare_fd_ = -1;
    }
}

}  // namespace meta_model::http
