#include "net/resolver.hpp"

#include "net/signal.hpp"

#include <boost/asio/post.hpp>

#include <netdb.h>

#include <cstring>
#include <map>
#include <mutex>
#include <thread>

namespace meta_model::net {

namespace {

using addresses = std::vector<asio::ip::address>;

addresses look_up(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    addresses out;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) {
        return out;
    }
    for (const auto* a = found; a != nullptr; a = a->ai_next) {
        asio::ip::tcp::endpoint endpoint;
        endpoint.resize(a->ai_addrlen);
        std::memcpy(endpoint.data(), a->ai_addr, a->ai_addrlen);
        out.push_back(endpoint.address());
    }
    ::freeaddrinfo(found);
    return out;
}

// One coroutine's wait. The lookup thread reaches the loop through it only while `is_waiting`, under the mutex.
struct pending_lookup {
    std::mutex mutex;
    bool is_waiting = true;
    event_loop* loop = nullptr;
    std::shared_ptr<net::signal> done;
    addresses found;
};

}  // namespace

struct resolver::hub {
    struct entry {
        addresses found;
        base::steady_time until;
    };

    std::mutex mutex;
    std::map<std::string, entry> cache;
    int running = 0;
};

resolver::resolver() : hub_(std::make_shared<hub>()) {}

resolver::~resolver() = default;

bool resolver::try_resolve(const std::string& host, std::uint16_t port, tcp_endpoints& out) {
    boost::system::error_code not_a_literal;
    const auto literal = asio::ip::make_address(host, not_a_literal);
    if (!not_a_literal) {
        out.emplace_back(literal, port);
        return true;
    }
    const std::lock_guard lock(hub_->mutex);
    const auto it = hub_->cache.find(host);
    if (it == hub_->cache.end() || it->second.until < std::chrono::steady_clock::now()) {
        return false;
    }
    for (const auto& address : it->second.found) {
        out.emplace_back(address, port);
    }
    return true;
}

task<tcp_endpoints> resolver::resolve(event_loop& loop, std::string host, std::uint16_t port,
                                      base::steady_time until) {
    tcp_endpoints out;
    if (try_resolve(host, port, out)) {
        co_return out;
    }
    {
        const std::lock_guard lock(hub_->mutex);
        if (hub_->running >= max_lookups) {
            co_return out;
        }
        ++hub_->running;
    }
    auto pending = std::make_shared<pending_lookup>();
    pending->loop = &loop;
    pending->done = std::make_shared<net::signal>(loop.get_executor());
    std::thread([hub = hub_, pending, host] {
        auto found = look_up(host);
        {
            const std::lock_guard lock(hub->mutex);
            --hub->running;
            if (!found.empty()) {
                if (hub->cache.size() >= max_cached_names) {
                    hub->cache.clear();
                }
                hub->cache[host] = {found, std::chrono::steady_clock::now() + cache_time};
            }
        }
        const std::lock_guard lock(pending->mutex);
        pending->found = std::move(found);
        if (pending->is_waiting) {
            asio::post(pending->loop->get_executor(), [done = pending->done] { done->notify(); });
        }
    }).detach();
    co_await pending->done->wait_until(until);
    const std::lock_guard lock(pending->mutex);
    pending->is_waiting = false;
    for (const auto& address : pending->found) {
        out.emplace_back(address, port);
    }
    co_return out;
}

}  // namespace meta_model::net
