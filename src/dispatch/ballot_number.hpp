// Numbers as ballots.
#pragma once

#include "dispatch/ballot.hpp"

namespace meta_model::dispatch {

// `is_cut`: the text ended before its end, so that its last number is not its result.
std::optional<ballot> read_number_ballot(std::string_view text, bool is_cut);

}  // namespace meta_model::dispatch
