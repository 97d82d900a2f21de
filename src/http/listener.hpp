// Accepts connections on one loop. Every loop has its own socket on the same address (SO_REUSEPORT).
#pragma once

#include "http/service.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <string>

namespace meta_model::http {

// Addresses for a configured host: an IP literal, or `localhost`. Empty with `why` set otherwise.
net::asio::ip::tcp::endpoint listen_endpoint(
    const std::string& host, std::uint16_t port, std::string& why
);

class listener {
public:
    listener(service& s, thread_service& thread);

    // Binds and listens; the error's text names what failed. `alone`: fail when another process has the address.
    boost::system::error_code open(const net::asio::ip::tcp::endpoint& where);
    std::uint16_t port() const;

    // Accepts until close().
    void start();

    // Takes what is queued, then closes the socket.
    void close();

private:
    net::task<> accept_loop();
    bool refuse_with_spare();
    void admit(net::tcp_socket socket);

    using acceptor = net::asio::basic_socket_acceptor<net::asio::ip::tcp, net::executor>;

    service& service_;
    thread_service& thread_;
    acceptor acceptor_;
    int spare_fd_ = -1;  // given up for a moment to refuse a connection when descriptors run out
};

// True when nobody listens at `where` yet. SO_REUSEPORT would let a second daemon bind beside the first one unseen.
boost::system::error_code probe_address(const net::asio::ip::tcp::endpoint& where);

}  // namespace meta_model::http
