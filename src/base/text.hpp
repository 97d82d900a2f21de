// Small operations on text that several modules need.
#pragma once

#include <string>
#include <string_view>

namespace meta_model::base {

// Without leading and trailing Unicode white space (UTF-8).
std::string_view trim(std::string_view text);

std::string ascii_lower(std::string_view text);

bool ascii_iequals(std::string_view a, std::string_view b);

bool is_valid_utf8(std::string_view text);

// Safe as an HTTP header value: control and non-ASCII bytes become '?', at most `max_bytes`.
std::string header_safe(std::string_view text, std::size_t max_bytes = 512);
void append_header_safe(std::string& out, std::string_view text, std::size_t max_bytes = 512);

// `text` cut to at most `max_bytes` at a UTF-8 boundary, with an ellipsis when something was cut.
std::string clip(std::string_view text, std::size_t max_bytes);

}  // namespace meta_model::base
