// A reply head that is accepted can be read in one way only.
#include "base/text.hpp"
#include "fuzz/property.hpp"
#include "net/reply_head.hpp"

#include <string>

namespace meta_model::net {
namespace {

using fuzz::expect;

bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::size_t count(const reply_head& head, std::string_view name) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < head.field_count; ++i) {
        n += base::ascii_iequals(head.fields[i].name, name) ? 1 : 0;
    }
    return n;
}

void check_framing(const reply_head& head) {
    const bool has_coding = count(head, "transfer-encoding") > 0;
    const bool has_length = count(head, "content-length") > 0;
    expect(!has_coding || !has_length, "the body's length is not given in two ways");
    expect(count(head, "transfer-encoding") <= 1, "there is one transfer coding");
    expect(!has_coding || !head.is_http_1_0, "HTTP/1.0 has no chunks");
    const bool has_body = head.status >= 200 && head.status != 204 && head.status != 304;
    const auto framing = !has_body    ? body_framing::none
                         : has_coding ? body_framing::chunked
                         : has_length ? body_framing::sized
                                      : body_framing::until_close;
    expect(head.framing == framing, "the framing follows from status and fields");
    expect(
        framing != body_framing::until_close || !head.keep_alive,
        "a body that ends by closing ends the connection"
    );
    if (has_length) {
        const auto digits = head.find("content-length");
        const auto zeros = std::min(digits.find_first_not_of('0'), digits.size() - 1);
        expect(
            std::to_string(head.content_length) == digits.substr(zeros),
            "the length is what the digits say"
        );
    }
}

std::string written(const reply_head& head) {
    std::string out = head.is_http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
    out.append(std::to_string(head.status)).append(" \r\n");
    for (std::size_t i = 0; i < head.field_count; ++i) {
        out.append(head.fields[i].name).append(":").append(head.fields[i].value).append("\t\r\n");
    }
    return out + "\r\n";
}

void run(std::string_view text) {
    const auto end = find_head_end(text);
    const auto whole = text.substr(0, end);
    reply_head head;
    if (!parse_reply_head(whole, head)) {
        return;
    }
    expect(whole == "\r\n" || end != std::string_view::npos, "an accepted head is complete");
    expect(head.status >= 100 && head.status <= 599, "the status has a class");
    for (std::size_t i = 0; i < head.field_count; ++i) {
        const auto& [name, value] = head.fields[i];
        expect(!name.empty() && is_one_line(name) && is_one_line(value), "a field is one line");
        expect(name.find_first_of(" \t:") == std::string_view::npos, "a name is a token");
    }
    check_framing(head);

    const auto again = written(head);
    reply_head second;
    second.keep_alive = false;
    second.framing = body_framing::chunked;
    second.content_length = 1;
    second.field_count = 1;
    expect(parse_reply_head(again, second), "an accepted head is accepted as it was read");
    expect(
        second.status == head.status && second.is_http_1_0 == head.is_http_1_0,
        "the status line is the same"
    );
    expect(
        second.framing == head.framing && second.content_length == head.content_length,
        "the framing is the same"
    );
    expect(second.keep_alive == head.keep_alive, "the connection's fate is the same");
    expect(second.field_count == head.field_count, "there are as many fields");
    for (std::size_t i = 0; i < head.field_count; ++i) {
        expect(second.fields[i].name == head.fields[i].name, "names are the same");
        expect(second.fields[i].value == head.fields[i].value, "values are the same");
    }
}

}  // namespace
}  // namespace meta_model::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meta_model::net::run(meta_model::fuzz::text_of(data, size));
    return 0;
}
