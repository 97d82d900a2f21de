// The head of an upstream's HTTP/1 reply.
#pragma once

#include "net/request_head.hpp"

namespace meta_model::net {

enum class body_framing { none, sized, chunked, until_close };

struct reply_head {
    int status = 0;
    bool is_http_1_0 = false;
    bool keep_alive = true;
    body_framing framing = body_framing::none;
    std::uint64_t content_length = 0;  // with `sized`
    std::array<header_field, request_head::max_fields> fields{};
    std::size_t field_count = 0;

    std::string_view find(std::string_view name) const;
};

// Reads one whole head, its blank line included; false when it is not HTTP/1 or its framing is ambiguous. The views
// in `out` are of `head`. Replies to HEAD are not expected.
bool parse_reply_head(std::string_view head, reply_head& out);

}  // namespace meta_model::net
