#include "net/dialer.hpp"

#include "net/signal.hpp"

#include <algorithm>
#include <optional>

namespace meta_model::net {

namespace {

using boost::system::error_code;
using std::chrono::steady_clock;

}  // namespace

addresses in_turn(const addresses& given) {
    addresses out;
    addresses others;
    for (const auto& a : given) {
        (a.is_v6() == given.front().is_v6() ? out : others).push_back(a);
    }
    for (std::size_t i = 0; i < others.size(); ++i) {
        const auto at = std::min(2 * i + 1, out.size());
        out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), others[i]);
    }
    return out;
}

// Lives until the last attempt's handler has run.
struct dialer::race : std::enable_shared_from_this<race> {
    explicit race(event_loop& l) : loop(l), changed(l.get_executor()) {}

    void start(const asio::ip::tcp::endpoint& to) {
        auto& socket = sockets.emplace_back(std::make_unique<tcp_socket>(loop.get_executor()));
        ++running;
        const auto index = sockets.size() - 1;
        socket->async_connect(to, [self = shared_from_this(), index](error_code ec) {
            self->end(index, ec);
        });
    }

    void end(std::size_t index, error_code ec) {
        --running;
        if (!ec && !winner && !is_cancelled) {
            winner = index;
        } else if (ec && !is_cancelled) {
            last_error = ec;
        }
        changed.notify();
    }

    void close_all() {
        for (auto& s : sockets) {
            error_code ignored;
            s->close(ignored);
        }
    }

    event_loop& loop;
    net::signal changed;
    std::vector<std::unique_ptr<tcp_socket>> sockets;
    int running = 0;
    std::optional<std::size_t> winner;
    bool is_cancelled = false;
    error_code last_error = asio::error::host_not_found;
};

dialer::dialer(event_loop& loop) : race_(std::make_shared<race>(loop)) {
}

dialer::~dialer() {
    race_->close_all();
}

void dialer::cancel() {
    race_->is_cancelled = true;
    race_->last_error = asio::error::operation_aborted;
    race_->changed.notify();
}

task<error_code> dialer::connect(addresses to, std::uint16_t port, tcp_socket& into) {
    auto& r = *race_;
    to = in_turn(to);
    std::size_t next = 0;
    auto next_start = steady_clock::now();
    while (!r.winner && !r.is_cancelled) {
        const auto now = steady_clock::now();
        if (next < to.size() && (r.running == 0 || now >= next_start)) {
            r.start({to[next++], port});
            next_start = now + stagger;
            continue;
        }
        if (r.running == 0) {
            break;
        }
        co_await r.changed.wait_until(next < to.size() ? next_start : base::no_deadline);
    }
    const bool is_connected = r.winner && !r.is_cancelled;
    if (is_connected) {
        into = std::move(*r.sockets[*r.winner]);
    }
    r.close_all();  // the attempts that are still under way
    co_return is_connected ? error_code{} : r.last_error;
}

}  // namespace meta_model::net
