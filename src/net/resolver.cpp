#include "net/resolver.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <netdb.h>
#include <system_error>
#include <thread>

namespace meta_model::net {

namespace {

lookup_result ask_system(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    lookup_result out;
    const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (code != 0) {
        out.failure = ::gai_strerror(code);
        return out;
    }
    for (const auto* a = list; a != nullptr; a = a->ai_next) {
        asio::ip::tcp::endpoint endpoint;
        endpoint.resize(a->ai_addrlen);
        std::memcpy(endpoint.data(), a->ai_addr, a->ai_addrlen);
        out.found.push_back(endpoint.address());
    }
    ::freeaddrinfo(list);
    return out;
}

}  // namespace

// What a wait and a lookup's thread share; it may outlive the wait and its loop.
struct resolver::wait::shared {
    std::mutex mutex;        // guards all of it
    bool is_waiting = true;  // until then `loop` and `done` are alive
    event_loop* loop = nullptr;
    net::signal* done = nullptr;  // touched on the loop's thread only
    lookup_result outcome;
};

struct resolver::hub {
    struct entry {
        addresses found;
        base::steady_time until;
    };
    using waits = std::vector<std::shared_ptr<resolver::wait::shared>>;

    look_up ask;
    std::mutex mutex;
    std::map<std::string, entry> cache;
    std::map<std::string, waits> running;
};

resolver::wait::wait(event_loop& loop)
    : done_(loop.get_executor()), shared_(std::make_shared<shared>()) {
    shared_->loop = &loop;
    shared_->done = &done_;
}

resolver::wait::~wait() {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_waiting = false;
}

void resolver::wait::give_up() {
    done_.notify();
}

resolver::resolver() : resolver(ask_system) {
}

resolver::resolver(look_up ask) : hub_(std::make_shared<hub>()) {
    hub_->ask = std::move(ask);
}

resolver::~resolver() = default;

bool resolver::try_resolve(const std::string& host, addresses& out) {
    boost::system::error_code not_a_literal;
    const auto literal = asio::ip::make_address(host, not_a_literal);
    if (!not_a_literal) {
        out.push_back(literal);
        return true;
    }
    const std::lock_guard lock(hub_->mutex);
    const auto it = hub_->cache.find(host);
    if (it == hub_->cache.end() || it->second.until < std::chrono::steady_clock::now()) {
        return false;
    }
    out = it->second.found;
    return true;
}

void resolver::run(const std::shared_ptr<hub>& h, const std::string& host) {
    auto outcome = h->ask(host);
    outcome.found.resize(std::min(outcome.found.size(), max_addresses));
    if (outcome.found.empty() && outcome.failure.empty()) {
        outcome.failure = "the name has no address";
    }
    hub::waits waiting;
    {
        const std::lock_guard lock(h->mutex);
        if (!outcome.found.empty()) {
            if (h->cache.size() >= max_cached_names) {
                h->cache.clear();
            }
            h->cache[host] = {outcome.found, std::chrono::steady_clock::now() + cache_time};
        }
        const auto it = h->running.find(host);
        waiting = std::move(it->second);
        h->running.erase(it);
    }
    const auto tell = [](const std::shared_ptr<wait::shared>& w) {
        const std::lock_guard lock(w->mutex);
        if (w->is_waiting) {
            w->done->notify();
        }
    };
    for (const auto& w : waiting) {
        const std::lock_guard lock(w->mutex);
        w->outcome = outcome;
        if (w->is_waiting) {
            asio::post(w->loop->get_executor(), [tell, w] { tell(w); });
        }
    }
}

// False: too many lookups are running, or no thread is to be had.
bool resolver::join_or_start(const std::shared_ptr<wait::shared>& w, const std::string& host) {
    const std::lock_guard lock(hub_->mutex);
    const auto it = hub_->running.find(host);
    if (it != hub_->running.end()) {
        auto& waiting = it->second;
        if (waiting.size() == waiting.capacity()) {
            std::erase_if(waiting, [](const auto& other) {
                return other.use_count() == 1;
            });  // their callers have left
        }
        waiting.push_back(w);
        return true;
    }
    if (hub_->running.size() >= max_lookups) {
        return false;
    }
    hub_->running[host].push_back(w);
    try {
        std::thread(run, hub_, host).detach();
    } catch (const std::system_error&) {
        hub_->running.erase(host);
        return false;
    }
    return true;
}

task<lookup_result> resolver::resolve(wait& w, std::string host) {
    lookup_result out;
    if (try_resolve(host, out.found)) {
        co_return out;
    }
    if (!join_or_start(w.shared_, host)) {
        out.failure = "too many lookups at a time";
        co_return out;
    }
    co_await w.done_.wait_until(base::no_deadline);
    const std::lock_guard lock(w.shared_->mutex);
    w.shared_->is_waiting = false;
    out = std::move(w.shared_->outcome);
    co_return out;
}

}  // namespace meta_model::net
