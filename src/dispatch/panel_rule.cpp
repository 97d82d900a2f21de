#include "dispatch/panel_rule.hpp"

#include <algorithm>

namespace meta_model::dispatch {

int quorum(int n) {
    return std::max(1, (2 * n + 2) / 3);
}

panel_decision decide_panel(
    const std::vector<panel_leg>& legs, const panel_limits& limits, base::steady_time now
) {
    std::vector<base::steady_time> usable;
    std::size_t running = 0;
    bool waits_for_required = false;
    for (const auto& l : legs) {
        const bool is_running = l.state == panel_leg_state::running;
        running += is_running ? 1 : 0;
        waits_for_required = waits_for_required || (l.is_required && is_running);
        if (l.is_required && l.state == panel_leg_state::failed) {
            return {.action = panel_action::fail};
        }
        if (l.state == panel_leg_state::usable) {
            usable.push_back(l.ended);
        }
    }
    const auto enough = static_cast<std::size_t>(std::max(1, limits.min_drafts));
    const auto required = static_cast<std::size_t>(std::max(1, limits.required_drafts));
    const auto settle = [&](bool timed_out) {
        return panel_decision{
            .action = usable.size() >= required && !waits_for_required ? panel_action::proceed
                                                                       : panel_action::fail,
            .cancel_as_timeout = timed_out
        };
    };
    if (running == 0) {
        return settle(false);
    }
    auto until = limits.deadline;
    bool ends_by_grace = false;
    if (usable.size() >= std::max(enough, required) && !waits_for_required) {
        // The grace begins with the draft that made the panel large enough. It ends early when every leg that still
        // runs has outlasted what its upstream is known to need.
        std::ranges::sort(usable);
        const auto reached = usable[enough - 1];
        const auto longest_end =
            limits.grace > base::steady_duration::zero() ? reached + limits.grace : reached;
        auto grace_end = reached;
        for (const auto& l : legs) {
            if (l.state == panel_leg_state::running) {
                grace_end = std::max(grace_end, std::min(longest_end, l.patience_end));
            }
        }
        if (grace_end < until) {
            until = grace_end;
            ends_by_grace = true;
        }
    }
    if (now >= until) {
        return settle(!ends_by_grace);
    }
    return {.action = panel_action::wait, .wait_until = until};
}

}  // namespace meta_model::dispatch
