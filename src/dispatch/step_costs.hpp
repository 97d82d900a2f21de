// Which steps of a cascade a cost limit lets begin.
#pragma once

#include "dispatch/catalog.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <optional>

namespace meta_model::dispatch {

class step_costs {
public:
    explicit step_costs(request_context& context) : context_(context) {}

    // A step begins only when what its gate (may be null) asks of others can be paid too: an answer that nobody can judge
    // is worth nothing. True: the gate's part is set aside, until release_gate().
    bool take(
        const upstream::upstream_state& step,
        const upstream::body_changes& changes,
        const step_gate_target* gate
    );

    // The step is over: what its gate asks is about to be paid, or is not asked.
    void release_gate();

    // Of the steps that cost too much; empty: none did.
    std::optional<base::money> cheapest() const { return cheapest_; }

private:
    request_context& context_;
    base::money gate_held_{};
    std::optional<base::money> cheapest_{};
};

}  // namespace meta_model::dispatch
