// One upstream's part in an ensemble: a call of its own with its own outcome, whose answer is collected as a draft and,
// if somebody listens, told as it comes.
#pragma once

#include "api/answer_event.hpp"
#include "api/draft_builder.hpp"
#include "api/message.hpp"
#include "dispatch/guarded_call.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace meta_model::dispatch {

enum class leg_outcome { running, answered, failed };

struct leg_result {
    leg_outcome outcome = leg_outcome::running;
    api::draft draft{};                // with `answered`; else what came before the failure
    telemetry::call_outcome reason{};  // with `failed`
    int status = 0;                    // HTTP status of the reply; 0: none came
    std::string detail{};              // log only
    std::chrono::microseconds first_byte{telemetry::not_reached};
    std::chrono::microseconds total{0};
    std::optional<api::token_usage> usage{
    };  // as reported, numbers only; stays when the draft is moved away
    bool is_cut_short =
        false;  // ended by the panel or by the request's deadline, not by its upstream
    bool is_partial = false;        // with is_cut_short: the draft is long enough to be shown
    bool is_misshapen = false;      // 2xx without a usable choice
    std::size_t content_bytes = 0;  // of the draft's text, also of one that was not kept
    std::string body{
    };  // after keep_body(): of a reply that was no stream; an error event as {"error":…}
    std::string passed_headers{};  // header lines of the reply that clients may see, each with CRLF
    int retry_after_s = -1;        // of the reply, or until it may be called; -1: it named none
    int error_status = 0;  // what an error object in a 2xx reply stands for; 0: there was none

    bool is_answered() const { return outcome == leg_outcome::answered; }
};

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

    // Lets a refused call be tried again: nobody else can take over. Before run().
    void allow_retries() { retries_ = retries::allowed; }

    // The client has the beginning of the answer: nothing will take its place, so that its text need not be kept.
    void forget_text() { builder_.forget_text(); }

    // In place of run(): the call does not fit what the request may cost.
    void leave_out();

    // What it had written is used all the same.
    void note_partial();

    // Ends the leg as `cancelled` or, when its time was up, as `timeout`. The socket is closed at once.
    void cancel(base::cancel_reason why);

    const upstream::upstream_state& upstream() const { return upstream_; }
    const leg_result& result() const { return result_; }
    leg_result& result() { return result_; }

    // What the metrics ring keeps of a leg that is over: its times, and the tokens that its upstream reported.
    telemetry::leg_record record() const;
    bool is_running() const { return result_.outcome == leg_outcome::running; }

private:
    void on_event(const api::answer_event& event) override;
    net::task<> collect(const std::function<net::task<bool>()>& after_events);
    net::task<> collect_stream(const std::function<net::task<bool>()>& after_events);
    void judge_body(const std::string& body);
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
};

// The error that a failed leg is for a strategy in which nothing can take its place (spec §3.4).
base::error error_of(const leg_result& result);

}  // namespace meta_model::dispatch
