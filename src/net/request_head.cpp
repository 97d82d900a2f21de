#include "net/request_head.hpp"

#include "base/text.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <charconv>

namespace meta_model::net {

namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;

std::string_view to_std(string_view s) {
    return {s.data(), s.size()};
}

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
};

void note_known_field(request_head& head, std::string_view name, std::string_view value) {
    for (std::size_t i = 0; i < known_names.size(); ++i) {
        if (known_names[i].size() == name.size() && base::ascii_iequals(known_names[i], name)) {
            if (head.known_counts[i]++ == 0) {
                head.known_values[i] = value;
            }
            return;
        }
    }
}

// Hands the parts of a head to a request_head without building a container of them.
class head_parser final : public http::basic_parser<true> {
public:
    explicit head_parser(request_head& out) : out_(out) {
        header_limit(UINT32_MAX);  // the session has its own limit
        body_limit(boost::none);
    }

    bool has_too_many_fields() const { return has_too_many_fields_; }

private:
    using error_code = boost::beast::error_code;

    void
    on_request_impl(http::verb, string_view method, string_view target, int version, error_code&)
        override {
        out_.method = to_std(method);
        out_.target = to_std(target);
        out_.is_http_1_0 = version == 10;
    }
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override {
        if (out_.field_count == request_head::max_fields) {
            has_too_many_fields_ = true;
            ec = http::error::header_limit;
            return;
        }
        out_.fields[out_.field_count++] = {to_std(name), to_std(value)};
        note_known_field(out_, to_std(name), to_std(value));
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
    std::size_t on_body_impl(string_view, error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
    void on_finish_impl(error_code&) override {}

    request_head& out_;
    bool has_too_many_fields_ = false;
};

// Folded lines (a line that starts with white space) and any CR or LF that is not a line end.
bool has_stray_line_ends(std::string_view head) {
    while (!head.empty()) {
        const auto lf = head.find('\n');
        const auto line = head.substr(0, lf == std::string_view::npos ? head.size() : lf);
        const bool ends_well =
            lf != std::string_view::npos && !line.empty() && line.find('\r') == line.size() - 1;
        if (!ends_well) {
            return true;
        }
        head.remove_prefix(lf + 1);
        if (!head.empty() && (head.front() == ' ' || head.front() == '\t')) {
            return true;
        }
    }
    return false;
}

// RFC 3986 characters only: no raw UTF-8, no quotes, no fragment.
bool is_legal_target(std::string_view target) {
    return !target.empty() && std::ranges::all_of(target, [](char c) {
        return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^'
               && c != '`' && c != '{' && c != '|' && c != '}' && c != '#';
    });
}

// True when `list` (comma separated) holds `token`.
bool has_token(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        if (base::ascii_iequals(base::trim(list.substr(0, comma)), token)) {
            return true;
        }
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return false;
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

// Letters, digits and the marks of a host and port; nothing that could bend a path or a log line.
bool is_legal_host(std::string_view host) {
    return std::ranges::all_of(host, [](char c) {
        const auto l = static_cast<char>(c | 0x20);
        return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'
               || c == ':' || c == '[' || c == ']' || c == '%' || c == '~';
    });
}

head_fault judge_fields(request_head& h) {
    const auto hosts = h.count(known_field::host);
    if (hosts > 1 || (hosts == 0 && !h.is_http_1_0)) {
        return head_fault::malformed;
    }
    h.host = h.get(known_field::host);
    if (!is_legal_host(h.host)) {
        return head_fault::malformed;
    }
    bool close = false;
    bool keep = false;
    for (std::size_t i = 0; h.count(known_field::connection) > 0 && i < h.field_count; ++i) {
        if (base::ascii_iequals(h.fields[i].name, "connection")) {
            close = close || has_token(h.fields[i].value, "close");
            keep = keep || has_token(h.fields[i].value, "keep-alive");
        }
    }
    h.keep_alive = !close && (!h.is_http_1_0 || keep);
    if (const auto expect = h.get(known_field::expect); !expect.empty()) {
        if (!base::ascii_iequals(expect, "100-continue")) {
            return head_fault::bad_expectation;
        }
        h.expects_continue = !h.is_http_1_0;
    }
    return judge_framing(h);
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
    if (has_stray_line_ends(head) || head.find('\0') != std::string_view::npos) {
        return head_fault::malformed;
    }
    // Beast judges Content-Length and Transfer-Encoding too and may refuse first; either way it is a 400.
    head_parser parser(out);
    boost::beast::error_code ec;
    parser.put(boost::asio::buffer(head.data(), head.size()), ec);
    if (parser.has_too_many_fields()) {
        return head_fault::too_many_fields;
    }
    if (ec == http::error::bad_version) {
        return head_fault::bad_version;
    }
    if ((ec && ec != http::error::need_more) || !parser.is_header_done()
        || !is_legal_target(out.target)) {
        return head_fault::malformed;
    }
    return judge_fields(out);
}

}  // namespace meta_model::net
