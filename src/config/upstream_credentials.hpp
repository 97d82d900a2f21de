// The credentials of one upstream: which keys may stand together, and what they resolve to.
#pragma once

#include "config/secret_source.hpp"

#include <optional>
#include <string>

namespace meta_model::config {

struct credential_keys {
    secret_source api_key{};
    std::optional<placed_text> basic_auth_user{};
    secret_source basic_auth_pass{};
};

void read_basic_auth_user(const field& value, credential_keys& into);

// A secret that was configured but is not there is a warning: the upstream's calls fail, the rest serves.
void resolve_credentials(
    const field& table,
    const credential_keys& keys,
    upstream& into,
    const std::string& config_file,
    const environment& env
);

}  // namespace meta_model::config
