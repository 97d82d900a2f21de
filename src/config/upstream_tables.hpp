// `[upstreams.<key>]` with its nested tables.
#pragma once

#include "config/key_table.hpp"
#include "config/load.hpp"

namespace meta_model::config {

// Fills `into` (whose key is set) and resolves its credentials.
void read_upstream(
    const field& table, upstream& into, const std::string& config_file, const environment& env
);
void list_upstream_keys(const std::string& path, key_list& keys);

}  // namespace meta_model::config
