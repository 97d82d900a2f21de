#include "config/json_text.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace meta_model::config {

namespace {

// Appends to `out`; false when something in `n` has no JSON form.
bool append(const node& n, const field& whole, std::string& out);

bool refuse(const node& n, const field& whole, std::string_view what) {
    whole.problems().error(n.at, whole.label() + ": " + std::string(what) + " has no JSON form");
    return false;
}

bool append_array(const node::array& elements, const field& whole, std::string& out) {
    bool ok = true;
    out += '[';
    for (std::size_t i = 0; i < elements.size(); ++i) {
        out += i == 0 ? "" : ",";
        ok = append(elements[i], whole, out) && ok;
    }
    out += ']';
    return ok;
}

bool append_table(const node::table& members, const field& whole, std::string& out) {
    bool ok = true;
    out += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
        out += i == 0 ? "" : ",";
        out += nlohmann::json(members[i].key).dump() + ":";
        ok = append(members[i].value, whole, out) && ok;
    }
    out += '}';
    return ok;
}

bool append(const node& n, const field& whole, std::string& out) {
    if (const auto* members = n.as<node::table>()) {
        return append_table(*members, whole, out);
    }
    if (const auto* elements = n.as<node::array>()) {
        return append_array(*elements, whole, out);
    }
    if (const auto* text = n.as<std::string>()) {
        out +=
            nlohmann::json(*text).dump();  // TOML texts are valid UTF-8, so dump() does not throw
    } else if (const auto* boolean = n.as<bool>()) {
        out += *boolean ? "true" : "false";
    } else if (const auto* number = n.as<std::int64_t>()) {
        out += std::to_string(*number);
    } else if (const auto* real = n.as<double>()) {
        if (!std::isfinite(*real)) {
            return refuse(n, whole, "an infinity or NaN");
        }
        out += nlohmann::json(*real).dump();
    } else {
        return refuse(n, whole, "a date or time");
    }
    return true;
}

}  // namespace

std::optional<std::string> json_text_of(const field& value) {
    std::string out;
    if (!append(value.value(), value, out)) {
        return std::nullopt;
    }
    return out;
}

}  // namespace meta_model::config
