#include "dispatch/cascade_end.hpp"
#include "dispatch/cascade_requests.hpp"
#include "dispatch/cost_plan.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/live_answer.hpp"
#include "dispatch/planner.hpp"
#include "dispatch/step_gate.hpp"
#include "dispatch/synthesis_prompt.hpp"
#include "dispatch/token_estimate.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::dispatch {

namespace {

// That a step reads to continue an answer of so many, as far as it is kept.
std::int64_t continued_tokens(std::int64_t output_tokens) {
    constexpr std::size_t most_escaped = 6;  // bytes in JSON, of one of text
    const auto most = estimate_text_tokens(most_escaped * live_answer::most_kept_bytes);
    return most_prompt_tokens(std::min(output_tokens, most));
}

}  // namespace

void planner::plan_gate(
    const step_gate_target& gate, std::string_view step, std::int64_t answer_tokens
) {
    const auto when = "when " + std::string(step) + " has answered";
    if (gate.agree_with != nullptr) {
        const auto& u = *gate.agree_with;
        auto asked = request_step(c_, u, nullptr);
        take_in_order(add(u, leg_role::gate, when, bound_call(c_, u, std::move(asked.changes))));
    }
    if (gate.judge != nullptr) {
        const auto& u = *gate.judge;
        auto question = question_changes(c_, u, 0);
        add_user_message(question, grade_prompt({}, {.fence = std::string(32, '0')}));
        auto bound = bound_call(c_, u, std::move(question));
        bound.prompt_tokens += answer_tokens;
        bound.ceiling += cost_ceiling(u.config.pricing, answer_tokens, 0);
        take_in_order(add(u, leg_role::gate, when, bound));
    }
}

// Whether it can be paid, with what its gate asks of others. Takes what it costs anew.
bool planner::begin_step(
    planned_call& call,
    const step_bound& bound,
    const upstream::upstream_state& u,
    const upstream::body_changes& changes
) {
    auto all = bound.anew;
    all += bound.judging;
    all = std::max(all, call.ceiling);
    if (c_.purse != nullptr && all > c_.purse->left()) {
        call.is_started = false;
        call.reason = plan_reason::cost_limit;
        note_too_dear(all);
        return false;
    }
    if (const auto* const profile = c_.target.nested_in(u)) {
        plan_nested_step(call, *profile, bound.judging, changes);
    } else if (c_.purse != nullptr) {
        c_.purse->take(bound.anew);
    }
    return call.is_started;
}

// What a panel keeps for a synthesis that nobody needs is free when the step is over.
void planner::plan_nested_step(
    planned_call& call,
    const nested_profile& profile,
    base::money judging,
    const upstream::body_changes& changes
) {
    if (c_.purse == nullptr) {
        plan_nested(call, profile, changes);
        return;
    }
    c_.purse->take(judging);
    const auto before = left();
    plan_nested(call, profile, changes);
    const auto taken = base::minus(before, left());
    c_.purse->settle(base::minus(taken, call.ceiling));
    c_.purse->settle(judging);
}

// A step that continues a stream reads more and has no gate: either that is paid or the gate.
void planner::take_rest_of_step(const step_bound& bound) {
    not_both_ += std::min(bound.reading, bound.judging);
    if (c_.purse != nullptr) {
        c_.purse->take(base::minus(bound.reading, bound.judging));
    }
}

// `before`: the step that is tried before it; `sent_tokens`: of the text that a client can have of those before, where a
// cut stream is continued.
void planner::plan_step(std::size_t i, std::string& before, std::int64_t& sent_tokens) {
    const auto& u = *c_.target.upstreams[i];
    const bool has_gate = i < c_.target.gates.size() && c_.target.gates[i].gate != nullptr;
    const auto* gate = has_gate ? &c_.target.gates[i] : nullptr;
    const auto changes = request_step(c_, u, gate).changes;
    const auto bound = bound_call(c_, u, changes);
    auto longer = bound;
    longer.prompt_tokens += sent_tokens;
    longer.ceiling += cost_ceiling(u.config.pricing, sent_tokens, 0);
    const bool may_continue =
        sent_tokens > 0 && (c_.purse == nullptr || longer.ceiling <= c_.purse->left());
    auto when = before.empty() ? std::string("at once") : "when " + before + " gave no answer";
    when += may_continue ? ", or to continue it" : "";
    auto& call = add(u, leg_role::step, std::move(when), may_continue ? longer : bound);
    if (!changes.refusal.empty()) {
        call.is_started = false;
        call.reason = plan_reason::too_large;
        return;
    }
    const step_bound parts{
        .anew = bound.ceiling,
        .reading = base::minus(call.ceiling, bound.ceiling),
        .judging = gate != nullptr ? gate_ceiling(c_, *gate, u, changes) : base::money{}
    };
    if (!begin_step(call, parts, u, changes)) {
        return;
    }
    before = u.config.key;
    if (gate != nullptr) {
        plan_gate(*gate, before, draft_tokens(bound.output_tokens));
    } else if (c_.request.stream() && c_.target.profile->on_cut == config::on_cut::resume) {
        sent_tokens += continued_tokens(bound.output_tokens);
    }
    take_rest_of_step(parts);
}

void planner::plan_cascade() {
    std::string before;
    std::int64_t sent_tokens = 0;
    for (std::size_t i = 0; i < c_.target.upstreams.size(); ++i) {
        plan_step(i, before, sent_tokens);
    }
    refuse_if_no_step_starts();
}

// As the cascade says it: too dear, or too long for every window.
void planner::refuse_if_no_step_starts() {
    const bool starts = std::ranges::any_of(out_.calls, &planned_call::is_started);
    if (starts || out_.calls.empty()) {
        return;
    }
    const auto is_unpaid = [](const planned_call& call) {
        return call.reason == plan_reason::cost_limit;
    };
    // A profile is asked before it finds that its calls cannot be paid.
    const bool was_asked = std::ranges::any_of(out_.calls, [&](const planned_call& call) {
        return call.sub != nullptr && is_unpaid(call);
    });
    if (was_asked) {
        cheapest_.reset();
    }
    out_.refusal = std::ranges::any_of(out_.calls, is_unpaid) ? too_dear() : too_long_for_cascade();
}

}  // namespace meta_model::dispatch
