#include "dispatch/seat_bounds.hpp"

#include "dispatch/cost_plan.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/shared_calls.hpp"

#include <utility>

namespace meta_model::dispatch {

std::vector<std::optional<call_bound>> bound_seats(
    const request_context& c,
    const std::vector<bool>& sharing,
    const std::function<upstream::body_changes(std::size_t i)>& changes
) {
    std::vector<std::optional<call_bound>> out;
    while (out.size() < c.target.upstreams.size()) {
        const auto first = out.size();
        const auto count = seats_of_call(sharing, first);
        auto what = changes(first);
        if (!what.refusal.empty()) {
            out.resize(first + count);
            continue;
        }
        if (count > 1) {
            set_choices(what, count);
        }
        const auto& u = *c.target.upstreams[first];
        auto bound = bound_call(c, u, std::move(what));
        bound.output_tokens /= static_cast<std::int64_t>(count);
        bound.ceiling = cost_ceiling(u.config.pricing, bound.prompt_tokens, bound.output_tokens);
        out.emplace_back(bound);
        bound.prompt_tokens = 0;
        bound.ceiling = cost_ceiling(u.config.pricing, 0, bound.output_tokens);
        out.resize(first + count, bound);
    }
    return out;
}

}  // namespace meta_model::dispatch
