// When a panel goes on: a pure decision over what its legs have done so far (decisions on ensembles, spec §3.6).
#pragma once

#include "base/timer_wheel.hpp"

#include <vector>

namespace meta_model::dispatch {

enum class panel_leg_state { running, usable, failed };

struct panel_leg {
    panel_leg_state state = panel_leg_state::running;
    base::steady_time ended{};  // when it stopped running
    // Nine times out of ten it would have ended by now: once enough drafts are there, it is waited for no longer.
    base::steady_time patience_end = base::no_deadline;
    bool is_required = false;  // there is no answer without it
};

struct panel_limits {
    base::steady_time start{};
    base::steady_time deadline = base::no_deadline;  // of the panel
    base::steady_duration grace{
    };  // how long legs are waited for once min_drafts are there; ≤ 0: not at all
    int min_drafts = 1;       // enough to stop waiting for all
    int required_drafts = 1;  // fewer are no answer
};

enum class panel_action {
    wait,     // until wait_until, or until a leg ends
    proceed,  // with the usable drafts
    fail,     // too few can be had
};

struct panel_decision {
    panel_action action = panel_action::wait;
    base::steady_time wait_until = base::no_deadline;
    bool cancel_as_timeout =
        false;  // legs still running ended by the panel's deadline, not by grace or decision
};

// max(1, ceil(2n/3)).
int quorum(int n);

panel_decision decide_panel(
    const std::vector<panel_leg>& legs, const panel_limits& limits, base::steady_time now
);

}  // namespace meta_model::dispatch
