#include "telemetry/number_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace meta_model::telemetry {

namespace {

template <class Integer>
void append_any_integer(std::string& out, Integer value) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

}  // namespace

void append_rounded(std::string& out, double value, int decimals) {
    std::array<char, 400> digits{};  // the longest double has 309 digits before its point
    const auto size = std::snprintf(digits.data(), digits.size(), "%.*f", decimals, value);
    std::string_view text(digits.data(), static_cast<std::size_t>(std::max(size, 0)));
    while (text.size() > 2 && text.back() == '0' && text[text.size() - 2] != '.') {
        text.remove_suffix(1);
    }
    out.append(text);
}

void append_integer(std::string& out, std::int64_t value) {
    append_any_integer(out, value);
}

void append_integer(std::string& out, std::uint64_t value) {
    append_any_integer(out, value);
}

void append_seconds(std::string& out, std::uint64_t microseconds) {
    append_integer(out, microseconds / 1'000'000);
    const auto fraction = microseconds % 1'000'000;
    if (fraction == 0) {
        return;
    }
    std::string digits = std::to_string(fraction);
    digits.insert(0, 6 - digits.size(), '0');
    digits.erase(digits.find_last_not_of('0') + 1);
    out.append(1, '.').append(digits);
}

void append_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20) {
            out.append("\\u00").append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

}  // namespace meta_model::telemetry
