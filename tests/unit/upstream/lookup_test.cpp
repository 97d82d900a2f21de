// A name that cannot be looked up in time costs its own call, and no longer than that call may take.
#include "upstream/client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <future>

namespace meta_model::upstream {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// One upstream whose name hangs in the lookup.
class hanging_name {
public:
    explicit hanging_name(config::seconds_f connect_timeout) {
        config::upstream u;
        u.key = "a";
        u.base_urls = {"http://models.test:8000/v1"};
        u.timeouts.connect = connect_timeout;
        config_.upstreams.emplace("a", u);
    }
    ~hanging_name() { is_told_.set_value(); }

    // Starts a call; `meanwhile` runs while it waits.
    call_error start(call_options options, std::function<void()> meanwhile = {}) {
        net::event_loop loop(0);
        net::resolver names([told = told_](const std::string&) {
            told.wait();
            return net::lookup_result{.failure = "too late"};
        });
        const registry upstreams(config_);
        client c(loop, names, upstreams);
        const auto made = c.make_call(*upstreams.find("a"));
        options.path = "/models";
        std::optional<call_error> out;
        net::asio::co_spawn(
            loop.get_executor(),
            made->start(options),
            [&](std::exception_ptr, call_error e) {
                out = std::move(e);
                loop.stop();
            }
        );
        if (meanwhile) {
            net::asio::post(loop.get_executor(), meanwhile);
        }
        const auto begin = steady_clock::now();
        loop.run([](const char* what) { ADD_FAILURE() << what; });
        took_ = steady_clock::now() - begin;
        return *out;
    }

    steady_clock::duration took() const { return took_; }

private:
    config::gateway_config config_;
    std::promise<void> is_told_;
    std::shared_future<void> told_ = is_told_.get_future().share();
    steady_clock::duration took_{};
};

TEST(lookup, ends_with_the_request_that_wanted_it) {
    hanging_name name(10s);
    base::cancel_source cancel;

    const auto fault =
        name.start({.cancel = &cancel}, [&] { cancel.cancel(base::cancel_reason::client_gone); });

    EXPECT_EQ(fault.fault, call_fault::cancelled) << fault.detail;
    EXPECT_LT(name.took(), 100ms);
}

TEST(lookup, ends_with_the_connect_timeout) {
    hanging_name name(0.1s);

    const auto fault = name.start({});

    EXPECT_EQ(fault.fault, call_fault::timeout);
    EXPECT_EQ(fault.detail, "name lookup timeout");
    EXPECT_LT(name.took(), 350ms);
}

TEST(lookup, ends_with_the_deadline) {
    hanging_name name(10s);

    const auto fault = name.start({.deadline = steady_clock::now() + 100ms});

    EXPECT_EQ(fault.fault, call_fault::deadline) << fault.detail;
    EXPECT_LT(name.took(), 350ms);
}

}  // namespace
}  // namespace meta_model::upstream
