// The little HTTP/1.1 that the bench tools speak to each other. Lenient: both ends are ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace meta_model::bench {

struct http_head {
    std::size_t size = 0;           // bytes up to and with the empty line
    std::string_view start_line{};  // lives as long as the bytes it was parsed from
    std::optional<std::uint64_t> content_length{};
    bool is_chunked = false;
    bool expects_continue = false;
};

// The head at the start of `bytes`; nothing while its empty line has not arrived.
std::optional<http_head> parse_head(std::string_view bytes);

}  // namespace meta_model::bench
