// What a voting profile's keys mean together, and its list of voters.
#pragma once

#include "config/field.hpp"

namespace meta_model::config {

// `["a", { upstream = "b", weight = 2.0, samples = 3 }, …]`: at least two ballots, at most 32.
void read_voters(const field& list, profile& into);

// Reports keys that contradict each other, and fills in the defaults that depend on other keys.
void settle_voting(const field& table, profile& p);

}  // namespace meta_model::config
