#include "net/request_head.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

namespace meta_model::net {

namespace {

// In the order of known_field; compared without case.
constexpr std::array<std::string_view, static_cast<std::size_t>(known_field::none)> known_names{
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "content-type",
    "content-encoding",
    "expect",
    "authorization",
    "x-api-key",
    "origin",
    "accept",
    "access-control-request-headers",
    "x-request-id",
    "openai-beta",
    "anthropic-beta",
    "traceparent",
    "tracestate",
    "anthropic-version",
};

// The known names of each length, one bit each: nearly always none or one.
constexpr auto known_by_length = [] {
    std::array<std::uint32_t, 32> table{};
    for (std::size_t i = 0; i < known_names.size(); ++i) {
        table[known_names[i].size()] |= 1u << i;
    }
    return table;
}();

void note_known_field(request_head& head, const header_field& field) {
    if (field.name.size() >= known_by_length.size()) {
        return;
    }
    for (auto left = known_by_length[field.name.size()]; left != 0; left &= left - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(left));
        if (base::ascii_iequals(known_names[i], field.name)) {
            if (head.known_counts[i]++ == 0) {
                head.known_values[i] = field.value;
            }
            return;
        }
    }
}

// One bit for each use that a byte is legal in.
enum char_class : std::uint8_t { in_target = 1, in_host = 2 };

constexpr auto char_classes = [] {
    std::array<std::uint8_t, 256> table{};
    // RFC 3986 characters only: no raw UTF-8, no quotes, no fragment.
    for (unsigned char c = 0x21; c < 0x7f; ++c) {
        table[c] =
            std::string_view("\"<>\\^`{|}#").find(static_cast<char>(c)) == std::string_view::npos
                ? in_target
                : 0;
        const auto letter = c | 0x20;
        if ((letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9')) {
            table[c] |= in_host;
        }
    }
    // The marks of a host and port; nothing that could bend a path or a log line.
    for (const char c : std::string_view(".-_:[]%~")) {
        table[static_cast<unsigned char>(c)] |= in_host;
    }
    return table;
}();

bool is_all(std::string_view text, char_class use) {
    return std::ranges::all_of(text, [&](char c) {
        return (char_classes[static_cast<unsigned char>(c)] & use) != 0;
    });
}

bool read_length(std::string_view text, std::uint64_t& out) {
    if (text.empty() || text.size() > 19
        || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
        return false;
    }
    return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
}

head_fault judge_framing(request_head& h) {
    const auto codings = h.count(known_field::transfer_encoding);
    const auto lengths = h.count(known_field::content_length);
    if (codings > 0) {
        // With both, or on 1.0, a proxy before us may have counted the body otherwise (RFC 9112 §6.1).
        if (h.is_http_1_0 || lengths > 0 || codings > 1) {
            return head_fault::malformed;
        }
        if (!base::ascii_iequals(h.get(known_field::transfer_encoding), "chunked")) {
            return head_fault::malformed;
        }
        h.is_chunked = true;
        return head_fault::none;
    }
    if (lengths > 1) {
        return head_fault::malformed;
    }
    if (lengths == 1) {
        std::uint64_t n = 0;
        if (!read_length(h.get(known_field::content_length), n)) {
            return head_fault::malformed;
        }
        h.content_length = n;
    }
    return head_fault::none;
}

head_fault judge_fields(request_head& h) {
    const auto hosts = h.count(known_field::host);
    if (hosts > 1 || (hosts == 0 && !h.is_http_1_0)) {
        return head_fault::malformed;
    }
    h.host = h.get(known_field::host);
    if (!is_all(h.host, in_host)) {
        return head_fault::malformed;
    }
    connection_options options;
    for (std::size_t i = 0; h.count(known_field::connection) > 0 && i < h.field_count; ++i) {
        if (!base::ascii_iequals(h.fields[i].name, "connection")) {
            continue;
        }
        if (!is_token_list(h.fields[i].value)) {
            return head_fault::malformed;
        }
        options.add(h.fields[i].value);
    }
    h.keep_alive = !options.close && (!h.is_http_1_0 || options.keep_alive);
    if (const auto expect = h.get(known_field::expect); !expect.empty()) {
        if (!base::ascii_iequals(expect, "100-continue")) {
            return head_fault::bad_expectation;
        }
        h.expects_continue = !h.is_http_1_0;
    }
    return judge_framing(h);
}

// method SP target SP HTTP/1.x
head_fault read_request_line(std::string_view line, request_head& out) {
    const auto first = line.find(' ');
    const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) {
        return head_fault::malformed;
    }
    out.method = line.substr(0, first);
    out.target = line.substr(first + 1, second - first - 1);
    if (!is_token(out.method) || out.target.empty() || !is_all(out.target, in_target)) {
        return head_fault::malformed;
    }
    const auto version = line.substr(second + 1);
    out.is_http_1_0 = version == "HTTP/1.0";
    return out.is_http_1_0 || version == "HTTP/1.1" ? head_fault::none : head_fault::bad_version;
}

}  // namespace

std::size_t find_head_end(std::string_view buffer, std::size_t from) {
    // Line by line: lines are long enough for memchr to be the fastest way.
    for (auto lf = buffer.find('\n', from); lf != std::string_view::npos;
         lf = buffer.find('\n', lf + 1)) {
        if (lf >= from + 3 && buffer.substr(lf - 3, 3) == "\r\n\r") {
            return lf + 1;
        }
    }
    return std::string_view::npos;
}

head_fault parse_request_head(std::string_view head, request_head& out) {
    out.field_count = 0;
    out.known_values.fill({});
    out.known_counts.fill(0);
    out.content_length.reset();
    out.is_chunked = out.expects_continue = false;
    std::string_view line;
    if (!take_line(head, line)) {
        return head_fault::malformed;
    }
    if (const auto fault = read_request_line(line, out); fault != head_fault::none) {
        return fault;
    }
    while (take_line(head, line) && !line.empty()) {
        if (out.field_count == request_head::max_fields) {
            return head_fault::too_many_fields;
        }
        auto& field = out.fields[out.field_count];
        if (!read_field(line, field)) {
            return head_fault::malformed;
        }
        ++out.field_count;
        note_known_field(out, field);
    }
    // The blank line is the last of the head.
    return line.empty() && head.empty() ? judge_fields(out) : head_fault::malformed;
}

}  // namespace meta_model::net
