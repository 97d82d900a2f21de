// `[profiles."<name>"]`: the keys that a profile may have follow from its type.
#pragma once

#include "config/key_table.hpp"

namespace meta_model::config {

// Fills `into` (whose name is set). What refers to other tables is judged in cross_checks.
void read_profile(const field& table, profile& into);
void list_profile_keys(const std::string& path, key_list& keys);

}  // namespace meta_model::config
