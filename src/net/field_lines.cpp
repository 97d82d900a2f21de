#include "net/field_lines.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <bit>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace meta_model::net {

namespace {

constexpr auto is_token_char = [] {
    std::array<bool, 256> table{};
    for (int c = '0'; c <= 'z'; ++c) {
        const auto l = c | 0x20;
        table[static_cast<std::size_t>(c)] = (l >= 'a' && l <= 'z') || c <= '9';
    }
    for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
        table[static_cast<unsigned char>(c)] = true;
    }
    return table;
}();

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// Without the blanks around it. Headers have no others: what is a space in a text is a byte like any in a token's place.
std::string_view without_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

// The offset of the first control character, or the length.
std::size_t find_control(std::string_view text) {
    std::size_t at = 0;
#ifdef __SSE2__
    for (; at + 16 <= text.size(); at += 16) {
        const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
        const auto last = _mm_set1_epi8(0x1f);
        const auto is_low = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last), last);
        const auto is_deleted = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
        const auto found =
            static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(is_low, is_deleted)));
        if (found != 0) {
            return at + static_cast<std::size_t>(std::countr_zero(found));
        }
    }
#endif
    while (at < text.size() && !is_control(text[at])) {
        ++at;
    }
    return at;
}

}  // namespace

bool take_line(std::string_view& head, std::string_view& line) {
    auto end = find_control(head);
    while (end < head.size() && head[end] == '\t') {
        end += 1 + find_control(head.substr(end + 1));
    }
    if (end + 1 >= head.size() || head[end] != '\r' || head[end + 1] != '\n') {
        return false;
    }
    line = head.substr(0, end);
    head.remove_prefix(end + 2);
    return true;
}

bool read_field(std::string_view line, header_field& out) {
    std::size_t colon = 0;
    while (colon < line.size() && is_token_char[static_cast<unsigned char>(line[colon])]) {
        ++colon;
    }
    if (colon == 0 || colon == line.size() || line[colon] != ':') {
        return false;
    }
    out.name = line.substr(0, colon);
    out.value = without_blanks(line.substr(colon + 1));
    return true;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_token_char[static_cast<unsigned char>(c)];
    });
}

bool is_token_list(std::string_view list) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        const auto element = without_blanks(list.substr(0, comma));
        if (!element.empty() && !is_token(element)) {
            return false;
        }
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return true;
}

bool has_token(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        if (base::ascii_iequals(without_blanks(list.substr(0, comma)), token)) {
            return true;
        }
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return false;
}

void connection_options::add(std::string_view value) {
    close = close || has_token(value, "close");
    keep_alive = keep_alive || has_token(value, "keep-alive");
}

}  // namespace meta_model::net
