#include "api/content_slices.hpp"

namespace meta_model::api {

namespace {

constexpr std::size_t window = 40;  // code points

constexpr bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

constexpr bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

std::size_t next_slice_bytes(std::string_view text) {
    std::size_t chars = 0;
    std::size_t after_space = 0;  // where a cut after white space would be
    std::size_t i = 0;
    while (i < text.size()) {
        if (chars == window) {
            return after_space != 0 ? after_space : i;
        }
        const bool is_second_half = chars >= window / 2;
        const bool can_cut = is_second_half && is_space(text[i]);
        // A code point ends where the next byte starts another one; stray continuation bytes stay with it.
        do {
            ++i;
        } while (i < text.size() && is_continuation(text[i]));
        ++chars;
        if (can_cut) {
            after_space = i;
        }
    }
    return text.size();
}

}  // namespace meta_model::api
