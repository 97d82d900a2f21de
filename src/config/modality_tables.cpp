#include "config/modality_tables.hpp"

namespace meta_model::config {

namespace {

constexpr key_row<modality_route> modality_keys[] = {
    {"endpoints", [](const field& f, modality_route& m) { f.read_distinct(m.endpoints); }},
};

constexpr key_row<vision_route> vision_keys[] = {
    {"endpoints", [](const field& f, vision_route& v) { f.read_distinct(v.endpoints); }},
    {"two_stage", [](const field& f, vision_route& v) { f.read(v.two_stage); }},
    {"describe_prompt", [](const field& f, vision_route& v) { f.read(v.describe_prompt); }},
    {"describe_max_tokens",
     [](const field& f, vision_route& v) { f.read(v.describe_max_tokens, from(1)); }},
    {"describe_temperature",
     [](const field& f, vision_route& v) { f.read(v.describe_temperature, within(0, 2)); }},
    // At most 0: no cap.
    {"describe_image_cap",
     [](const field& f, vision_route& v) { f.read(v.describe_image_cap, between(-1, 1000)); }},
};

}  // namespace

void read_vision(const field& table, vision_route& into) {
    read_table(table, vision_keys, into);
}

void read_modality(const field& table, modality_route& into) {
    read_table(table, modality_keys, into);
}

void list_vision_keys(const std::string& path, key_list& keys) {
    list_keys(std::span(vision_keys), path, keys);
}

void list_modality_keys(const std::string& path, key_list& keys) {
    list_keys(std::span(modality_keys), path, keys);
}

}  // namespace meta_model::config
