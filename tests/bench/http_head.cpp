#include "http_head.hpp"

#include <charconv>
#include <strings.h>

namespace meta_model::bench {

namespace {

constexpr std::string_view line_end = "\r\n";

bool is_same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

void apply_field(http_head& head, std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (is_same_name(name, "content-length")) {
        std::uint64_t length = 0;
        std::from_chars(value.data(), value.data() + value.size(), length);
        head.content_length = length;
    } else if (is_same_name(name, "transfer-encoding")) {
        head.is_chunked = is_same_name(value, "chunked");
    } else if (is_same_name(name, "expect")) {
        head.expects_continue = true;
    }
}

}  // namespace

std::optional<http_head> parse_head(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    http_head head;
    head.size = end + 4;
    std::string_view rest = bytes.substr(0, end + 2);
    head.start_line = rest.substr(0, rest.find(line_end));
    rest.remove_prefix(head.start_line.size() + line_end.size());
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find(line_end));
        apply_field(head, line);
        rest.remove_prefix(line.size() + line_end.size());
    }
    return head;
}

}  // namespace meta_model::bench
