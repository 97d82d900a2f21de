// How a text that is complete is cut into stream chunks (spec §2.6).
#pragma once

#include <cstddef>
#include <string_view>

namespace meta_model::api {

// Bytes of the first piece of `text`: a window of 40 code points; when text remains beyond it, cut after the last
// ASCII white space in the second half of the window, else at 40. 0 only for an empty text.
std::size_t next_slice_bytes(std::string_view text);

// Calls `take(piece)` for each piece in order; together they are `text`, byte for byte.
template <class Take>
void for_each_content_slice(std::string_view text, Take take) {
    while (!text.empty()) {
        const auto n = next_slice_bytes(text);
        take(text.substr(0, n));
        text.remove_prefix(n);
    }
}

}  // namespace meta_model::api
