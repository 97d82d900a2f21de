#include "dispatch/answer_form.hpp"
#include "dispatch/moa_costs.hpp"
#include "dispatch/moa_requests.hpp"
#include "dispatch/planner.hpp"
#include "dispatch/seat_bounds.hpp"
#include "dispatch/shared_calls.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/voting_requests.hpp"

#include <algorithm>

namespace meta_model::dispatch {

// A seat of a panel: a call of its own, or one more answer of the call before. Returns the position of the call.
std::size_t planner::add_seat(
    std::size_t i,
    leg_role role,
    const std::optional<call_bound>& bound,
    const std::vector<bool>& sharing,
    bool starts
) {
    if (starts && i < sharing.size() && sharing[i]) {
        auto& call = out_.calls.back();
        ++call.samples;
        call.output_tokens += bound->output_tokens;
        call.ceiling += bound->ceiling;
        return out_.calls.size() - 1;
    }
    auto& call = add(*c_.target.upstreams[i], role, "at once", bound.value_or(call_bound{}));
    call.time = panel_time(role == leg_role::generator || !c_.target.profile->judge.empty());
    call.is_started = starts;
    call.reason = starts  ? std::string_view()
                  : bound ? plan_reason::cost_limit
                          : plan_reason::too_large;
    return out_.calls.size() - 1;
}

// The profiles among the seats, when the upstreams beside them have what they need.
void planner::plan_nested_seats(
    const std::vector<std::size_t>& call_of, const seat_changes& changes
) {
    for (std::size_t i = 0; i < call_of.size(); ++i) {
        auto& call = out_.calls[call_of[i]];
        const auto* const profile = c_.target.nested_in(*c_.target.upstreams[i]);
        if (profile != nullptr && call.is_started) {
            plan_nested(call, *profile, changes(i));
        }
    }
}

// Which drafts begin, as moa_panel decides it; the synthesizer's part is set aside.
panel_choice planner::choose_drafts(const moa_bounds& bounds) {
    panel_choice out;
    out.starts.assign(bounds.drafts.size(), true);
    if (c_.purse == nullptr) {
        return out;
    }
    out = choose_panel(bounds.costs(), c_.purse->left());
    if (begins_too_few(out, c_.target.profile->required_drafts)) {
        out_.refusal = over_cost_limit(c_, out.cheapest);
        out.starts.assign(bounds.drafts.size(), false);
        out.held = {};
    }
    c_.purse->take(out.held);
    return out;
}

void planner::plan_moa() {
    moa_prompts prompts(c_);
    if (auto refusal = prompts.plan()) {
        out_.refusal = std::move(refusal);
        return;
    }
    const auto policy = resolve_tool_policy(c_.request, c_.target.profile->strip_tools);
    const auto bounds = bound_moa(c_, prompts, policy, shared_calls(c_.target));
    const auto choice = choose_drafts(bounds);
    std::vector<std::size_t> call_of;
    for (std::size_t i = 0; i < bounds.drafts.size(); ++i) {
        const auto& bound = bounds.drafts[i];
        const bool starts = bound && choice.starts[i];
        call_of.push_back(add_seat(i, leg_role::generator, bound, bounds.sharing, starts));
        if (starts && c_.purse != nullptr) {
            c_.purse->take(bound->ceiling);
        }
    }
    plan_nested_seats(call_of, [&](std::size_t i) { return generator_changes(c_, prompts, i); });
    refuse_if_no_draft_starts();
    const bool is_best_of = c_.target.profile->synthesis_mode == config::synthesis_mode::best_of;
    const bool has_form = form_of(c_.request).is_asked();
    const auto lone = !is_best_of && (has_form || policy.needs_call()) ? lone_draft::may_lack
                                                                       : lone_draft::answers;
    plan_synthesis(bounds, choice.held, call_of, lone);
    const auto& synthesizer = out_.calls.back();
    if (synthesizer.is_started && !is_best_of && has_form) {
        plan_repair(synthesizer.output_tokens, repair_changes(c_, prompts, {}, {}).changes);
    }
}

// Profiles whose calls turn out to be too dear fail when they are asked.
void planner::refuse_if_no_draft_starts() {
    const bool starts = std::ranges::any_of(out_.calls, &planned_call::is_started);
    if (c_.purse == nullptr || out_.refusal || starts) {
        return;
    }
    out_.refusal = c_.target.upstreams.size() == 1
                       ? error_of({upstream::call_fault::unpaid, {}})
                       : base::make_error(
                             base::error_code_id::all_generators_failed, "All generators failed."
                         );
}

// `held`: what is set aside for it.
void planner::plan_synthesis(
    const moa_bounds& bounds,
    base::money held,
    const std::vector<std::size_t>& call_of,
    lone_draft lone
) {
    auto synthesis = bounds.synthesis;
    std::size_t count = 0;
    for (std::size_t i = 0; i < call_of.size(); ++i) {
        if (out_.calls[call_of[i]].is_started) {
            ++count;
            synthesis.ceiling += bounds.readings[i];
            synthesis.prompt_tokens += draft_tokens(bounds.drafts[i]->output_tokens);
        }
    }
    const bool is_best_of = c_.target.profile->synthesis_mode == config::synthesis_mode::best_of;
    const bool is_for_lone = count == 1 && lone == lone_draft::may_lack;
    auto& last =
        add(*c_.target.synthesizer,
            leg_role::synthesizer,
            is_best_of    ? "to choose among two drafts or more"
            : is_for_lone ? "when the draft is not what is asked for"
                          : "when two drafts or more are to be merged",
            synthesis);
    const bool is_paid =
        c_.purse == nullptr || held > base::money{} || synthesis.ceiling == base::money{};
    if (is_for_lone && !is_paid) {
        take_in_order(last);
        return;
    }
    last.is_started = (count > 1 || is_for_lone) && is_paid;
    last.reason = last.is_started || is_paid ? std::string_view() : plan_reason::cost_limit;
}

// The synthesizer is shown its answer once more.
void planner::plan_repair(std::int64_t output_tokens, const upstream::body_changes& changes) {
    const auto& u = *c_.target.synthesizer;
    auto bound = bound_call(c_, u, changes);
    const auto answer = draft_tokens(output_tokens);
    bound.prompt_tokens += answer;
    bound.ceiling += cost_ceiling(u.config.pricing, answer, 0);
    take_in_order(
        add(u, leg_role::repair, "when the answer is not in the form that is asked for", bound)
    );
}

// Then there are not even failure votes. One whose window is too small has failed.
void planner::refuse_if_all_too_dear(
    const seat_changes& changes, const std::vector<bool>& sharing
) {
    const bool are_all = std::ranges::all_of(out_.calls, [](const planned_call& call) {
        return call.reason == plan_reason::cost_limit;
    });
    if (!are_all) {
        return;
    }
    for (std::size_t i = 0; i < c_.target.upstreams.size(); ++i) {
        const auto& u = *c_.target.upstreams[i];
        const bool shares = i < sharing.size() && sharing[i];
        if (!shares && c_.target.nested_in(u) == nullptr) {
            note_too_dear(bound_call(c_, u, changes(i)).ceiling);
        }
    }
    out_.refusal = too_dear();
}

void planner::plan_voting() {
    moa_prompts prompts(c_);
    if (auto refusal = prompts.plan()) {
        out_.refusal = std::move(refusal);
        return;
    }
    const auto changes = [&](std::size_t i) { return voter_changes(c_, prompts, i); };
    const auto sharing = shared_calls(c_.target);
    const auto bounds = bound_seats(c_, sharing, changes);
    std::vector<std::size_t> call_of;
    bool has_call = false;  // for those that share it
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        const bool shares = i < sharing.size() && sharing[i];
        has_call = bounds[i] && (has_call || !shares)
                   && (c_.purse == nullptr || c_.purse->take(bounds[i]->ceiling));
        call_of.push_back(add_seat(i, leg_role::voter, bounds[i], sharing, has_call));
    }
    plan_nested_seats(call_of, changes);
    refuse_if_all_too_dear(changes, sharing);
    if (c_.target.synthesizer != nullptr) {
        std::int64_t answers = 0;
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            const bool answers_it = out_.calls[call_of[i]].is_started;
            answers += answers_it ? draft_tokens(bounds[i]->output_tokens) : 0;
        }
        const auto& judge = *c_.target.synthesizer;
        const std::vector<std::string_view> none(bounds.size());
        auto bound = bound_call(c_, judge, judge_changes(c_, prompts, none).changes);
        bound.prompt_tokens += answers;
        bound.ceiling += cost_ceiling(judge.config.pricing, answers, 0);
        auto& call = add(judge, leg_role::judge, "on a tie", bound);
        if (out_.refusal) {
            call.is_started = false;
            call.reason = plan_reason::cost_limit;
        } else {
            take_in_order(call);
        }
    }
}

}  // namespace meta_model::dispatch
