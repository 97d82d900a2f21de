#include "api/json_text.hpp"

#include <array>
#include <charconv>

namespace meta_model::api {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

// True for bytes that a JSON string cannot hold as they are.
constexpr auto must_escape = [] {
    std::array<bool, 256> table{};
    for (int c = 0; c < 0x20; ++c) {
        table[static_cast<std::size_t>(c)] = true;
    }
    table['"'] = table['\\'] = true;
    table[0xe2] = true;  // the first byte of U+2028 and U+2029; looked at closely
    return table;
}();

void append_escape(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        default:
            out += "\\u00";
            out += hex_digits[(c >> 4) & 15];
            out += hex_digits[c & 15];
    }
}

void append_utf8(std::string& out, std::uint32_t cp) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((cp >> shift) & 0x3f)); };
    if (cp < 0x80) {
        out += static_cast<char>(cp);
    } else if (cp < 0x800) {
        out += static_cast<char>(0xc0 | (cp >> 6));
        tail(0);
    } else if (cp < 0x10000) {
        out += static_cast<char>(0xe0 | (cp >> 12));
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xf0 | (cp >> 18));
        tail(12);
        tail(6);
        tail(0);
    }
}

// The code unit of `\uXXXX` whose digits start at `at`.
std::uint32_t hex4(std::string_view raw, std::size_t at) {
    std::uint32_t unit = 0;
    std::from_chars(raw.data() + at, raw.data() + at + 4, unit, 16);
    return unit;
}

char simple_escape(char c) {
    switch (c) {
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'b': return '\b';
        case 'f': return '\f';
        default: return c;  // quote, backslash, slash
    }
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!must_escape[static_cast<unsigned char>(text[i])]) {
            continue;
        }
        if (text[i] == '\xe2') {
            const auto three = text.substr(i, 3);
            if (three != "\xe2\x80\xa8" && three != "\xe2\x80\xa9") {
                continue;
            }
            out.append(text, start, i - start);
            out += three[2] == '\xa8' ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            out.append(text, start, i - start);
            append_escape(out, text[i]);
        }
        start = i + 1;
    }
    out.append(text, start, text.size() - start);
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    append_json_escaped(out, text);
    out += '"';
}

void append_json_number(std::string& out, std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
}

bool append_unescaped(std::string& out, std::string_view raw) {
    const auto before = out.size();
    std::size_t start = 0;
    for (auto i = raw.find('\\'); i != std::string_view::npos; i = raw.find('\\', start)) {
        out.append(raw, start, i - start);
        if (raw[i + 1] != 'u') {
            out += simple_escape(raw[i + 1]);
            start = i + 2;
            continue;
        }
        auto cp = hex4(raw, i + 2);
        start = i + 6;
        if (cp >= 0xd800 && cp < 0xe000) {
            const bool paired = cp < 0xdc00 && raw.size() >= start + 6 && raw[start] == '\\'
                                && raw[start + 1] == 'u';
            const auto low = paired ? hex4(raw, start + 2) : 0;
            if (low < 0xdc00 || low >= 0xe000) {
                out.resize(before);
                return false;
            }
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            start += 6;
        }
        append_utf8(out, cp);
    }
    out.append(raw, start, raw.size() - start);
    return true;
}

bool stands_for(std::string_view raw, std::string_view text) {
    if (raw.find('\\') == std::string_view::npos) {
        return raw == text;
    }
    std::string value;
    return append_unescaped(value, raw) && value == text;
}

}  // namespace meta_model::api
