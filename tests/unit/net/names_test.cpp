// Names to addresses, and addresses to connections.
#include "net/dialer.hpp"
#include "net/resolver.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace meta_model::net {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

constexpr auto soon = 200ms;  // far below any time that a test waits for

asio::ip::address address(const char* text) {
    return asio::ip::make_address(text);
}

// Runs `work` to its end, and `meanwhile` once it waits.
template <class T>
T run(event_loop& loop, task<T> work, std::function<void()> meanwhile = {}) {
    std::optional<T> out;
    asio::co_spawn(loop.get_executor(), std::move(work), [&](std::exception_ptr, T value) {
        out = std::move(value);
    });
    if (meanwhile) {
        asio::post(loop.get_executor(), std::move(meanwhile));
    }
    loop.io().restart();
    loop.io().run();
    return std::move(*out);
}

// A system whose answers come when the test says so. Its threads may outlive the test, so they own what they touch.
struct slow_names {
    std::promise<void> is_told{};
    std::shared_future<void> told = is_told.get_future().share();
    std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);

    resolver::look_up look_up(lookup_result answer) const {
        return [count = asked, until = told, answer](const std::string&) {
            ++*count;
            until.wait();
            return answer;
        };
    }
};

TEST(resolver, an_address_needs_no_lookup) {
    event_loop loop(0);
    resolver names([](const std::string&) -> lookup_result { throw std::logic_error("asked"); });
    addresses out;

    EXPECT_TRUE(names.try_resolve("::1", out));
    EXPECT_EQ(out, addresses{address("::1")});
    EXPECT_FALSE(names.try_resolve("a.test", out));
}

TEST(resolver, callers_at_the_same_time_share_one_lookup_and_later_ones_its_result) {
    event_loop loop(0);
    slow_names system;
    resolver names(system.look_up({.found = {address("10.0.0.1"), address("10.0.0.2")}}));
    int served = 0;
    for (int i = 0; i < 50; ++i) {
        asio::co_spawn(
            loop.get_executor(),
            [](event_loop& l, resolver& n, int& count) -> task<> {
                resolver::wait w(l);
                const auto result = co_await n.resolve(w, "a.test");
                count += result.found.size() == 2 ? 1 : 0;
            }(loop, names, served),
            [](std::exception_ptr) {}
        );
    }
    asio::post(loop.get_executor(), [&] { system.is_told.set_value(); });
    loop.io().run();

    EXPECT_EQ(served, 50);
    EXPECT_EQ(*system.asked, 1);
    addresses out;
    EXPECT_TRUE(names.try_resolve("a.test", out));
    EXPECT_EQ(out.size(), 2u);
}

TEST(resolver, a_wait_that_is_given_up_ends_while_the_lookup_hangs) {
    slow_names system;
    {
        event_loop loop(0);
        resolver names(system.look_up({.found = {address("10.0.0.1")}}));
        resolver::wait w(loop);
        const auto start = steady_clock::now();

        const auto result = run(loop, names.resolve(w, "a.test"), [&] { w.give_up(); });

        EXPECT_TRUE(result.found.empty());
        EXPECT_LT(steady_clock::now() - start, soon);
    }
    system.is_told.set_value();  // the loop is gone; the lookup must not touch it
}

TEST(resolver, a_failure_says_why_and_is_not_remembered) {
    event_loop loop(0);
    std::atomic<int> asked{0};
    resolver names([&](const std::string&) {
        return ++asked == 1 ? lookup_result{.failure = "no such name"}
                            : lookup_result{.found = {address("10.0.0.1")}};
    });
    resolver::wait first(loop);
    resolver::wait second(loop);

    EXPECT_EQ(run(loop, names.resolve(first, "a.test")).failure, "no such name");
    EXPECT_EQ(run(loop, names.resolve(second, "a.test")).found.size(), 1u);
}

TEST(resolver, lookups_at_a_time_are_bounded) {
    event_loop loop(0);
    slow_names system;
    resolver names(system.look_up({.found = {address("10.0.0.1")}}));
    std::vector<std::unique_ptr<resolver::wait>> waits;
    for (std::size_t i = 0; i < resolver::max_lookups; ++i) {
        waits.push_back(std::make_unique<resolver::wait>(loop));
        auto& w = *waits.back();
        run(loop, names.resolve(w, "n" + std::to_string(i) + ".test"), [&] { w.give_up(); });
    }
    resolver::wait one_more(loop);

    EXPECT_EQ(
        run(loop, names.resolve(one_more, "more.test")).failure, "too many lookups at a time"
    );
    system.is_told.set_value();
}

