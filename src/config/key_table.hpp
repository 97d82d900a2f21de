// A table's keys as rows of data. The same rows read the table, find keys that are not known and list the keys for
// the documentation's test, so that the three cannot drift apart.
#pragma once

#include "config/field.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::config {

using key_list = std::vector<std::string>;

enum class presence { optional, required };

template <class T>
struct key_row {
    std::string_view name;
    void (*read)(const field& value, T& into);
    // Appends the keys of a nested table, each after `path`; null for a plain value.
    void (*list)(const std::string& path, key_list& keys) = nullptr;
    config::presence presence = config::presence::optional;
};

// `name` in `table`: what messages call a nested table or a value.
std::string nested_label(const field& table, std::string_view name);
std::string value_label(const field& table, std::string_view name);

void report_unknown(
    const field& table, const member& written, std::span<const std::string_view> known
);
void report_missing(const field& table, std::string_view name);

// Reads what `rows` know of `table` and returns the members they do not know.
template <class T>
std::vector<const member*> read_known(
    const field& table, std::span<const key_row<T>> rows, T& into
) {
    std::vector<const member*> unknown;
    const auto* members = table.value().as<node::table>();
    if (members == nullptr) {
        table.wrong_type("a table");
        return unknown;
    }
    for (const auto& m : *members) {
        const auto row =
            std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.name == m.key; });
        if (row == rows.end()) {
            unknown.push_back(&m);
            continue;
        }
        const bool is_table = row->list != nullptr;
        auto label = is_table ? nested_label(table, m.key) : value_label(table, m.key);
        row->read(field(std::move(label), m.value, m.at, table.problems()), into);
    }
    for (const auto& row : rows) {
        if (row.presence == presence::required && table.value().find(row.name) == nullptr) {
            report_missing(table, row.name);
        }
    }
    return unknown;
}

template <class T>
std::vector<std::string_view> names_of(std::span<const key_row<T>> rows) {
    std::vector<std::string_view> names;
    for (const auto& row : rows) {
        names.push_back(row.name);
    }
    return names;
}

// Reads a closed table: a key that no row knows is a problem.
template <class T, std::size_t N>
void read_table(const field& table, const key_row<T> (&rows)[N], T& into) {
    const std::span<const key_row<T>> all(rows);
    for (const auto* written : read_known(table, all, into)) {
        report_unknown(table, *written, names_of(all));
    }
}

template <class T, std::size_t N>
void list_keys(std::span<const key_row<T>, N> rows, const std::string& path, key_list& keys) {
    for (const auto& row : rows) {
        if (row.list != nullptr) {
            row.list(path + std::string(row.name) + ".", keys);
        } else {
            keys.push_back(path + std::string(row.name));
        }
    }
}

// The row of a nested closed table that fills the member `Member` of `T` by `Rows`.
template <class T, auto Member, const auto& Rows>
constexpr key_row<T> nested_table(std::string_view name) {
    return {
        name,
        [](const field& table, T& into) { read_table(table, Rows, into.*Member); },
        [](const std::string& path, key_list& keys) { list_keys(std::span(Rows), path, keys); },
    };
}

}  // namespace meta_model::config
