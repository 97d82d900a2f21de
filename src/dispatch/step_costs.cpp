#include "dispatch/step_costs.hpp"

#include "dispatch/call_cost.hpp"
#include "dispatch/step_gate.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::dispatch {

bool step_costs::take(
    const upstream::upstream_state& step,
    const upstream::body_changes& changes,
    const step_gate_target* gate
) {
    auto* const purse = context_.purse.get();
    if (purse == nullptr) {
        return true;
    }
    const auto held =
        gate != nullptr ? gate_ceiling(context_, *gate, step, changes) : base::money{};
    auto all = bound_call(context_, step, changes).ceiling;
    all += held;
    if (all > purse->left()) {
        cheapest_ = std::min(cheapest_.value_or(all), all);
        return false;
    }
    purse->take(held);
    gate_held_ = held;
    return true;
}

void step_costs::release_gate() {
    if (context_.purse != nullptr) {
        context_.purse->settle(std::exchange(gate_held_, {}));
    }
}

}  // namespace meta_model::dispatch
