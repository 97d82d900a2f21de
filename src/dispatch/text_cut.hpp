// Texts inside a JSON document made shorter: head and tail stay in the client's own bytes, a mark between them says how
// much is missing. What was valid JSON stays valid JSON, also JSON that stands inside a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

// Bytes of the text that the inside of a JSON string stands for.
std::size_t decoded_bytes(std::string_view raw);

// What a size counts: the text that a JSON string stands for, or the string as it is written.
enum class text_measure : std::uint8_t { decoded, raw };

// Takes raw[begin, end) out; head and tail are about equal and end at whole characters and escapes.
struct text_gap {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t lost = 0;  // bytes, in the measure that was asked for
};

// The smallest gap that leaves at most `keep` of `size` bytes, size being that of `raw` in the measure.
text_gap find_gap(std::string_view raw, std::size_t size, std::size_t keep, text_measure measure);

// The mark that takes the gap's place, escaped for a JSON string: at most max_mark_bytes, decoded or not.
std::string gap_mark(std::size_t lost);
inline constexpr std::size_t max_mark_bytes = 52;

// `json`, a valid JSON text, in at most `max_bytes` (at least 128) bytes: its long strings are cut; where that does not
// suffice, a small object says what was left out. Keys and numbers are never changed.
std::string shorten_json(std::string_view json, std::size_t max_bytes);

}  // namespace meta_model::dispatch
