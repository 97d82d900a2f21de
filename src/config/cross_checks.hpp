// What no single table can know: references between tables and the registry of names (spec §1.10).
#pragma once

#include "config/config.hpp"
#include "config/problem_list.hpp"
#include "config/toml_document.hpp"

namespace meta_model::config {

void check_references(const node& root, const gateway_config& config, problem_list& problems);
void check_names(const node& root, const gateway_config& config, problem_list& problems);

}  // namespace meta_model::config
