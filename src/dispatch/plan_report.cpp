#include "dispatch/plan_report.hpp"

#include "dispatch/call_cost.hpp"
#include "dispatch/cascade_requests.hpp"
#include "dispatch/ensemble_request.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/moa_costs.hpp"
#include "dispatch/operator_changes.hpp"
#include "dispatch/seat_bounds.hpp"
#include "dispatch/shared_calls.hpp"
#include "dispatch/step_gate.hpp"
#include "dispatch/synthesis_prompt.hpp"
#include "dispatch/voting_requests.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

using config::profile_type;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::string_view cost_limit = "cost_limit";
constexpr std::string_view too_large = "too_large";

// One report in the making.
class planner {
public:
    explicit planner(request_context& c) : c_(c) {
        out_.profile = c.target.name;
        out_.strategy = telemetry::to_string(c.target.strategy);
        api::pieces whole;
        whole.push_back(c.request.body());
        out_.estimated_tokens = estimate_body_tokens(c.request, whole);
        if (c.purse != nullptr) {
            out_.limit = c.purse->limit();
        }
    }

    plan_report make();

private:
    milliseconds whole() const { return duration_cast<milliseconds>(c_.deadline - c_.start); }
    milliseconds panel_time(bool has_second) const;
    planned_call& add(
        const upstream::upstream_state& u, leg_role role, std::string when, const call_bound& bound
    );
    void add_seat(
        std::size_t i,
        leg_role role,
        const std::optional<call_bound>& bound,
        const std::vector<bool>& sharing,
        bool starts
    );
    void take_in_order(planned_call& call);
    void plan_relay();
    void plan_moa();
    void plan_voting();
    void plan_cascade();
    void plan_gate(const step_gate_target& gate, std::string_view step, std::int64_t answer_tokens);
    void refuse_if_nothing_starts();

    request_context& c_;
    plan_report out_;
};

milliseconds planner::panel_time(bool has_second) const {
    const auto& p = *c_.target.profile;
    const auto share = has_second ? 1.0 - p.synthesis_share : 1.0;
    const auto rest = duration_cast<milliseconds>(whole() * share);
    return std::min(rest, duration_cast<milliseconds>(p.panel_timeout));
}

planned_call& planner::add(
    const upstream::upstream_state& u, leg_role role, std::string when, const call_bound& bound
) {
    out_.calls.push_back(
        {.upstream = u.config.key,
         .role = role,
         .when = std::move(when),
         .window = u.config.context,
         .prompt_tokens = bound.prompt_tokens,
         .output_tokens = bound.output_tokens,
         .time = whole(),
         .ceiling = bound.ceiling}
    );
    return out_.calls.back();
}

// A seat of a panel: a call of its own, or one more answer of the call before.
void planner::add_seat(
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
        return;
    }
    auto& call = add(*c_.target.upstreams[i], role, "at once", bound.value_or(call_bound{}));
    call.time = panel_time(role == leg_role::generator || !c_.target.profile->judge.empty());
    call.is_started = starts;
    call.reason = starts ? std::string_view() : bound ? cost_limit : too_large;
}

// As if each call before had cost all that it may.
void planner::take_in_order(planned_call& call) {
    call.is_started = c_.purse == nullptr || c_.purse->take(call.ceiling);
    call.reason = call.is_started ? std::string_view() : cost_limit;
}

void planner::plan_relay() {
    const auto& u = *c_.target.upstreams.front();
    auto changes = operator_changes(c_, u);
    if (c_.target.profile != nullptr && c_.target.profile->strip_tools) {
        upstream::remove_tools(changes);
    }
    take_in_order(add(u, leg_role::relay, "at once", bound_call(c_, u, std::move(changes))));
}

void planner::plan_moa() {
    moa_prompts prompts(c_);
    if (auto refusal = prompts.plan()) {
        out_.refusal = std::move(refusal);
        return;
    }
    const auto& profile = *c_.target.profile;
    const auto policy = resolve_tool_policy(c_.request, profile.strip_tools);
    const auto bounds = bound_moa(c_, prompts, policy, shared_calls(c_.target));
    panel_choice choice;
    choice.starts.assign(bounds.drafts.size(), true);
    if (c_.purse != nullptr) {
        choice = choose_panel(bounds.costs(), c_.purse->limit());
    }
    auto synthesis = bounds.synthesis;
    std::size_t count = 0;
    for (std::size_t i = 0; i < bounds.drafts.size(); ++i) {
        const auto& bound = bounds.drafts[i];
        const bool starts = bound && choice.starts[i];
        add_seat(i, leg_role::generator, bound, bounds.sharing, starts);
        if (starts) {
            ++count;
            synthesis.ceiling += bounds.readings[i];
            synthesis.prompt_tokens += draft_tokens(bound->output_tokens);
        }
    }
    const bool is_best_of = profile.synthesis_mode == config::synthesis_mode::best_of;
    auto& last =
        add(*c_.target.synthesizer,
            leg_role::synthesizer,
            is_best_of ? "to choose among two drafts or more"
                       : "when two drafts or more are to be merged",
            synthesis);
    const bool is_paid =
        c_.purse == nullptr || choice.held > base::money{} || synthesis.ceiling == base::money{};
    last.is_started = count > 1 && is_paid;
    last.reason = last.is_started || is_paid ? std::string_view() : cost_limit;
    if (c_.purse != nullptr && static_cast<int>(count) < std::max(1, profile.required_drafts)) {
        out_.refusal = over_cost_limit(c_, choice.cheapest);
    }
}

