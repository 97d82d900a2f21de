#include "config/key_table.hpp"

#include "config/nearest_key.hpp"

namespace meta_model::config {

namespace {

// A key as it is written in a table's header: quoted unless it is a bare key.
std::string header_spelling(std::string_view key) {
    const auto is_bare = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
               || c == '_' || c == '-';
    };
    if (!key.empty() && std::all_of(key.begin(), key.end(), is_bare)) {
        return std::string(key);
    }
    return "\"" + std::string(key) + "\"";
}

}  // namespace

std::string nested_label(const field& table, std::string_view name) {
    const auto& outer = table.label();
    if (outer.empty()) {
        return "[" + header_spelling(name) + "]";
    }
    return outer.substr(0, outer.size() - 1) + "." + header_spelling(name) + "]";
}

std::string value_label(const field& table, std::string_view name) {
    const auto& outer = table.label();
    return outer.empty() ? header_spelling(name) : outer + "." + header_spelling(name);
}

void report_unknown(
    const field& table, const member& written, std::span<const std::string_view> known
) {
    const bool is_table = written.value.as<node::table>() != nullptr;
    const auto where = table.label().empty() ? "at the top level" : "in " + table.label();
    table.problems().error(
        written.at,
        "unknown " + std::string(is_table ? "table" : "key") + " '" + written.key + "' " + where
            + did_you_mean(written.key, known)
    );
}

void report_missing(const field& table, std::string_view name) {
    table.problems().error(
        table.key_at(), table.label() + ": the key '" + std::string(name) + "' is required"
    );
}

}  // namespace meta_model::config
