// TOML values as JSON text, for settings that travel to upstreams as they are.
#pragma once

#include "config/field.hpp"

#include <optional>
#include <string>

namespace meta_model::config {

// JSON text (RFC 8259) of the value, members in file order. JSON has no dates, infinities and NaN: each is reported
// and there is no text then.
std::optional<std::string> json_text_of(const field& value);

}  // namespace meta_model::config
