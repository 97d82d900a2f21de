// Server-sent events (WHATWG HTML §9.2) as far as model servers use them: finding whole events in a buffer and reading
// their data. Lines end in LF or CRLF.
#pragma once

#include <string>
#include <string_view>

namespace meta_model::api {

// The offset behind the first complete event (up to and including its blank line) of `buffer`, searching from `from`;
// npos when none is complete. `from` may be where an earlier search without result ended, less three bytes.
std::size_t find_event_end(std::string_view buffer, std::size_t from = 0);

// The data of one event: its `data:` lines joined by LF. Views `event`, or `storage` when lines had to be joined.
// Empty for comments and for events without data.
std::string_view event_data(std::string_view event, std::string& storage);

}  // namespace meta_model::api
