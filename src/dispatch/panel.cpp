#include "dispatch/panel.hpp"

#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/partial_draft.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <exception>

namespace meta_model::dispatch {

using std::chrono::steady_clock;

panel::panel(request_context& context) : context_(context), changed_(context.loop.get_executor()) {
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

net::task<> panel::run_leg(
    std::size_t i, upstream::body_changes changes, base::steady_time deadline
) {
    try {
        if (hooks_.may_start && !hooks_.may_start(i)) {
            legs_[i]->leave_out();
        } else {
            co_await legs_[i]->run(changes, deadline);
        }
    } catch (const std::exception& e) {
        auto& result = legs_[i]->result();
        result.outcome = leg_outcome::failed;
        result.reason = telemetry::call_outcome::transport;
        result.detail = e.what();
    }
    if (hooks_.judge) {
        hooks_.judge(i, legs_[i]->result());
    } else {
        judge_draft(legs_[i]->result());
    }
    if (legs_[i]->result().is_partial) {
        legs_[i]->note_partial();
    }
    ended_[i] = steady_clock::now();
    --running_;
    changed_.notify();
}

bool panel::is_required(std::size_t i) const {
    const auto& seats = context_.target.seats;
    return i < seats.size() && seats[i].member->is_required;
}

std::vector<panel_leg> panel::states() const {
    std::vector<panel_leg> out;
    for (std::size_t i = 0; i < legs_.size(); ++i) {
        const auto& result = legs_[i]->result();
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
    const std::vector<upstream::upstream_state*>& upstreams,
    const std::function<upstream::body_changes(std::size_t i)>& changes,
    const panel_limits& limits,
    panel_hooks hooks
) {
    hooks_ = std::move(hooks);
    for (auto* u : upstreams) {
        legs_.push_back(std::make_unique<leg>(context_, *u));
        legs_.back()->set_role(
            context_.target.type == config::profile_type::voting ? leg_role::voter
                                                                 : leg_role::generator
        );
        if (upstreams.size() == 1) {
            legs_.back()->allow_retries();
        }
        ended_.emplace_back();
        const auto patience = u->availability.patience(limits.start);
        patience_ends_.push_back(patience ? limits.start + *patience : base::no_deadline);
    }
    for (std::size_t i = 0; i < legs_.size(); ++i) {
        auto what = changes(i);
        auto started = run_leg(i, std::move(what), limits.deadline);
        ++running_;
        net::asio::co_spawn(context_.loop.get_executor(), std::move(started), net::asio::detached);
    }
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
    for (auto& l : legs_) {
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
    for (auto& l : legs_) {
        l->cancel(base::cancel_reason::decided);
    }
    while (running_ > 0) {
        co_await changed_.wait_until(steady_clock::now() + std::chrono::seconds(1));
    }
}

std::string panel::failures() const {
    std::string out;
    for (const auto& l : legs_) {
        if (l->result().is_answered()) {
            continue;
        }
        const auto reason =
            l->is_running() ? telemetry::call_outcome::cancelled : l->result().reason;
        out += out.empty() ? "" : ",";
        out += l->upstream().config.key;
        out += ':';
        out += telemetry::to_string(reason);
    }
    return out;
}

}  // namespace meta_model::dispatch
