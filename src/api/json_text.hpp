// JSON strings: writing them and reading them, without a document tree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::api {

// Appends `text` to `out` as a JSON string with its quotes. Non-ASCII stays as it is; U+2028 and U+2029 are escaped so
// that the text is safe in an SSE line and in JavaScript. `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);

// Appends only the escaped characters, without quotes.
void append_json_escaped(std::string& out, std::string_view text);

void append_json_number(std::string& out, std::int64_t value);

// Appends the text that a raw JSON string (without its quotes, already known to be valid JSON) stands for.
// False, with `out` unchanged, when it holds a surrogate without its partner: such a value is no Unicode text.
bool append_unescaped(std::string& out, std::string_view raw);

// Whether a raw JSON string, without its quotes, stands for `text`.
bool stands_for(std::string_view raw, std::string_view text);

}  // namespace meta_model::api
