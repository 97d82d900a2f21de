// The generators of an ensemble, asked at once; it goes on as soon as the panel rule says so.
#pragma once

#include "dispatch/leg.hpp"
#include "dispatch/panel_rule.hpp"
#include "net/signal.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace meta_model::dispatch {

// How a strategy takes part. Each may be empty.
struct panel_hooks {
    // Judges the answer of leg `i` in place of the panel, when it is over.
    std::function<void(std::size_t i, leg_result& result)> judge{};
    // True: what the legs that still run will answer no longer counts.
    std::function<bool()> is_decided{};
    // False: the leg is not started, because of what it may cost.
    std::function<bool(std::size_t i)> may_start{};
};

class panel {
public:
    // `context` outlives the panel; join() before it is destroyed.
    explicit panel(request_context& context);
    panel(const panel&) = delete;
    panel& operator=(const panel&) = delete;

    // Starts a leg for each upstream and returns when the rule lets the answer go on, fails, or everything was
    // cancelled. Legs that are no longer needed are cancelled; their sockets are closed by then.
    net::task<panel_action> run(
        const std::vector<upstream::upstream_state*>& upstreams,
        const std::function<upstream::body_changes(std::size_t i)>& changes,
        const panel_limits& limits,
        panel_hooks hooks = {}
    );

    // Waits for the last leg's coroutine. Cancelled ones end within milliseconds.
    net::task<> join();

    const std::vector<std::unique_ptr<leg>>& legs() const { return legs_; }

    // What the panel makes of a leg that is over: reasoning is taken out of its draft, and an answer that has nothing to
    // show becomes a failure. A `judge` of hooks may start with it.
    void judge_draft(leg_result& result) const;

    // True for a leg whose answer can be used: visible text, or a tool call.
    static bool is_usable(const leg_result& result);

    // "name:reason" of every leg that failed, comma separated; empty when none did.
    std::string failures() const;

private:
    net::task<> run_leg(std::size_t i, upstream::body_changes changes, base::steady_time deadline);
    bool is_required(std::size_t i) const;
    std::vector<panel_leg> states() const;

    request_context& context_;
    panel_hooks hooks_;
    std::vector<std::unique_ptr<leg>> legs_;
    std::vector<base::steady_time> ended_;
    std::vector<base::steady_time> patience_ends_;
    std::size_t running_ = 0;
    net::signal changed_;
};

// Runs a strategy that owns a panel. After a throw the panel's legs still refer to it, so that they are waited for.
template <class Strategy>
net::task<base::maybe_error> run_to_end(Strategy& request) {
    base::maybe_error failure;
    std::exception_ptr fault;
    try {
        failure = co_await request.run();
    } catch (...) {
        fault = std::current_exception();
    }
    if (fault) {
        co_await request.stop();
        std::rethrow_exception(fault);
    }
    co_return failure;
}

}  // namespace meta_model::dispatch
