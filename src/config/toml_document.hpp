// A parsed TOML file as plain values that know where they stand. Tables keep file order, which toml++ does not, and
// the rest of the module compiles without its headers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace meta_model::config {

// 1-based; columns count characters. Line 0: about the file as a whole.
struct position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct member;

struct node {
    struct date_time {};  // no key takes one, so only its kind is kept
    using array = std::vector<node>;
    using table = std::vector<member>;

    std::variant<bool, std::int64_t, double, std::string, date_time, array, table> value;
    position at{};

    template <class T>
    const T* as() const {
        return std::get_if<T>(&value);
    }
    // The member called `key`; null if there is none or this is no table.
    const node* find(std::string_view key) const;
};

struct member {
    std::string key{};
    position at{};  // of the key
    node value{};
};

// What a value is, for messages: "a string", "an integer", "a table" ….
std::string_view kind_of(const node& n);

// One step of a path: a member's key or an element's index.
using path_step = std::variant<std::string_view, std::size_t>;

// Where the value at `path` stands; if it is not there, where the key of the innermost table on the way to it stands.
position position_of(const node& root, std::initializer_list<path_step> path);

struct parsed_document {
    node root{};                 // a table
    std::string syntax_error{};  // empty: the text is TOML
    position error_at{};
};

// TOML 1.0. Syntax errors end the parse: there is at most one.
parsed_document parse_toml(std::string_view text);

}  // namespace meta_model::config
