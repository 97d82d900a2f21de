// Reads a TOML configuration into config::gateway_config and reports every problem at once.
#pragma once

#include "config/config.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::config {

enum class severity { error, warning };

struct problem {
    config::severity severity = config::severity::error;
    std::string file{};
    std::uint32_t line = 0;    // 1-based; 0: about the file as a whole
    std::uint32_t column = 0;  // 1-based
    std::string text{};
};

// `file:line:column: text`; without a line: `file: text`.
std::string to_string(const problem& p);

// What loading needs from outside, so that this module neither calls getenv nor opens files in tests.
struct environment {
    std::function<std::optional<std::string>(const std::string& name)> variable{};
    std::function<std::optional<std::string>(const std::string& path)> read_file{};
};

struct load_result {
    gateway_config config{};
    std::vector<problem> problems{};  // in file order; errors and warnings

    bool has_errors() const;
};

// Parses `text` as the content of `file`. Relative paths inside the file are relative to the file's folder.
// With errors in the result, `config` must not be served.
load_result load(std::string_view text, const std::string& file, const environment& env);

// Every key that the loader accepts, as dotted paths with `*` for names, e.g. `upstreams.*.timeouts.idle_secs`.
// The test of docs/configuration.md and config/meta-model.toml.example compares against it.
std::vector<std::string> known_keys();

}  // namespace meta_model::config
