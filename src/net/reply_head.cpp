#include "net/reply_head.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace meta_model::net {

namespace {

// RFC 9110 §5.6.2: characters of a field name.
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

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_token_char[static_cast<unsigned char>(c)];
    });
}

// HTTP/1.x SP 3DIGIT [SP reason]
bool parse_status_line(std::string_view line, reply_head& out) {
    if (line.size() < 12 || (!line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.0 "))
        || (line.size() > 12 && line[12] != ' ')) {
        return false;
    }
    out.is_http_1_0 = line[7] == '0';
    const auto [end, ec] = std::from_chars(line.data() + 9, line.data() + 12, out.status);
    return ec == std::errc{} && end == line.data() + 12 && out.status >= 100 && out.status <= 599;
}

// RFC 9110 §5.5: spaces and tabs around a value are no part of it.
std::string_view without_white_space(std::string_view value) {
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
        value.remove_prefix(1);
    }
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) {
        value.remove_suffix(1);
    }
    return value;
}

bool parse_field(std::string_view line, reply_head& out) {
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_token(name)
        || out.field_count == request_head::max_fields) {
        return false;
    }
    out.fields[out.field_count++] = {name, without_white_space(line.substr(colon + 1))};
    return true;
}

// Equal repeated lengths are tolerated from upstreams; differing ones are not.
bool judge_length(std::string_view value, bool& has_length, std::uint64_t& length) {
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (value.empty() || ec != std::errc{} || end != value.data() + value.size()
        || (has_length && n != length)) {
        return false;
    }
    has_length = true;
    length = n;
    return true;
}

bool judge_framing(reply_head& out) {
    bool has_length = false;
    bool is_chunked = false;
    bool close = out.is_http_1_0;
    for (std::size_t i = 0; i < out.field_count; ++i) {
        const auto& [name, value] = out.fields[i];
        if (base::ascii_iequals(name, "content-length")) {
            if (!judge_length(value, has_length, out.content_length)) {
                return false;
            }
        } else if (base::ascii_iequals(name, "transfer-encoding")) {
            if (is_chunked || !base::ascii_iequals(value, "chunked")) {
                return false;
            }
            is_chunked = true;
        } else if (base::ascii_iequals(name, "connection")) {
            if (base::ascii_iequals(value, "close")) {
                close = true;
            } else if (base::ascii_iequals(value, "keep-alive")) {
                close = false;
            }
        }
    }
    if (is_chunked && (has_length || out.is_http_1_0)) {
        return false;
    }
    out.keep_alive = !close;
    if (out.status < 200 || out.status == 204 || out.status == 304) {
        out.framing = body_framing::none;
    } else if (is_chunked) {
        out.framing = body_framing::chunked;
    } else if (has_length) {
        out.framing = body_framing::sized;
    } else {
        out.framing = body_framing::until_close;
        out.keep_alive = false;
    }
    return true;
}

}  // namespace

std::string_view reply_head::find(std::string_view name) const {
    for (std::size_t i = 0; i < field_count; ++i) {
        if (fields[i].name.size() == name.size() && base::ascii_iequals(fields[i].name, name)) {
            return fields[i].value;
        }
    }
    return {};
}

bool parse_reply_head(std::string_view head, reply_head& out) {
    out.field_count = 0;
    out.content_length = 0;
    bool is_first = true;
    while (true) {
        const auto lf = head.find('\n');
        if (lf == std::string_view::npos || lf == 0 || head[lf - 1] != '\r') {
            return false;
        }
        const auto line = head.substr(0, lf - 1);
        head.remove_prefix(lf + 1);
        if (line.empty()) {
            return !is_first && judge_framing(out);
        }
        const bool is_clean =
            line.find('\r') == std::string_view::npos && line.find('\0') == std::string_view::npos;
        if (!is_clean || !(is_first ? parse_status_line(line, out) : parse_field(line, out))) {
            return false;
        }
        is_first = false;
    }
}

}  // namespace meta_model::net
