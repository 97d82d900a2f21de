// The order in which drafts are shown to who judges or fuses them. Models prefer what stands first or last, so that it
// must not follow the configuration.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// A permutation of 0 … count-1: which draft is shown at each place. The same for the same `seed`, on every
// machine; over many seeds each draft stands as often at each place.
std::vector<std::size_t> shown_order(std::string_view seed, std::size_t count);

}  // namespace meta_model::dispatch
