// What a leg had streamed when its panel ended it is worth keeping when it is long enough: it was paid for.
#pragma once

#include "api/message.hpp"

#include <cstddef>

namespace meta_model::dispatch {

inline constexpr std::size_t min_partial_bytes = 200;  // of visible text

// Reduces an unfinished draft to its visible text. False when that is too short, or when a tool call had begun: half a
// call is none.
bool make_partial(api::draft& d);

}  // namespace meta_model::dispatch
