// What a judge's reply says: the number of a candidate.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace meta_model::dispatch {

// The first line that is not empty as an integer, else the first run of digits from there on. Counted from 0; nothing
// when there is no number or it is not one of 1 … `count`.
std::optional<std::size_t> read_choice(std::string_view reply, std::size_t count);

}  // namespace meta_model::dispatch
