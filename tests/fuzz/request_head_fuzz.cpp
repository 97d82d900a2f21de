// A request head that is accepted can be read in one way only, whoever reads it and however it arrived.
#include "base/text.hpp"
#include "fuzz/property.hpp"
#include "net/request_head.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <array>
#include <string>

namespace meta_model::net {
namespace {

using fuzz::expect;

bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool is_within(std::string_view part, std::string_view whole) {
    return part.empty()
           || (part.data() >= whole.data()
               && part.data() + part.size() <= whole.data() + whole.size());
}

// The end of a head that arrives in two pieces, searched for as the connection does.
std::size_t end_in_two(std::string_view text, std::size_t cut) {
    const auto first = find_head_end(text.substr(0, cut));
    return first != std::string_view::npos ? first : find_head_end(text, cut > 3 ? cut - 3 : 0);
}

void check_fields(std::string_view text, const request_head& head) {
    for (std::size_t i = 0; i < head.field_count; ++i) {
        const auto& [name, value] = head.fields[i];
        expect(
            is_within(name, text) && is_within(value, text),
            "names and values are views of the head"
        );
        expect(!name.empty() && is_one_line(name) && is_one_line(value), "a field is one line");
        expect(name.find_first_of(" \t:") == std::string_view::npos, "a name is a token");
        expect(
            value.empty() || (!is_blank(value.front()) && !is_blank(value.back())),
            "a value is trimmed"
        );
    }
}

struct known_name {
    known_field field;
    std::string_view name;
};

constexpr std::array<known_name, 18> known_names{{
    {known_field::host, "host"},
    {known_field::connection, "connection"},
    {known_field::content_length, "content-length"},
    {known_field::transfer_encoding, "transfer-encoding"},
    {known_field::content_type, "content-type"},
    {known_field::content_encoding, "content-encoding"},
    {known_field::expect, "expect"},
    {known_field::authorization, "authorization"},
    {known_field::x_api_key, "x-api-key"},
    {known_field::origin, "origin"},
    {known_field::accept, "accept"},
    {known_field::access_control_request_headers, "access-control-request-headers"},
    {known_field::x_request_id, "x-request-id"},
    {known_field::openai_beta, "openai-beta"},
    {known_field::anthropic_beta, "anthropic-beta"},
    {known_field::traceparent, "traceparent"},
    {known_field::tracestate, "tracestate"},
    {known_field::anthropic_version, "anthropic-version"},
}};
static_assert(known_names.size() == static_cast<std::size_t>(known_field::none));

void check_known(const request_head& head) {
    for (const auto& [field, name] : known_names) {
        std::size_t count = 0;
        std::string_view first;
        for (std::size_t i = 0; i < head.field_count; ++i) {
            if (base::ascii_iequals(head.fields[i].name, name)) {
                first = count == 0 ? head.fields[i].value : first;
                ++count;
            }
        }
        expect(head.count(field) == count, "every known field is counted");
        expect(head.get(field) == first, "the first known field is given");
    }
}

void check_framing(const request_head& head) {
    const auto hosts = head.count(known_field::host);
    const auto codings = head.count(known_field::transfer_encoding);
    const auto lengths = head.count(known_field::content_length);
    expect(hosts == 1 || (hosts == 0 && head.is_http_1_0), "there is exactly one Host");
    expect(codings + lengths <= 1, "the body's length is given once");
    expect(head.is_chunked == (codings == 1), "a transfer coding means chunks");
    expect(head.content_length.has_value() == (lengths == 1), "a length is known when it is given");
    expect(!head.is_chunked || !head.is_http_1_0, "HTTP/1.0 has no chunks");
    if (lengths == 1) {
        const auto digits = head.get(known_field::content_length);
        const auto zeros = std::min(digits.find_first_not_of('0'), digits.size() - 1);
        expect(
            std::to_string(*head.content_length) == digits.substr(zeros),
            "the length is what the digits say"
        );
    }
}

std::string written(const request_head& head) {
    std::string out(head.method);
    out.append(" ")
        .append(head.target)
        .append(head.is_http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (std::size_t i = 0; i < head.field_count; ++i) {
        out.append(head.fields[i].name).append(": ").append(head.fields[i].value).append("\r\n");
    }
    return out + "\r\n";
}

void expect_same(const request_head& a, const request_head& b) {
    expect(
        a.method == b.method && a.target == b.target && a.host == b.host,
        "the request line is the same"
    );
    expect(
        a.content_length == b.content_length && a.is_chunked == b.is_chunked,
        "the framing is the same"
    );
    expect(
        a.keep_alive == b.keep_alive && a.is_http_1_0 == b.is_http_1_0
            && a.expects_continue == b.expects_continue,
        "the connection's fate is the same"
    );
    expect(a.field_count == b.field_count, "there are as many fields");
    for (std::size_t i = 0; i < a.field_count; ++i) {
        expect(
            a.fields[i].name == b.fields[i].name && a.fields[i].value == b.fields[i].value,
            "fields are the same"
        );
    }
}

// The same head as Beast reads it: lenient where this gateway is strict, but never otherwise.
class beast_head final : public boost::beast::http::basic_parser<true> {
public:
    explicit beast_head(std::string_view text) {
        header_limit(UINT32_MAX);
        body_limit(boost::none);
        boost::beast::error_code ec;
        put(boost::asio::buffer(text.data(), text.size()), ec);
        is_whole_ = is_header_done();
    }

    bool is_same(const request_head& head) const {
        bool same = is_whole_ && count_ == head.field_count && method_ == head.method
                    && target_ == head.target && is_http_1_0_ == head.is_http_1_0;
        for (std::size_t i = 0; same && i < count_; ++i) {
            same =
                fields_[i].name == head.fields[i].name && fields_[i].value == head.fields[i].value;
        }
        return same;
    }

private:
    using error_code = boost::beast::error_code;
    using string_view = boost::beast::string_view;
    using optional_size = boost::optional<std::uint64_t>;

    void
    on_request_impl(boost::beast::http::verb, string_view method, string_view target, int version, error_code&)
        override {
        method_ = method;
        target_ = target;
        is_http_1_0_ = version == 10;
    }
    void on_field_impl(
        boost::beast::http::field, string_view name, string_view value, error_code& ec
    ) override {
        if (count_ == fields_.size()) {
            ec = boost::beast::http::error::header_limit;
            return;
        }
        fields_[count_++] = {name, value};
    }
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const optional_size&, error_code&) override {}
    std::size_t on_body_impl(string_view, error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
    void on_finish_impl(error_code&) override {}

    std::string_view method_;
    std::string_view target_;
    bool is_http_1_0_ = false;
    bool is_whole_ = false;
    std::array<header_field, request_head::max_fields> fields_{};
    std::size_t count_ = 0;
};

void run(std::string_view text) {
    const auto end = find_head_end(text);
    fuzz::for_each_cut(text, [&](std::size_t cut) {
        expect(end_in_two(text, cut) == end, "the end is found wherever the head was cut");
    });
    // Without its end as well: the connection never asks for that, but nothing may break.
    const auto whole = text.substr(0, end);
    request_head head;
    const auto fault = parse_request_head(whole, head);
    if (fault != head_fault::none) {
        return;
    }
    expect(end != std::string_view::npos, "an accepted head is complete");
    expect(is_one_line(head.method) && is_one_line(head.target), "the request line is one line");
    expect(!head.method.empty() && !head.target.empty(), "method and target are given");
    // Beast wants a list of tokens in Proxy-Connection too, which means nothing here.
    bool has_proxy_connection = false;
    for (std::size_t i = 0; i < head.field_count; ++i) {
        has_proxy_connection =
            has_proxy_connection || base::ascii_iequals(head.fields[i].name, "proxy-connection");
    }
    expect(
        has_proxy_connection || beast_head(whole).is_same(head),
        "Beast reads an accepted head the same way"
    );
    check_fields(whole, head);
    check_known(head);
    check_framing(head);

    const auto again = written(head);
    request_head second;
    second.keep_alive = false;
    second.expects_continue = second.is_chunked = second.is_http_1_0 = true;
    second.content_length = 1;
    second.field_count = 1;
    expect(
        parse_request_head(again, second) == head_fault::none,
        "an accepted head is accepted as it was read"
    );
    expect_same(head, second);
}

}  // namespace
}  // namespace meta_model::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::net::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
