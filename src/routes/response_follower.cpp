#include "routes/response_follower.hpp"

#include "api/json_text.hpp"
#include "net/signal.hpp"
#include "routes/stored_history.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>

namespace meta_model::routes {

namespace {

using base::error_code_id;
using std::chrono::steady_clock;

constexpr std::size_t page_bytes = 64u << 10;

// Carries what the store tells on any thread to the follower's own. Many events in a row are told once.
class wake_up final : public store::event_follower, public std::enable_shared_from_this<wake_up> {
public:
    wake_up(net::event_loop& loop, net::signal& signal) : loop_(loop), signal_(&signal) {}

    void on_events() noexcept override {
        if (is_posted_.exchange(true)) {
            return;
        }
        try {
            net::asio::post(loop_.get_executor(), [self = shared_from_this()] { self->notify(); });
        } catch (const std::exception&) {
            is_posted_ = false;  // no memory; the next heartbeat looks too
        }
    }

    // The follower is gone. On its thread, as is notify().
    void detach() { signal_ = nullptr; }

private:
    void notify() {
        is_posted_ = false;
        if (signal_ != nullptr) {
            signal_->notify();
        }
    }

    net::event_loop& loop_;
    net::signal* signal_;
    std::atomic<bool> is_posted_{false};
};

// Ends the waiting when the connection is cancelled.
class wake_on_cancel final : public base::cancel_hook {
public:
    wake_on_cancel(base::cancel_source& source, net::signal& signal) : signal_(signal) {
        source.attach(*this);
    }
    void on_cancel(base::cancel_reason) override { signal_.notify(); }

private:
    net::signal& signal_;
};

struct follower {
    follower(const response_services& s, http::connection& c, std::string i, std::int64_t after)
        : services(s),
          connection(c),
          id(std::move(i)),
          key{.owner = c.credential(), .id = id},
          signal(c.loop().get_executor()),
          wake(std::make_shared<wake_up>(c.loop(), signal)),
          cancelled(c.cancel(), signal) {
        page.last = after;
    }
    ~follower() { wake->detach(); }
    follower(const follower&) = delete;
    follower& operator=(const follower&) = delete;

    base::maybe_error begin();
    bool read();
    http::send_state send();
    std::string last_words() const;
    net::task<> wait();

    const response_services& services;
    http::connection& connection;
    std::string id;
    store::response_key key;
    net::signal signal;
    std::shared_ptr<wake_up> wake;
    wake_on_cancel cancelled;
    store::event_page page;
};

base::error events_evicted() {
    return base::make_error(
        error_code_id::response_events_evicted,
        "The events after this number are no longer kept; the response itself can be retrieved.",
        "starting_after"
    );
}

base::maybe_error follower::begin() {
    const auto state = services.store.follow(key, wake);
    if (state == store::follow_state::absent) {
        return response_not_found(id, services.store.stats().evicted > 0);
    }
    if (state == store::follow_state::crowded) {
        auto e = base::make_error(
            error_code_id::overloaded, "This response has as many followers as it may."
        );
        e.retry_after_s = 1;
        return e;
    }
    page = services.store.events_after(key, page.last, page_bytes);
    if (page.state == store::events_state::evicted) {
        return events_evicted();
    }
    if (page.state == store::events_state::absent) {
        return response_not_found(id, services.store.stats().evicted > 0);
    }
    constexpr std::string_view lines = "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";
    connection.begin(200, "text/event-stream", lines, std::nullopt, {page.bytes});
    connection.release_request();
    return std::nullopt;
}

// The next events. False: there is nothing to send.
bool follower::read() {
    page = services.store.events_after(key, page.last, page_bytes);
    return !page.bytes.empty();
}

http::send_state follower::send() {
    const auto period =
        std::chrono::duration_cast<base::steady_duration>(services.config.server.keepalive);
    if (!page.bytes.empty()) {
        return connection.write({page.bytes});
    }
    const bool is_silent = steady_clock::now() - connection.last_write() >= period;
    return is_silent ? connection.write({": heartbeat\n\n"}) : http::send_state::done;
}

// What the end of the stream says that is no event of the response.
std::string follower::last_words() const {
    if (page.state == store::events_state::ended) {
        return {};
    }
    base::error e;
    if (connection.cancel().reason() == base::cancel_reason::shutdown) {
        e = base::make_error(error_code_id::server_draining, "The gateway is stopping.");
    } else if (page.state == store::events_state::evicted) {
        e = events_evicted();
    } else if (page.state == store::events_state::absent) {
        e = response_not_found(id, services.store.stats().evicted > 0);
    } else {
        return {};
    }
    std::string out = "event: error\ndata: {\"type\":\"error\",\"code\":";
    api::append_json_string(out, e.code());
    out += ",\"message\":";
    api::append_json_string(out, e.message);
    out += ",\"param\":null,\"sequence_number\":";
    api::append_json_number(out, page.last + 1);
    out += "}\n\n";
    return out;
}

net::task<> follower::wait() {
    const auto period =
        std::chrono::duration_cast<base::steady_duration>(services.config.server.keepalive);
    return signal.wait_until(std::max(steady_clock::now(), connection.last_write()) + period);
}

}  // namespace

net::task<> follow_response(
    const response_services& s, http::connection& c, std::string id, std::int64_t after
) {
    const auto f = std::make_unique<follower>(s, c, std::move(id), after);
    if (auto refusal = f->begin()) {
        co_await c.send_error(*refusal);
        co_return;
    }
    while (f->page.state == store::events_state::open && !c.cancel().is_cancelled()) {
        if (c.has_pending()) {
            const bool is_here = co_await c.flush();
            if (!is_here) {
                co_return;
            }
        }
        if (!f->read() && f->page.state == store::events_state::open) {
            co_await f->wait();
            f->read();
        }
        if (f->send() == http::send_state::closed) {
            co_return;
        }
    }
    const auto words = f->last_words();
    c.end({words});
}

}  // namespace meta_model::routes
