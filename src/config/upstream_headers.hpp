// `[upstreams.X.headers]`: header lines that go with every call to an upstream.
#pragma once

#include "config/config.hpp"
#include "config/field.hpp"
#include "config/secret_source.hpp"

#include <string>
#include <vector>

namespace meta_model::config {

// One header as it stands in the file; a variable or file that it names is not read yet.
struct header_entry {
    std::string name{};
    secret_source value{};
};

// A name must be a token of RFC 9110 §5.6.2 and none that the gateway or the connection decides on. A value is a
// string, or a table with one of `env` and `file`.
void read_headers(const field& table, std::vector<header_entry>& into);

// A value that was configured but is not there is a warning: the upstream's calls fail, the rest serves.
void resolve_headers(
    const field& upstream_table,
    const std::vector<header_entry>& entries,
    upstream& into,
    const std::string& config_file,
    const environment& env
);

}  // namespace meta_model::config
