// The generators of an ensemble, asked at once; it goes on as soon as the panel rule says so.
#pragma once

#include "dispatch/leg.hpp"
#include "dispatch/panel_rule.hpp"
#include "net/signal.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
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

// What the panel waits for: the draft of one seat, which is all that its call brings, or one of several choices.
class panel_draft {
public:
    panel_draft(leg& call, std::size_t choice) : call_(&call), choice_(choice) {}

    const leg& call() const { return *call_; }
    const upstream::upstream_state& upstream() const { return call_->upstream(); }
    const leg_result& result() const { return std::as_const(*call_).choice_result(choice_); }
    leg_result& result() { return call_->choice_result(choice_); }
    bool is_running() const { return result().outcome == leg_outcome::running; }
    void note_partial() { call_->note_partial(); }

private:
    leg* call_;
    std::size_t choice_;
};

class panel {
public:
    using seat_changes = std::function<upstream::body_changes(std::size_t i)>;

    // `context` outlives the panel; join() before it is destroyed.
    explicit panel(request_context& context);
    panel(const panel&) = delete;
    panel& operator=(const panel&) = delete;

    // Makes the calls of the target's seats and returns when the rule lets the answer go on, fails, or everything was
    // cancelled. Calls that are no longer needed are cancelled; their sockets are closed by then. `changes`: what seat
    // `i` is asked when it has a call of its own.
    net::task<panel_action> run(
        seat_changes changes, const panel_limits& limits, panel_hooks hooks = {}
    );

    // Waits for the last leg's coroutine. Cancelled ones end within milliseconds.
    net::task<> join();

    // One for each seat.
    const std::vector<panel_draft>& drafts() const { return drafts_; }
    // What brings them, with the calls that an upstream refused because of `n`.
    const std::vector<std::unique_ptr<leg>>& calls() const { return calls_; }

    // Which seats' drafts come with the call of the seat before them (shared_calls).
    const std::vector<bool>& sharing() const { return sharing_; }

    // What the panel makes of a leg that is over: reasoning is taken out of its draft, and an answer that has nothing to
    // show becomes a failure. A `judge` of hooks may start with it.
    void judge_draft(leg_result& result) const;

    // True for a leg whose answer can be used: visible text, or a tool call.
    static bool is_usable(const leg_result& result);

    // "name:reason" of every draft that failed, comma separated; empty when none did.
    std::string failures() const;

private:
    void take_seats();
    leg& add_call(std::size_t seat);
    void start_all();
    void start(std::size_t first, leg& call);
    net::task<> run_call(std::size_t first, leg& call, upstream::body_changes changes);
    void settle(std::size_t i);
    void ask_singly(std::size_t first, std::size_t count);
    void note_choices(std::size_t first, const leg& call);
    bool is_required(std::size_t i) const;
    std::vector<panel_leg> states() const;

    request_context& context_;
    panel_hooks hooks_;
    seat_changes changes_;
    base::steady_time deadline_{};  // of the calls
    const std::vector<bool> sharing_;
    std::vector<std::unique_ptr<leg>> calls_;
    std::vector<panel_draft> drafts_;
    std::vector<base::steady_time> ended_;  // by seat; no time: it is not over
    std::vector<const leg*> retried_;       // in the place of a refused call with several choices
    std::vector<base::steady_time> patience_ends_;
    std::size_t running_ = 0;  // calls
    bool is_over_ = false;     // nothing more is begun
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
