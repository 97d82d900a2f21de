// Which endpoint of an upstream takes a call: plain decisions over plain values.
#pragma once

#include "config/config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meta_model::upstream {

// An endpoint as the choice sees it.
struct candidate {
    std::uint64_t identity = 0;  // the same for the same URL
    std::int64_t in_flight = 0;
    bool is_healthy = true;    // endpoints that are not serve only when no other is left
    bool is_excluded = false;  // tried already
};

// How far above the mean an endpoint may be loaded before it loses its own prefixes (arXiv:1608.01350).
inline constexpr double load_bound = 1.25;

// Index of the chosen one; absent when all are excluded. `turn` counts the upstream's calls. `affinity` stands for what
// calls have in common (0: nothing): with prefix_affinity equal ones go to the same endpoint while that is within the
// bound, else to the next one of an order that is theirs. Without affinity that rule is least_in_flight.
std::optional<std::size_t> choose(
    config::balance_rule rule,
    std::span<const candidate> all,
    std::uint64_t turn,
    std::uint64_t affinity
);

}  // namespace meta_model::upstream
