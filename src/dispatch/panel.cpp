#include "dispatch/panel.hpp"

#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/partial_draft.hpp"
#include "dispatch/shared_calls.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <exception>

namespace meta_model::dispatch {

using std::chrono::steady_clock;

panel::panel(request_context& context)
    : context_(context),
      sharing_(shared_calls(context.target)),
      changed_(context.loop.get_executor()) {
}

bool panel::is_usable(const leg_result& result) {
    return result.is_answered()
           && (api::has_visible_content(result.draft) || !result.draft.tool_calls.empty()
               || result.draft.function_call.has_value() || !result.draft.refusal.empty());
}

// Generators' reasoning is not part of their draft: what is left must be able to stand as an answer.
void panel::judge_draft(leg_result& result) const {
    auto& d = result.draft;
    if (!result.is_answered()) {
        result.is_partial =
            result.is_cut_short && context_.target.profile->keep_partial_drafts && make_partial(d);
        return;
    }
    api::separate_reasoning(d);
    if (!is_usable(result)) {
        result.outcome = leg_outcome::failed;
        result.reason = telemetry::call_outcome::unusable;
        result.detail = "the draft has no visible content";
    }
}

// A leg for each call, which brings the drafts of one seat or of several.
void panel::take_seats() {
    const auto& upstreams = context_.target.upstreams;
    drafts_.reserve(upstreams.size());
    std::size_t first = 0;
    const auto ask_for_all = [&](std::size_t end) {
        if (end - first > 1) {
            calls_.back()->ask_for(end - first, [this, first](std::size_t choice) {
                settle(first + choice);
                changed_.notify();
            });
        }
    };
    bool has_open_call = false;
    for (std::size_t i = 0; i < upstreams.size(); ++i) {
        const bool starts = !hooks_.may_start || hooks_.may_start(i);
        const bool joins = starts && has_open_call && i < sharing_.size() && sharing_[i];
        if (!joins) {
            ask_for_all(i);
            first = i;
            add_call(i);
            has_open_call = starts;
        }
        drafts_.emplace_back(*calls_.back(), i - first);
    }
    ask_for_all(upstreams.size());
    if (calls_.size() == 1) {
        calls_.front()->allow_retries();
    }
}

leg& panel::add_call(std::size_t seat) {
    auto& call =
        *calls_.emplace_back(std::make_unique<leg>(context_, *context_.target.upstreams[seat]));
    call.set_role(
        context_.target.type == config::profile_type::voting ? leg_role::voter : leg_role::generator
    );
    return call;
}

// Profiles begin last: with a cost limit they take what the others leave, whose calls were counted on.
void panel::start_all() {
    // One that is over at once adds others, which have begun.
    const auto calls = calls_.size();
    for (const auto& call : calls_) {
        call->open_line();
    }
    for (const bool begins_nested : {false, true}) {
        for (std::size_t i = 0, first = 0; i < calls; ++i) {
            auto& call = *calls_[i];
            if (call.is_nested() == begins_nested) {
                start(first, call);
            }
            first += call.choices();
        }
    }
}

void panel::start(std::size_t first, leg& call) {
    auto what = changes_(first);
    if (call.choices() > 1) {
        set_choices(what, call.choices());
    }
    auto started = run_call(first, call, std::move(what));
    ++running_;
    net::asio::co_spawn(context_.loop.get_executor(), std::move(started), net::asio::detached);
}

net::task<> panel::run_call(std::size_t first, leg& call, upstream::body_changes changes) {
    const auto end = first + call.choices();
    try {
        if (hooks_.may_start && !hooks_.may_start(first)) {
            call.leave_out();
        } else {
            co_await call.run(changes, deadline_);
        }
    } catch (const std::exception& e) {
        call.break_off(e.what());
    }
    --running_;
    if (call.choices() > 1 && may_refuse_choices(call.result()) && !is_over_) {
        ask_singly(first, call.choices());
        co_return;
    }
    note_choices(first, call);
    for (auto i = first; i < end; ++i) {
        settle(i);
    }
    changed_.notify();
}

// Its draft is over.
void panel::settle(std::size_t i) {
    if (ended_[i] != base::steady_time{}) {
        return;
    }
    auto& result = drafts_[i].result();
    if (hooks_.judge) {
        hooks_.judge(i, result);
    } else {
        judge_draft(result);
    }
    if (result.is_partial) {
        drafts_[i].note_partial();
    }
    ended_[i] = steady_clock::now();
}

// What may have been refused for the sake of `n` is asked without it.
void panel::ask_singly(std::size_t first, std::size_t count) {
    for (auto i = first; i < first + count; ++i) {
        auto& call = add_call(i);
        drafts_[i] = panel_draft(call, 0);
        retried_.push_back(&call);
        start(i, call);
    }
}

// One that answers without `n` after it refused it, or gives one choice whatever it is asked for, is asked singly from
// now on.
void panel::note_choices(std::size_t first, const leg& call) {
    const auto& result = call.result();
    const bool ignores = call.choices() > 1 && result.is_answered() && call.given_choices() == 1;
    const bool refuses =
        result.is_answered() && std::ranges::find(retried_, &call) != retried_.end();
    auto& upstream = *context_.target.upstreams[first];
    if ((ignores || refuses) && upstream.takes_choices.exchange(false)) {
        context_.log.write(
            base::log_level::warning,
            "an upstream does not give several choices in one call; samples are asked for singly",
            {{"id", context_.request_id},
             {"upstream", upstream.config.key},
             {"reason", refuses ? "it refused 'n'" : "it gave one"}}
        );
    }
}

bool panel::is_required(std::size_t i) const {
    const auto& seats = context_.target.seats;
    return i < seats.size() && seats[i].member->is_required;
}

std::vector<panel_leg> panel::states() const {
    std::vector<panel_leg> out;
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
        const auto& result = drafts_[i].result();
        const auto state = result.outcome == leg_outcome::running ? panel_leg_state::running
                           : result.is_answered()                 ? panel_leg_state::usable
                                                                  : panel_leg_state::failed;
        out.push_back(
            {.state = state,
             .ended = ended_[i],
             .patience_end = patience_ends_[i],
             .is_required = is_required(i)}
        );
    }
    return out;
}

