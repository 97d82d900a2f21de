// The Asio types the gateway uses, with the concrete executor: the type-erased one costs time and buys nothing here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>

namespace meta_model::net {

namespace asio = boost::asio;

using executor = asio::io_context::executor_type;

// A coroutine of the data path. It runs on the thread that started it.
template <class T = void>
using task = asio::awaitable<T, executor>;

using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;

using precise_timer = asio::basic_waitable_timer<
    std::chrono::steady_clock,
    asio::wait_traits<std::chrono::steady_clock>,
    executor>;

}  // namespace meta_model::net
