// Numbers and strings as JSON and the exposition format write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::telemetry {

// Rounded to `decimals`, without trailing zeros but with at least one decimal: 3.0, 0.333, 812.33.
void append_rounded(std::string& out, double value, int decimals);

void append_integer(std::string& out, std::int64_t value);
void append_integer(std::string& out, std::uint64_t value);

// Whole microseconds as exact seconds: 0, 1.5, 0.000001.
void append_seconds(std::string& out, std::uint64_t microseconds);

// A JSON string with its quotes. `text` is UTF-8.
void append_quoted(std::string& out, std::string_view text);

}  // namespace meta_model::telemetry
