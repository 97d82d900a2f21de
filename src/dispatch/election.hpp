// The vote as a whole: from what each voter did to the answer and its account. Pure.
#pragma once

#include "dispatch/ballot.hpp"
#include "dispatch/tally.hpp"

#include <optional>
#include <string>
#include <vector>

namespace meta_model::dispatch {

enum class voter_state { pending, answered, failed, cancelled };

// One ballot paper; a voter with samples has several.
struct voter_report {
    voter_state state = voter_state::pending;
    std::optional<ballot> vote{};  // with `answered`: what could be read
    std::int64_t weight = weight_unit;
};

struct election_rules {
    config::ballot_kind kind = config::ballot_kind::yes_no;
    config::vote_aggregation aggregation = config::vote_aggregation::any_yes;
    config::vote failure_vote = config::vote::yes;  // yes_no; other ballots abstain
};

// True when the votes that are out cannot change the result. Of JSON, whose fields are counted one by one, only when
// more than half of all votes are the same value.
bool is_settled(const std::vector<voter_report>& voters, const election_rules& rules);

struct election {
    bool has_result = false;  // false: nobody voted
    std::string verdict{};    // the winner's text
    std::vector<std::size_t> supporters{
    };  // voters who chose it; empty where a failure vote won alone, or for composed JSON
    std::vector<std::size_t> tied{};  // a voter for each option that the tie break chose between
    std::int64_t margin = 0;          // millionths; of JSON the least of its fields
    std::string tally{
    };  // JSON: [{"value","votes"[,"weight"]}, …]; of JSON ballots {"field": […], …}
};

// `preferred`: the voter whose option wins a tie; without one it is the first voter's in the order of configuration.
election elect(
    const std::vector<voter_report>& voters,
    const election_rules& rules,
    std::optional<std::size_t> preferred = std::nullopt
);

// What each voter said, as a JSON list; null for voters without a vote.
std::string votes_json(const std::vector<voter_report>& voters, const election_rules& rules);

}  // namespace meta_model::dispatch
