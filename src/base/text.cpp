#include "base/text.hpp"

#include <simdjson.h>

#include <algorithm>

namespace meta_model::base {

namespace {

// Length in bytes of the white-space character at the start of `text`, 0 if there is none.
// White_Space of Unicode 15: ASCII ones, U+0085, U+00A0, U+1680, U+2000-200A, U+2028, U+2029, U+202F, U+205F, U+3000.
std::size_t space_at_start(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const auto c = byte(0);
    if (c == ' ' || (c >= 0x09 && c <= 0x0d)) {
        return 1;
    }
    if (c == 0xc2 && (byte(1) == 0x85 || byte(1) == 0xa0)) {
        return 2;
    }
    const auto tail = (byte(1) << 8) | byte(2);
    if (c == 0xe1 && tail == 0x9a80) {
        return 3;
    }
    if (c == 0xe2
        && ((tail >= 0x8080 && tail <= 0x808a) || tail == 0x80a8 || tail == 0x80a9 || tail == 0x80af
            || tail == 0x819f)) {
        return 3;
    }
    if (c == 0xe3 && tail == 0x8080) {
        return 3;
    }
    return 0;
}

// Length in bytes of the white-space character that ends `text`, 0 if there is none.
std::size_t space_at_end(std::string_view text) {
    for (std::size_t n = 1; n <= 3 && n <= text.size(); ++n) {
        if (space_at_start(text.substr(text.size() - n)) == n) {
            return n;
        }
    }
    return 0;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

std::string_view trim(std::string_view text) {
    while (const auto n = space_at_start(text)) {
        text.remove_prefix(n);
    }
    while (const auto n = space_at_end(text)) {
        text.remove_suffix(n);
    }
    return text;
}

std::string ascii_lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

bool is_valid_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
}

void append_header_safe(std::string& out, std::string_view text, std::size_t max_bytes) {
    const auto before = out.size();
    out += text.substr(0, max_bytes);
    for (auto i = before; i < out.size(); ++i) {
        if (out[i] < 0x20 || out[i] > 0x7e) {
            out[i] = '?';
        }
    }
}

std::string header_safe(std::string_view text, std::size_t max_bytes) {
    std::string out;
    append_header_safe(out, text, max_bytes);
    return out;
}

std::string clip(std::string_view text, std::size_t max_bytes) {
    if (text.size() <= max_bytes) {
        return std::string(text);
    }
    auto end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
        --end;
    }
    return std::string(text.substr(0, end)) + "…";
}

}  // namespace meta_model::base
