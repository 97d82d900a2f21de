#include "dispatch/plan_report.hpp"

#include "dispatch/chat_members.hpp"
#include "dispatch/ensemble_request.hpp"
#include "dispatch/nested_call.hpp"
#include "dispatch/operator_changes.hpp"
#include "dispatch/planner.hpp"
#include "dispatch/raw_lane.hpp"
#include "dispatch/upstream_errors.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace meta_model::dispatch {

using config::profile_type;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

planner::planner(request_context& c) : c_(c) {
    out_.profile = c.target.name;
    out_.strategy = telemetry::to_string(c.target.strategy);
    api::pieces whole;
    whole.push_back(c.request.body());
    out_.estimated_tokens = estimate_body_tokens(c.request, whole);
    if (c.purse != nullptr) {
        out_.limit = c.purse->left();
    }
}

milliseconds planner::whole() const {
    return duration_cast<milliseconds>(c_.deadline - c_.start);
}

base::money planner::left() const {
    return c_.purse != nullptr ? c_.purse->left() : base::money{};
}

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

// As if each call before had cost all that it may.
void planner::take_in_order(planned_call& call) {
    call.is_started = c_.purse == nullptr || c_.purse->take(call.ceiling);
    call.reason = call.is_started ? std::string_view() : plan_reason::cost_limit;
    if (!call.is_started) {
        note_too_dear(call.ceiling);
    }
}

void planner::note_too_dear(base::money ceiling) {
    cheapest_ = std::min(cheapest_.value_or(ceiling), ceiling);
}

// The limit is too low for every call. What the calls within a profile cost is not told.
base::error planner::too_dear() const {
    return cheapest_ ? over_cost_limit(c_, *cheapest_)
                     : error_of({upstream::call_fault::unpaid, {}});
}

void planner::plan_relay() {
    const auto& u = *c_.target.upstreams.front();
    auto changes = operator_changes(c_, u);
    if (c_.target.profile != nullptr && c_.target.profile->strip_tools) {
        upstream::remove_tools(changes);
    }
    take_in_order(add(u, leg_role::relay, "at once", bound_call(c_, u, std::move(changes))));
}

// As the gateway would serve it within itself.
void planner::plan_nested(
    planned_call& call, const nested_profile& profile, const upstream::body_changes& changes
) {
    upstream::prepared_body body;
    body.prepare(c_.request, profile.config, changes);
    std::string text;
    for (const auto piece : body.pieces()) {
        text += piece;
    }
    api::chat_request request;
    if (const auto parsed = request.parse(text, c_.config.server.limits.max_json_depth); !parsed) {
        out_.refusal = parsed.error();
        return;
    }
    const auto record = std::make_unique<telemetry::request_record>();
    auto inner =
        nested_context(c_, profile, request, {c_.sink, c_.cancel, *record}, c_.start + call.time);
    inner.start = c_.start;
    auto plan = planner(inner).make();
    call.ceiling = plan.ceiling;
    if (plan.refusal) {
        const bool is_unpaid = plan.refusal->id == base::error_code_id::cost_limit_exceeded;
        call.is_started = false;
        call.reason = is_unpaid ? plan_reason::cost_limit : plan_reason::too_large;
    }
    call.sub = std::make_shared<const plan_report>(std::move(plan));
}

void planner::plan_profile() {
    switch (c_.target.type) {
        case profile_type::passthrough:
            plan_relay();
            if (!out_.calls.front().is_started) {
                out_.refusal = too_dear();
            }
            break;
        case profile_type::moa: plan_moa(); break;
        case profile_type::voting: plan_voting(); break;
        case profile_type::cascade: plan_cascade(); break;
    }
}

plan_report planner::make() {
    std::optional<media_route> route;
    if (c_.target.type == profile_type::passthrough) {
        if (!speaks(c_.target.upstreams.front()->config, c_.request.shape().kind)) {
            out_.refusal = base::make_error(
                base::error_code_id::not_implemented,
                "Its upstream speaks the Responses API only, and takes no chats."
            );
        } else {
            out_.refusal = judge_chat(c_.target, c_.request, c_.client_kind);
        }
    } else {
        const auto content = scan_content(c_.request);
        c_.media = content.all;
        out_.refusal = judge_ensemble_request(c_.request, content);
        if (!out_.refusal) {
            out_.refusal = judge_chat(c_.target, c_.request, c_.client_kind);
        }
        if (!out_.refusal && !c_.target.sees.has_all(content.turn)) {
            auto found = route_media(c_.target, content.turn, c_.config.vision.two_stage);
            if (found) {
                route = std::move(*found);
            } else {
                out_.refusal = found.error();
            }
        }
    }
    if (out_.refusal) {
        return std::move(out_);
    }
    if (route) {
        plan_media(*route);
    } else {
        plan_profile();
    }
    for (const auto& call : out_.calls) {
        if (call.is_started) {
            out_.ceiling += call.ceiling;
        }
    }
    out_.ceiling = base::minus(out_.ceiling, not_both_);
    return std::move(out_);
}

plan_report report_plan(request_context& context) {
    return planner(context).make();
}

}  // namespace meta_model::dispatch
