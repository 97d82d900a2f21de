// `[server]` with its nested tables, `[features]` and `[responses]`.
#pragma once

#include "config/key_table.hpp"
#include "config/secret_source.hpp"

namespace meta_model::config {

// What is read of `[server]`, with what has to be judged once all its keys are known.
struct server_entry : server {
    secret_source token{};
    std::optional<position> log_level_at{};        // `[server] log_level`
    std::optional<position> log_table_level_at{};  // `[server.log] level`
};

void read_server(
    const field& table, server& into, const std::string& config_file, const environment& env
);
void list_server_keys(const std::string& path, key_list& keys);

void read_features(const field& table, features& into);
void list_features_keys(const std::string& path, key_list& keys);

void read_responses(const field& table, stored_responses& into);
void list_responses_keys(const std::string& path, key_list& keys);

}  // namespace meta_model::config
