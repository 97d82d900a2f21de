// Cross-origin rules (spec §10.2) as header lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::http {

// The value of Access-Control-Allow-Origin for a request from `origin` (may be empty); empty: none is sent.
std::string_view allowed_origin(const std::vector<std::string>& allowed, std::string_view origin);

// Lines for every reply but a preflight's.
// `origin`: the request's; without one nobody reads which headers are exposed.
void append_cors_lines(std::string& lines, std::string_view allow_origin, std::string_view origin);

// Lines for the reply to OPTIONS.
void append_preflight_lines(
    std::string& lines, std::string_view allow_origin, std::string_view requested_headers
);

// `vary` with the token Origin in it: appended unless it is there already as a whole token.
std::string with_vary_origin(std::string_view vary);

}  // namespace meta_model::http
