#include "net/reply_head.hpp"

#include "base/text.hpp"

#include <charconv>

namespace meta_model::net {

namespace {

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
    connection_options options;
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
            options.add(value);
        }
    }
    if (is_chunked && (has_length || out.is_http_1_0)) {
        return false;
    }
    out.keep_alive = !options.close && (!out.is_http_1_0 || options.keep_alive);
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
    std::string_view line;
    if (!take_line(head, line) || !parse_status_line(line, out)) {
        return false;
    }
    while (take_line(head, line) && !line.empty()) {
        if (out.field_count == request_head::max_fields
            || !read_field(line, out.fields[out.field_count])) {
            return false;
        }
        ++out.field_count;
    }
    return line.empty() && judge_framing(out);
}

}  // namespace meta_model::net
