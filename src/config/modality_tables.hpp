// `[vision]`, `[video]` and `[audio]`.
#pragma once

#include "config/key_table.hpp"

namespace meta_model::config {

void read_vision(const field& table, vision_route& into);
void read_modality(const field& table, modality_route& into);
void list_vision_keys(const std::string& path, key_list& keys);
void list_modality_keys(const std::string& path, key_list& keys);

}  // namespace meta_model::config
