// What an upstream's `base_url` has to be.
#pragma once

#include <string>
#include <string_view>

namespace meta_model::config {

struct checked_url {
    bool is_https = false;
    std::string url{};         // as given, but without '/' at the end of its path
    std::string_view fault{};  // empty: usable. Never quotes the URL, which may hold a credential.
};

// Absolute http or https URL with a host (RFC 3986 §4.3); a query is kept, user information and a fragment are refused.
checked_url check_base_url(std::string_view text);

}  // namespace meta_model::config
