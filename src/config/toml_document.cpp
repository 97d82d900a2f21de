#include "config/toml_document.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace meta_model::config {

namespace {

// Tables are read and freed by recursion; nothing in a configuration is anywhere near as deep.
constexpr int max_depth = 64;

struct nested_too_deep : std::runtime_error {
    explicit nested_too_deep(position where)
        : std::runtime_error("values are nested deeper than 64 levels"), at(where) {}
    position at;
};

position begin_of(const toml::source_region& region) {
    return {region.begin.line, region.begin.column};
}

node converted(const toml::node& from, int depth);

// Behind the string that begins with the quotation mark at `at`. One that is not closed ends with its line, or, if it
// may hold several, with the text.
std::size_t end_of_string(std::string_view text, std::size_t at) {
    const char mark = text[at];
    const bool is_long = text.substr(at, 3) == std::string(3, mark);
    const auto close = text.substr(at, is_long ? 3 : 1);
    at += close.size();
    while (at < text.size() && !text.substr(at).starts_with(close) && (is_long || text[at] != '\n')
    ) {
        at += text[at] == '\\' && mark == '"' ? 2 : 1;
    }
    at += close.size();
    for (int i = 0; is_long && i < 2 && at < text.size() && text[at] == mark; ++i) {
        ++at;  // a long string may end in marks of its own
    }
    return std::min(at, text.size());
}

// Each dot of a key is a level of tables, which toml++ frees by recursion: a key of very many parts would end the
// process. Where the first one deeper than max_depth stands; line 0: nowhere.
position find_overlong_key(std::string_view text) {
    int dots = 0;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"' || c == '\'') {
            at = end_of_string(text, at);
            continue;
        }
        if (c == '#') {
            at = std::min(text.find('\n', at), text.size());
            continue;
        }
        if (c == '.' && ++dots > max_depth) {
            const auto before = text.substr(0, at);
            return {
                static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1, 1
            };
        }
        if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) {
            dots = 0;
        }
        ++at;
    }
    return {};
}

node::array converted_array(const toml::array& from, int depth) {
    node::array elements;
    elements.reserve(from.size());
    for (const auto& element : from) {
        elements.push_back(converted(element, depth + 1));
    }
    return elements;
}

node::table converted_table(const toml::table& from, int depth) {
    node::table members;
    members.reserve(from.size());
    for (const auto& [key, value] : from) {
        members.push_back({
            .key = std::string(key.str()),
            .at = begin_of(key.source()),
            .value = converted(value, depth + 1),
        });
    }
    // toml++ iterates in the order of the keys' names.
    std::stable_sort(members.begin(), members.end(), [](const member& a, const member& b) {
        return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
    });
    return members;
}

node converted(const toml::node& from, int depth) {
    node out;
    out.at = begin_of(from.source());
    if (depth > max_depth) {
        throw nested_too_deep(out.at);
    }
    if (const auto* table = from.as_table()) {
        out.value = converted_table(*table, depth);
    } else if (const auto* array = from.as_array()) {
        out.value = converted_array(*array, depth);
    } else if (const auto* text = from.as_string()) {
        out.value = text->get();
    } else if (const auto* whole = from.as_integer()) {
        out.value = whole->get();
    } else if (const auto* real = from.as_floating_point()) {
        out.value = real->get();
    } else if (const auto* boolean = from.as_boolean()) {
        out.value = boolean->get();
    } else {
        out.value = node::date_time{};
    }
    return out;
}

}  // namespace

const node* node::find(std::string_view key) const {
    const auto* members = as<table>();
    if (members == nullptr) {
        return nullptr;
    }
    for (const auto& m : *members) {
        if (m.key == key) {
            return &m.value;
        }
    }
    return nullptr;
}

std::string_view kind_of(const node& n) {
    // In the order of the variant's alternatives.
    static constexpr std::string_view names[] = {
        "a boolean",
        "an integer",
        "a float",
        "a string",
        "a date or time",
        "an array",
        "a table",
    };
    static_assert(std::size(names) == std::variant_size_v<decltype(n.value)>);
    return names[n.value.index()];
}

position position_of(const node& root, std::initializer_list<path_step> path) {
    const node* here = &root;
    position found{};
    for (const auto& step : path) {
        if (const auto* index = std::get_if<std::size_t>(&step)) {
            const auto* elements = here->as<node::array>();
            if (elements == nullptr || *index >= elements->size()) {
                return found;
            }
            here = &(*elements)[*index];
            found = here->at;
            continue;
        }
        const auto* members = here->as<node::table>();
        if (members == nullptr) {
            return found;
        }
        const auto key = std::get<std::string_view>(step);
        const auto m = std::find_if(members->begin(), members->end(), [&](const member& each) {
            return each.key == key;
        });
        if (m == members->end()) {
            return found;
        }
        here = &m->value;
        found = here->as<node::table>() != nullptr ? m->at : here->at;
    }
    return found;
}

parsed_document parse_toml(std::string_view text) {
    parsed_document out;
    if (const auto at = find_overlong_key(text); at.line != 0) {
        out.syntax_error = "a key has more than 64 parts";
        out.error_at = at;
        return out;
    }
    try {
        out.root = converted(toml::parse(text), 0);
    } catch (const toml::parse_error& e) {
        out.syntax_error = std::string(e.description());
        out.error_at = begin_of(e.source());
    } catch (const nested_too_deep& e) {
        out.syntax_error = e.what();
        out.error_at = e.at;
    }
    return out;
}

}  // namespace meta_model::config
