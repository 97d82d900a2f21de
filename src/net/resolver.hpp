// Names to addresses, without blocking a loop and with a cache of bounded size and age. Shared by all loops.
//
// getaddrinfo can hang for longer than a request may take, and Asio's resolver makes the io_context wait for it at
// the end. So each lookup runs on a detached thread that owns everything it touches; the process leaves by _exit.
// Callers that want the same name at the same time share one lookup.
#pragma once

#include "base/timer_wheel.hpp"
#include "net/event_loop.hpp"
#include "net/signal.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace meta_model::net {

using addresses = std::vector<asio::ip::address>;
using tcp_endpoints = std::vector<asio::ip::tcp::endpoint>;

// What a lookup found. Without an address, `failure` says why not.
struct lookup_result {
    addresses found{};
    std::string failure{};
};

class resolver {
public:
    static constexpr std::size_t max_cached_names = 1024;
    static constexpr std::size_t max_addresses = 16;  // of one name
    static constexpr std::size_t max_lookups = 16;    // at a time; beyond: the lookup fails at once
    static constexpr std::chrono::seconds cache_time{30};

    // Blocks; called on threads of its own.
    using look_up = std::function<lookup_result(const std::string& host)>;

    resolver();  // asks the system
    explicit resolver(look_up ask);
    ~resolver();

    // One caller's wait, which another part of its thread may give up.
    class wait {
    public:
        explicit wait(event_loop& loop);
        wait(const wait&) = delete;
        wait& operator=(const wait&) = delete;
        ~wait();

        // resolve() then returns at once, without an address.
        void give_up();

    private:
        friend class resolver;
        struct shared;
        net::signal done_;
        std::shared_ptr<shared> shared_;
    };

    // `w` must live until this returned and serves one call.
    task<lookup_result> resolve(wait& w, std::string host);

    // Fills `out` without suspending when `host` is an address or was looked up lately.
    bool try_resolve(const std::string& host, addresses& out);

private:
    struct hub;
    static void run(const std::shared_ptr<hub>& h, const std::string& host);
    bool join_or_start(const std::shared_ptr<wait::shared>& w, const std::string& host);

    std::shared_ptr<hub> hub_;
};

}  // namespace meta_model::net