net::task<panel_action> panel::run(
    seat_changes changes, const panel_limits& limits, panel_hooks hooks
) {
    hooks_ = std::move(hooks);
    changes_ = std::move(changes);
    deadline_ = limits.deadline;
    take_seats();
    for (auto* u : context_.target.upstreams) {
        ended_.emplace_back();
        const auto patience = u->availability.patience(limits.start);
        patience_ends_.push_back(patience ? limits.start + *patience : base::no_deadline);
    }
    start_all();
    panel_decision decision;
    for (;;) {
        decision = decide_panel(states(), limits, steady_clock::now());
        if (hooks_.is_decided && hooks_.is_decided()) {
            decision = {.action = panel_action::proceed};
        }
        if (decision.action != panel_action::wait || context_.cancel.is_cancelled()) {
            break;
        }
        co_await changed_.wait_until(decision.wait_until);
    }
    is_over_ = true;
    for (auto& l : calls_) {
        l->cancel(
            decision.cancel_as_timeout ? base::cancel_reason::timeout : base::cancel_reason::decided
        );
    }
    // A cancelled leg ends on its own; its outcome must be known before it is reported.
    const auto soon = steady_clock::now() + std::chrono::milliseconds(20);
    while (running_ > 0 && steady_clock::now() < soon) {
        co_await changed_.wait_until(soon);
    }
    co_return decision.action;
}

net::task<> panel::join() {
    is_over_ = true;
    for (auto& l : calls_) {
        l->cancel(base::cancel_reason::decided);
    }
    while (running_ > 0) {
        co_await changed_.wait_until(steady_clock::now() + std::chrono::seconds(1));
    }
}

std::string panel::failures() const {
    std::string out;
    for (const auto& d : drafts_) {
        if (d.result().is_answered()) {
            continue;
        }
        const auto reason = d.is_running() ? telemetry::call_outcome::cancelled : d.result().reason;
        out += out.empty() ? "" : ",";
        out += d.upstream().config.key;
        out += ':';
        out += telemetry::to_string(reason);
    }
    return out;
}

}  // namespace meta_model::dispatch
