// Where a JSON string ends. Strings are nearly all of a chat body, and escaped source code has an escape every dozen
// bytes, so this one loop decides what checking a request costs.
#pragma once

namespace meta_model::api {

// The closing quote of a JSON string whose text starts at `p`; null when the text up to there is not valid (RFC 8259
// §7: control characters, unknown escapes) or does not end before `end`. UTF-8 is not checked here.
const char* find_string_end(const char* p, const char* end);

// The same on any processor, without wide registers.
const char* find_string_end_portable(const char* p, const char* end);

}  // namespace meta_model::api
