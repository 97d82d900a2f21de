// The head of an HTTP/1.1 request, read strictly (RFC 9112).
#pragma once

#include "net/field_lines.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace meta_model::net {

// Fields that the gateway acts on, found while the head is read.
enum class known_field : std::uint8_t {
    host,
    connection,
    content_length,
    transfer_encoding,
    content_type,
    content_encoding,
    expect,
    authorization,
    x_api_key,
    origin,
    accept,
    access_control_request_headers,
    x_request_id,
    openai_beta,
    anthropic_beta,
    traceparent,
    tracestate,
    anthropic_version,
    none,
};

struct request_head {
    static constexpr std::size_t max_fields = 100;

    std::string_view method{};
    std::string_view target{};  // as sent
    bool is_http_1_0 = false;
    std::array<header_field, max_fields> fields{};
    std::size_t field_count = 0;
    std::string_view host{};
    std::optional<std::uint64_t> content_length{};
    bool is_chunked = false;
    bool keep_alive = true;
    bool expects_continue = false;

    // The value of the first such field, or empty; how many there are.
    std::string_view get(known_field f) const { return known_values[static_cast<std::size_t>(f)]; }
    std::size_t count(known_field f) const { return known_counts[static_cast<std::size_t>(f)]; }

    std::array<std::string_view, static_cast<std::size_t>(known_field::none)> known_values{};
    std::array<std::uint8_t, static_cast<std::size_t>(known_field::none)> known_counts{};
};

enum class head_fault {
    none,
    malformed,        // 400
    too_many_fields,  // 431
    bad_version,      // neither 1.0 nor 1.1: 400
    bad_expectation,  // an Expect other than 100-continue: 400
};

// Offset behind the blank line that ends the head in `buffer`, or npos. `from` as in api::find_event_end.
std::size_t find_head_end(std::string_view buffer, std::size_t from = 0);

// Reads one whole head, its blank line included. The views in `out` are of `head`.
head_fault parse_request_head(std::string_view head, request_head& out);

}  // namespace meta_model::net
