// JSON values in one spelling, so that equal values are equal texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

// `text` without white space, with sorted keys (the last of duplicates), one spelling per string and per fraction.
// Integers stay digit for digit: two that a double cannot tell apart are still two. Nothing when `text` is no JSON, is
// larger than 64 KiB or deeper than 64, or holds half a surrogate pair.
std::optional<std::string> canonical_json(std::string_view text);

}  // namespace meta_model::dispatch
