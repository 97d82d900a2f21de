// One upstream's part in an ensemble: a call of its own with its own outcome, whose answer is collected as a draft and,
// if somebody listens, told as it comes.
#pragma once

#include "api/answer_event.hpp"
#include "api/chat_wire.hpp"
#include "api/draft_builder.hpp"
#include "api/message.hpp"
#include "dispatch/guarded_call.hpp"
#include "dispatch/leg_choices.hpp"
#include "dispatch/leg_result.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace meta_model::dispatch {

class leg final : private api::answer_listener {
public:
    // `context` outlives the leg.
    leg(request_context& context, upstream::upstream_state& upstream);
    leg(const leg&) = delete;
    leg& operator=(const leg&) = delete;

    // Makes the call and collects the answer; returns when it is over. `changes` are copied into the body before the
    // first suspension. `listener` (may be null) gets the events as they come; false from `after_events` stops the leg.
    net::task<> run(
        const upstream::body_changes& changes,
        base::steady_time deadline,
        api::answer_listener* listener = nullptr,
        std::function<net::task<bool>()> after_events = {}
    );

    // Keeps the reply's own text in the result, for a strategy that passes it on. Before run().
    void keep_body() { keeps_body_ = true; }

    // What it is called in the ledger; by default what the profile's type makes of a leg that stands alone. Before run().
    void set_role(leg_role role) { role_ = role; }

    // Asks for several choices at once, each a draft of its own (choice_result). `on_over` is told of those that are over
    // before the call is. Such a leg has no listener. Before run().
    void ask_for(std::size_t choices, leg_choices::over_hook on_over);

    // Gives it its place in the ledger, before others that begin first. Before run().
    void open_line();

    // Lets a refused call be tried again: nobody else can take over. Before run().
    void allow_retries() { retries_ = retries::allowed; }

    // The client has the beginning of the answer: nothing will take its place, so that its text need not be kept.
    void forget_text() { builder_.forget_text(); }

    // In place of run(): the call does not fit what the request may cost.
    void leave_out();

    // After run() threw.
    void break_off(std::string detail);

    // What it had written is used all the same.
    void note_partial();

    // Ends the leg as `cancelled` or, when its time was up, as `timeout`. The socket is closed at once.
    void cancel(base::cancel_reason why);

    upstream::upstream_state& upstream() const { return upstream_; }
    bool is_nested() const { return is_nested_; }
    const leg_result& result() const { return result_; }
    leg_result& result() { return result_; }

    // Of one of the drafts that it was asked for; its own, where that is one. With several, result() tells of the call.
    std::size_t choices() const { return choices_ == nullptr ? 1 : choices_->count(); }
    const leg_result& choice_result(std::size_t i) const {
        return choices_ == nullptr ? result_ : choices_->result(i);
    }
    leg_result& choice_result(std::size_t i) {
        return choices_ == nullptr ? result_ : choices_->result(i);
    }
    // How many choices came, whole or in part.
    std::size_t given_choices() const { return choices_ == nullptr ? 1 : choices_->given(); }

    // What the metrics ring keeps of a leg that is over: its times, and the tokens that its upstream reported.
    telemetry::leg_record record() const;
    bool is_running() const { return result_.outcome == leg_outcome::running; }

private:
    void on_event(const api::answer_event& event) override;
    net::task<> collect(const std::function<net::task<bool>()>& after_events);
    net::task<> collect_stream(const std::function<net::task<bool>()>& after_events);
    void judge_body(const std::string& body);
    api::completion_fault decode(const std::string& body);
    void fail(telemetry::call_outcome reason, std::string detail);
    void fail_with(const upstream::call_error& fault);
    void refuse(telemetry::call_outcome reason, std::string detail);
    bool prepare(upstream::prepared_body& body, const upstream::body_changes& changes);
    void finish();
    void close_line();
    base::money spent(bool was_refused) const;

    request_context& context_;
    upstream::upstream_state& upstream_;
    base::child_cancel_source cancel_;
    guarded_call call_;
    leg_result result_;
    api::answer_listener* listener_ = nullptr;
    api::draft_builder builder_;
    std::unique_ptr<leg_choices> choices_;  // of a call that asks for several
    base::steady_time started_{};
    std::optional<telemetry::call_outcome> cancelled_as_;
    bool keeps_body_ = false;
    retries retries_ = retries::none;
    leg_role role_;
    ledger_line* line_ = nullptr;  // of the context's ledger
    const bool is_nested_;         // a profile serves it: its own calls are paid, not this one
    std::shared_ptr<const ledger> nested_ledger_{};
    std::size_t sent_bytes_ = 0;
    // With a limit on what the request may cost:
    std::unique_ptr<upstream::body_changes> limited_;  // the changes, with a limit on the answer
    std::int64_t most_output_ = 0;                     // tokens
    base::money ceiling_{};                            // set aside while it runs
    bool is_unreached_ = false;                        // nothing was sent
    bool has_content_ = false;  // of a stream came a part of an answer, or of one of several
};

// The error that a failed leg is for a strategy in which nothing can take its place (spec §3.4).
base::error error_of(const leg_result& result);

}  // namespace meta_model::dispatch
