// Which samples of one upstream are choices of one call (`max_n`).
#pragma once

#include "dispatch/catalog.hpp"

#include <cstddef>
#include <vector>

namespace meta_model::dispatch {

// Whether the sample can come with the call of the one before it, so that each call has at most `max_n` of them: of
// five, two by two, the second and the fourth.
inline bool joins_call(int sample, int max_n) {
    return sample > 0 && sample % max_n != 0;
}

// By seat: its draft comes with the call of the seat before it. Empty: each seat has a call of its own.
std::vector<bool> shared_calls(const target& target);

// How many seats the call of seat `first` serves.
std::size_t seats_of_call(const std::vector<bool>& sharing, std::size_t first);

}  // namespace meta_model::dispatch
