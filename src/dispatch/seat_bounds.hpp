// What the calls of a panel can cost at most, seat by seat.
#pragma once

#include "dispatch/call_cost.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace meta_model::dispatch {

// `sharing` as shared_calls gives it; `changes`: what seat i is asked with a call of its own. A seat that joins the call
// of another one adds its answer to what that costs. Empty: it is not asked, its window is too small.
std::vector<std::optional<call_bound>> bound_seats(
    const request_context& context,
    const std::vector<bool>& sharing,
    const std::function<upstream::body_changes(std::size_t i)>& changes
);

}  // namespace meta_model::dispatch