void planner::plan_voting() {
    moa_prompts prompts(c_);
    if (auto refusal = prompts.plan()) {
        out_.refusal = std::move(refusal);
        return;
    }
    const auto sharing = shared_calls(c_.target);
    const auto bounds =
        bound_seats(c_, sharing, [&](std::size_t i) { return voter_changes(c_, prompts, i); });
    const std::vector<std::string_view> none(bounds.size());
    std::int64_t answers = 0;
    bool has_call = false;  // for those that share it
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        const bool shares = i < sharing.size() && sharing[i];
        has_call = bounds[i] && (has_call || !shares)
                   && (c_.purse == nullptr || c_.purse->take(bounds[i]->ceiling));
        add_seat(i, leg_role::voter, bounds[i], sharing, has_call);
        answers += bounds[i] ? draft_tokens(bounds[i]->output_tokens) : 0;
    }
    refuse_if_nothing_starts();
    if (c_.target.synthesizer != nullptr) {
        const auto& judge = *c_.target.synthesizer;
        auto bound = bound_call(c_, judge, judge_changes(c_, prompts, none).changes);
        bound.prompt_tokens += answers;
        bound.ceiling += cost_ceiling(judge.config.pricing, answers, 0);
        take_in_order(add(judge, leg_role::judge, "on a tie", bound));
    }
}

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

void planner::plan_cascade() {
    std::string before;
    for (std::size_t i = 0; i < c_.target.upstreams.size(); ++i) {
        const auto& u = *c_.target.upstreams[i];
        const bool has_gate = i < c_.target.gates.size() && c_.target.gates[i].gate != nullptr;
        const auto* gate = has_gate ? &c_.target.gates[i] : nullptr;
        const auto changes = request_step(c_, u, gate).changes;
        const auto bound = bound_call(c_, u, changes);
        auto& call =
            add(u,
                leg_role::step,
                before.empty() ? "at once" : "when " + before + " gave no answer",
                bound);
        if (!changes.refusal.empty()) {
            call.is_started = false;
            call.reason = too_large;
            continue;
        }
        auto all = bound.ceiling;
        all += gate != nullptr ? gate_ceiling(c_, *gate, u, changes) : base::money{};
        if (c_.purse != nullptr && all > c_.purse->left()) {
            call.is_started = false;
            call.reason = cost_limit;
            continue;
        }
        take_in_order(call);
        before = u.config.key;
        if (gate != nullptr) {
            plan_gate(*gate, before, draft_tokens(bound.output_tokens));
        }
    }
    refuse_if_nothing_starts();
}

void planner::refuse_if_nothing_starts() {
    const bool starts = std::ranges::any_of(out_.calls, &planned_call::is_started);
    if (c_.purse != nullptr && !starts && !out_.calls.empty()) {
        out_.refusal =
            over_cost_limit(c_, std::ranges::min(out_.calls, {}, &planned_call::ceiling).ceiling);
    }
}

plan_report planner::make() {
    if (!c_.target.nested.empty()) {
        out_.refusal = base::make_error(
            base::error_code_id::not_implemented,
            "Profiles that use other profiles are not explained yet."
        );
    } else if (c_.target.type != profile_type::passthrough) {
        const auto content = scan_content(c_.request);
        c_.media = content.all;
        out_.refusal = judge_ensemble_request(c_.request, content);
        if (!out_.refusal && !c_.target.sees.has_all(content.turn)) {
            out_.refusal = base::make_error(
                base::error_code_id::not_implemented,
                "Requests that [vision], [video] or [audio] serve are not explained yet."
            );
        }
    }
    if (out_.refusal) {
        return std::move(out_);
    }
    switch (c_.target.type) {
        case profile_type::passthrough:
            plan_relay();
            refuse_if_nothing_starts();
            break;
        case profile_type::moa: plan_moa(); break;
        case profile_type::voting: plan_voting(); break;
        case profile_type::cascade: plan_cascade(); break;
    }
    for (const auto& call : out_.calls) {
        if (call.is_started) {
            out_.ceiling += call.ceiling;
        }
    }
    return std::move(out_);
}

}  // namespace

plan_report report_plan(request_context& context) {
    return planner(context).make();
}

}  // namespace meta_model::dispatch