TEST(dialer, families_take_turns) {
    const auto in = [](std::initializer_list<const char*> texts) {
        addresses out;
        for (const auto* t : texts) {
            out.push_back(address(t));
        }
        return out;
    };
    EXPECT_EQ(in_turn(in({"::1", "::2", "::3", "1.1.1.1"})), in({"::1", "1.1.1.1", "::2", "::3"}));
    EXPECT_EQ(in_turn(in({"1.1.1.1", "::1", "::2", "::3"})), in({"1.1.1.1", "::1", "::2", "::3"}));
    EXPECT_EQ(in_turn(in({"1.1.1.1", "2.2.2.2"})), in({"1.1.1.1", "2.2.2.2"}));
    EXPECT_EQ(in_turn({}), addresses{});
}

TEST(dialer, an_address_that_refuses_is_followed_at_once) {
    event_loop loop(0);
    acceptor listening(loop.get_executor(), {address("127.0.0.1"), 0});
    dialer d(loop);
    tcp_socket socket(loop.get_executor());
    const auto start = steady_clock::now();

    const auto ec =
        run(loop,
            d.connect(
                {address("127.0.0.2"), address("127.0.0.3"), address("127.0.0.1")},
                listening.local_endpoint().port(),
                socket
            ));

    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(socket.remote_endpoint().address(), address("127.0.0.1"));
    EXPECT_LT(steady_clock::now() - start, soon);
}

TEST(dialer, an_ipv6_address_that_refuses_gives_way_to_ipv4) {
    event_loop loop(0);
    acceptor listening(loop.get_executor(), {address("127.0.0.1"), 0});
    dialer d(loop);
    tcp_socket socket(loop.get_executor());

    const auto ec = run(
        loop,
        d.connect({address("::1"), address("127.0.0.1")}, listening.local_endpoint().port(), socket)
    );

    EXPECT_FALSE(ec) << ec.message();
    EXPECT_TRUE(socket.remote_endpoint().address().is_v4());
}

TEST(dialer, when_all_refuse_the_last_error_is_told) {
    event_loop loop(0);
    acceptor bound(loop.get_executor());
    bound.open(asio::ip::tcp::v4());
    bound.bind({address("127.0.0.1"), 0});
    dialer d(loop);
    tcp_socket socket(loop.get_executor());

    const auto ec =
        run(loop,
            d.connect(
                {address("127.0.0.1"), address("127.0.0.2")}, bound.local_endpoint().port(), socket
            ));

    EXPECT_EQ(ec, asio::error::connection_refused);
}

// A port whose queue of connections is full: the kernel drops further attempts, so they stay silent.
class silent_port {
public:
    explicit silent_port(event_loop& loop) : acceptor_(loop.get_executor()) {
        acceptor_.open(asio::ip::tcp::v4());
        acceptor_.bind({address("127.0.0.2"), 0});
        acceptor_.listen(0);
        const asio::ip::tcp::endpoint here(address("127.0.0.2"), port());
        for (int i = 0; i < 4; ++i) {
            auto& s = fillers_.emplace_back(loop.get_executor());
            s.open(asio::ip::tcp::v4());
            s.native_non_blocking(true);
            ::connect(s.native_handle(), here.data(), static_cast<socklen_t>(here.size()));
        }
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    acceptor acceptor_;
    std::vector<tcp_socket> fillers_;
};

TEST(dialer, a_silent_address_gets_company) {
    event_loop loop(0);
    const silent_port silent(loop);
    acceptor listening(loop.get_executor(), {address("127.0.0.1"), silent.port()});
    dialer d(loop);
    tcp_socket socket(loop.get_executor());
    const auto start = steady_clock::now();

    const auto ec =
        run(loop, d.connect({address("127.0.0.2"), address("127.0.0.1")}, silent.port(), socket));

    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(socket.remote_endpoint().address(), address("127.0.0.1"));
    EXPECT_GE(steady_clock::now() - start, dialer::stagger);
    EXPECT_LT(steady_clock::now() - start, dialer::stagger + soon);
}

TEST(dialer, cancelling_ends_it) {
    event_loop loop(0);
    const silent_port silent(loop);
    dialer d(loop);
    tcp_socket socket(loop.get_executor());
    const auto start = steady_clock::now();

    const auto ec =
        run(loop, d.connect({address("127.0.0.2")}, silent.port(), socket), [&] { d.cancel(); });

    EXPECT_EQ(ec, asio::error::operation_aborted);
    EXPECT_LT(steady_clock::now() - start, soon);
}

}  // namespace
}  // namespace meta_model::net
