// Votes on JSON: an object's fields are counted one by one.
#pragma once

#include "dispatch/election.hpp"

namespace meta_model::dispatch {

// elect() for JSON ballots. When most votes are objects the answer is an object with each field's winner, in the order in
// which the fields first appear; a field that most left out is left out. Else the whole value that won.
election elect_json(
    const std::vector<voter_report>& voters,
    const election_rules& rules,
    std::optional<std::size_t> preferred
);

// One option of a count: its value as JSON, and the voter that stands for it.
struct option_entry {
    std::string value{};
    std::size_t first_voter = 0;
};

// The options by votes, as JSON.
std::string tally_json(
    const vote_count& count, const std::vector<option_entry>& options, bool shows_weight
);

// The winner, or who wins the tie. `chosen`: the option that `preferred` voted for.
std::size_t settle_tie(
    const vote_count& count,
    const std::vector<option_entry>& options,
    std::optional<std::size_t> chosen
);

// Millionths as a decimal.
void append_weight(std::string& out, std::int64_t millionths);

}  // namespace meta_model::dispatch
