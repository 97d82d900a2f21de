// `[profiles."<name>"]`: the keys that a profile may have follow from its type.
#pragma once

#include "config/key_table.hpp"
#include "config/load.hpp"

#include <string>

namespace meta_model::config {

// Fills `into` (whose name is set). What refers to other tables is judged in cross_checks. Files that it names are relative
// to the folder of `config_file`.
void read_profile(
    const field& table, profile& into, const std::string& config_file, const environment& env
);
void list_profile_keys(const std::string& path, key_list& keys);

}  // namespace meta_model::config
