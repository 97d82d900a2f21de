// The query of a request target: `name=value` pairs, percent-encoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace meta_model::routes {

// "%2f" becomes "/"; a percent sign without two digits stays.
std::string percent_decoded(std::string_view text);

// The first value of `name`, decoded; without a `=` it is empty. None: the query does not name it.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace meta_model::routes
