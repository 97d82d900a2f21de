#include "api/argument_scan.hpp"

#include <algorithm>
#include <charconv>

namespace meta_model::api {

namespace {

// The character that the escape at `i` stands for, as far as the structure of JSON goes: a space or an 'x' is any other.
// `i` becomes the place of its last byte.
char unescaped(std::string_view escaped, std::size_t& i) {
    const char escape = escaped[++i];
    if (escape != 'u') {
        return escape == '"' || escape == '\\' || escape == '/' ? escape : ' ';
    }
    unsigned code = 0;
    const auto* const digits = escaped.data() + i + 1;
    const auto count = std::min<std::size_t>(4, escaped.size() - i - 1);
    std::from_chars(digits, digits + count, code, 16);
    i += count;
    return code < 0x80 ? static_cast<char>(code) : 'x';
}

}  // namespace

void argument_scan::feed(std::string_view escaped) {
    for (std::size_t i = 0; i < escaped.size(); ++i) {
        char c = escaped[i];
        if (c == '\\' && i + 1 < escaped.size()) {
            c = unescaped(escaped, i);
        }
        if (in_string_) {
            in_string_ = is_escaped_ || c != '"';
            is_escaped_ = !is_escaped_ && c == '\\';
        } else if (c == '"') {
            in_string_ = true;
        } else if (c == '{' || c == '[') {
            has_begun_ = true;
            ++depth_;
        } else if (c == '}' || c == ']') {
            --depth_;
        }
    }
}

}  // namespace meta_model::api
