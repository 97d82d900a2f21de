// What the fuzzers share: stating a property and cutting an input into pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

namespace meta_model::fuzz {

// Ends the run with `sentence`, which says what should hold; libFuzzer then keeps the input.
inline void expect(bool holds, const char* sentence) {
    if (!holds) {
        std::fprintf(stderr, "property violated: %s\n", sentence);
        std::abort();
    }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    // An empty input may come as a null pointer, which string functions need not take.
    return size == 0 ? std::string_view("")
                     : std::string_view(reinterpret_cast<const char*>(data), size);
}

// Calls `f(at)` for places to cut `text` in two: every one of a short text, a spread of a long one. Which ones depends
// on the text alone, so that a finding can be run again.
template <class F>
void for_each_cut(std::string_view text, F f) {
    constexpr std::size_t short_bytes = 64;
    constexpr std::size_t cuts = 24;
    if (text.size() <= short_bytes) {
        for (std::size_t at = 0; at <= text.size(); ++at) {
            f(at);
        }
        return;
    }
    std::uint64_t state = std::hash<std::string_view>{}(text);
    for (std::size_t i = 0; i < cuts; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        f(static_cast<std::size_t>((state >> 33) % (text.size() + 1)));
    }
}

// Calls `f(piece)` for pieces of one to `longest` bytes that together are `text`.
template <class F>
void for_each_piece(std::string_view text, std::size_t longest, F f) {
    std::uint64_t state = std::hash<std::string_view>{}(text) ^ longest;
    while (!text.empty()) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const auto n = std::min<std::size_t>(1 + (state >> 33) % longest, text.size());
        f(text.substr(0, n));
        text.remove_prefix(n);
    }
}

// States that a reader takes `text` the same however it arrives: whole, cut in two, in pieces of up to `longest` bytes.
// A `Reader` has feed(piece) and result(), which can be compared; `whole` is one that reads the whole.
template <class Reader>
void read_in_any_pieces(std::string_view text, std::size_t longest, Reader& whole) {
    whole.feed(text);
    for_each_cut(text, [&](std::size_t cut) {
        Reader parts;
        parts.feed(text.substr(0, cut));
        parts.feed(text.substr(cut));
        expect(parts.result() == whole.result(), "cutting the bytes in two changes nothing");
    });
    Reader many;
    for_each_piece(text, longest, [&](std::string_view piece) { many.feed(piece); });
    expect(many.result() == whole.result(), "cutting the bytes in many pieces changes nothing");
}

}  // namespace meta_model::fuzz
