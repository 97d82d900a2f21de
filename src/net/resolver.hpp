// Names to addresses, without blocking a loop and with a cache of bounded size and age. Shared by all loops.
//
// getaddrinfo can hang for longer than a request may take, and Asio's resolver makes the io_context wait for it at
// the end. So each lookup runs on a detached thread that owns everything it touches; the process leaves by _exit.
#pragma once

#include "base/timer_wheel.hpp"
#include "net/event_loop.hpp"

#include <memory>
#include <string>
#include <vector>

namespace meta_model::net {

using tcp_endpoints = std::vector<asio::ip::tcp::endpoint>;

class resolver {
public:
    static constexpr std::size_t max_cached_names = 1024;
    static constexpr int max_lookups = 16;  // at a time; beyond: the lookup fails at once
    static constexpr std::chrono::seconds cache_time{30};

    resolver();
    ~resolver();

    // Empty when the name has no address or `until` came first. Address literals are answered at once.
    task<tcp_endpoints> resolve(event_loop& loop, std::string host, std::uint16_t port, base::steady_time until);

    // Fills `out` without suspending when `host` is an address or was looked up lately.
    bool try_resolve(const std::string& host, std::uint16_t port, tcp_endpoints& out);

private:
    struct hub;
    std::shared_ptr<hub> hub_;
};

}  // namespace meta_model::net
