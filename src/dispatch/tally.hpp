// Counting votes for options that are known by number (design of voting): who won, and whether the votes that are still
// out can change that. Pure. Weights are whole millionths, so that sums are exact.
#pragma once

#include "config/config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace meta_model::dispatch {

inline constexpr std::int64_t weight_unit = 1'000'000;

enum class cast_state {
    pending,
    cast,
    stand_in,   // a failure vote: counted in the end, never a reason to stop early
    abstained,  // failed without a failure vote, or cancelled
};

struct cast_vote {
    cast_state state = cast_state::pending;
    std::size_t option = 0;  // of cast and stand_in
    std::int64_t weight = weight_unit;
};

// The options of yes and no.
inline constexpr std::size_t yes_option = 0;
inline constexpr std::size_t no_option = 1;

// True when no way in which the pending votes may fall changes the winner.
bool is_decided(
    const std::vector<cast_vote>& votes,
    std::size_t option_count,
    config::vote_aggregation aggregation
);

struct vote_count {
    std::vector<std::int64_t> sums{};  // by option, in millionths
    std::vector<int> counts{};         // by option
    std::optional<std::size_t> winner{};
    std::vector<std::size_t> leaders{};     // without a winner: options with the most votes
    std::vector<std::size_t> candidates{};  // without a winner: what a judge may choose from
};

// Pending votes count as abstained. any_yes: yes wins with any vote; all_yes: no does. majority: more than half of the
// votes; plurality, weighted: more than any other. Nobody voted: neither winner nor leaders.
vote_count count_votes(
    const std::vector<cast_vote>& votes,
    std::size_t option_count,
    config::vote_aggregation aggregation
);

// By how much `winner` leads the next option.
std::int64_t margin_of(const vote_count& count, std::size_t winner);

}  // namespace meta_model::dispatch
