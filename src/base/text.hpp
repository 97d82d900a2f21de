// Small operations on text that several modules need.
#pragma once

#include <string>
#include <string_view>

namespace meta_model::base {

// Without leading and trailing Unicode white space (UTF-8).
std::string_view trim(std::string_view text);

std::string ascii_lower(std::string_view text);

// Every head is full of it, so it is defined here.
inline bool ascii_iequals(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        const char difference = static_cast<char>(a[i] ^ b[i]);
        const char letter = static_cast<char>(a[i] | 0x20);
        if (difference != 0 && (difference != 0x20 || letter < 'a' || letter > 'z')) {
            return false;
        }
    }
    return true;
}

bool is_valid_utf8(std::string_view text);

// Safe as an HTTP header value: control and non-ASCII bytes become '?', at most `max_bytes`.
std::string header_safe(std::string_view text, std::size_t max_bytes = 512);
void append_header_safe(std::string& out, std::string_view text, std::size_t max_bytes = 512);

// `text` cut to at most `max_bytes` at a UTF-8 boundary, with an ellipsis when something was cut.
std::string clip(std::string_view text, std::size_t max_bytes);

}  // namespace meta_model::base
