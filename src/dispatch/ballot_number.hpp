// Numbers as ballots.
#pragma once

#include "dispatch/ballot.hpp"

namespace meta_model::dispatch {

// `is_cut`: the text ended before its end, so that its last number is not its result.
std::optional<ballot> read_number_ballot(std::string_view text, bool is_cut);

// An answer that is a number and nothing else but its sign, unit or currency: "1,234.50", "5 km", "$5", "3/4".
std::optional<ballot> read_bare_number(std::string_view answer);

}  // namespace meta_model::dispatch
