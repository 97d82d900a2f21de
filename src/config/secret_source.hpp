// Where a credential may come from, and the one place that fetches it. No secret's text gets into a problem.
#pragma once

#include "base/secret.hpp"
#include "config/field.hpp"
#include "config/load.hpp"

#include <optional>
#include <string>

namespace meta_model::config {

// The keys `x`, `x_env` and `x_file` of one credential, as far as they are in the file.
struct secret_source {
    std::optional<placed_text> literal{};
    std::optional<placed_text> variable{};
    std::optional<placed_text> path{};

    bool is_configured() const { return literal || variable || path; }
    int count() const {
        return int{literal.has_value()} + int{variable.has_value()} + int{path.has_value()};
    }
};

// Reads one of the three keys; the literal must not be empty, the other two must not be blank.
void read_literal(const field& value, secret_source& into);
void read_literal_or_blank(const field& value, secret_source& into);  // trimmed; blank means none
void read_variable(const field& value, secret_source& into);
void read_path(const field& value, secret_source& into);

// The path of a file that the configuration names: relative paths are relative to the folder of `config_file`.
std::string beside(const std::string& config_file, const std::string& path);

struct fetched_secret {
    base::secret value{};   // empty: none of the sources gave one
    std::string missing{};  // then: which variable or file did not, for a message
    position missing_at{};
};

// File, then environment, then literal: the first that gives a usable text. A source that is missing, empty or holds
// control characters (which no header can carry) gives none. Line ends after the text are cut off.
// Relative paths are relative to the folder of `config_file`.
fetched_secret fetch(
    const secret_source& source, const std::string& config_file, const environment& env
);

}  // namespace meta_model::config
