// `[upstreams.X.tls]`: how servers are told apart from impostors, and who we are to them.
#pragma once

#include "config/key_table.hpp"
#include "config/load.hpp"

#include <optional>
#include <string>

namespace meta_model::config {

// The table as it stands in the file; the files it names are not read yet.
struct tls_keys {
    std::optional<placed_text> ca_file{};
    std::optional<placed_text> cert_file{};
    std::optional<placed_text> key_file{};
    bool verify = true;
    std::string server_name{};
    std::optional<position> at{};  // of the table; absent: there is none
};

void read_tls(const field& table, tls_keys& into);
void list_tls_keys(const std::string& path, key_list& keys);

// Reads the files. One that cannot be read is a warning, as a missing secret is: the upstream's calls fail, the rest
// serves. `has_https`: one of the upstream's URLs is https; a table that no connection uses is an error.
void resolve_tls(
    const field& upstream_table,
    const tls_keys& keys,
    bool has_https,
    upstream& into,
    const std::string& config_file,
    const environment& env
);

}  // namespace meta_model::config
