#include "upstream/test_schema.hpp"

#include "base/text.hpp"
#include "upstream/test_voices.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace meta_model::upstream {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t max_schema_bytes = 256u << 10;
constexpr int max_depth = 24;
constexpr int max_values = 500;
constexpr std::size_t max_items = 16;
constexpr std::size_t max_text_bytes = 4096;
constexpr double max_integer = 9e15;

struct word_for {
    std::string_view key;
    std::string_view value;
};

constexpr std::array formats{
    word_for{"date-time", "2025-01-15T12:00:00Z"},
    word_for{"date", "2025-01-15"},
    word_for{"time", "12:00:00Z"},
    word_for{"duration", "PT1H"},
    word_for{"email", "ada@example.com"},
    word_for{"uri", "https://example.com/"},
    word_for{"url", "https://example.com/"},
    word_for{"uuid", "5b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4d"},
    word_for{"ipv4", "192.0.2.1"},
    word_for{"ipv6", "2001:db8::1"},
    word_for{"hostname", "example.com"},
};

// Parts of member names and a value that looks right there. The first that fits wins.
constexpr std::array usual_values{
    word_for{"city", "Lisbon"},
    word_for{"location", "Lisbon"},
    word_for{"country", "Portugal"},
    word_for{"language", "en"},
    word_for{"currency", "EUR"},
    word_for{"email", "ada@example.com"},
    word_for{"url", "https://example.com/"},
    word_for{"date", "2025-01-15"},
    word_for{"time", "12:00"},
    word_for{"path", "README.md"},
    word_for{"file", "README.md"},
};

constexpr std::array<std::string_view, 8> text_members{
    "query",
    "question",
    "prompt",
    "text",
    "message",
    "input",
    "search",
    "content",
};

std::size_t code_points(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

// Both schemas in one: members of `more` win, lists of required names and tables of properties are joined.
json merged(const json& schema, const json& more) {
    json result = schema;
    for (const auto& [key, value] : more.items()) {
        auto& place = result[key];
        if (key == "properties" && place.is_object() && value.is_object()) {
            place.update(value);
        } else if (key == "required" && place.is_array() && value.is_array()) {
            place.insert(place.end(), value.begin(), value.end());
        } else {
            place = value;
        }
    }
    return result;
}

class instance_maker {
public:
    instance_maker(const json& root, const schema_hints& hints)
        : root_(root), hints_(hints), choose_(hints.seed) {}

    json make(const json& schema, int depth, std::string_view name) {
        if (!schema.is_object() || depth > max_depth || ++values_ > max_values) {
            return schema.is_boolean() && schema.get<bool>() ? json("simulated") : json();
        }
        if (const auto found = schema.find("const"); found != schema.end()) {
            return *found;
        }
        const auto choices = schema.find("enum");
        if (choices != schema.end() && choices->is_array() && !choices->empty()) {
            return (*choices)[choose_.below(choices->size())];
        }
        if (schema.contains("$ref")) {
            return make(referred(schema["$ref"]), depth + 1, name);
        }
        for (const auto* key : {"allOf", "anyOf", "oneOf"}) {
            if (const auto parts = schema.find(key); parts != schema.end() && parts->is_array()) {
                return make(without_alternatives(schema, key, *parts), depth + 1, name);
            }
        }
        return of_type(schema, depth, name);
    }

private:
    json referred(const json& reference) const {
        const auto text = reference.is_string() ? reference.get<std::string>() : "";
        if (text == "#") {
            return root_;
        }
        if (!text.starts_with("#/")) {
            return json::object();
        }
        const json::json_pointer place(text.substr(1));
        return root_.contains(place) ? root_.at(place) : json::object();
    }

    json without_alternatives(const json& schema, const std::string& key, const json& parts) const {
        json result = schema;
        result.erase(key);
        const bool takes_all = key == "allOf";
        for (const auto& part : parts) {
            const auto& target =
                part.is_object() && part.contains("$ref") ? referred(part["$ref"]) : part;
            if (!target.is_object() || (!takes_all && target.value("type", json()) == "null")) {
                continue;
            }
            result = merged(result, target);
            if (!takes_all) {
                break;
            }
        }
        return result;
    }

    static std::string type_of(const json& schema) {
        const auto type = schema.value("type", json());
        if (type.is_string()) {
            return type;
        }
        if (type.is_array()) {
            for (const auto& one : type) {
                if (one.is_string() && one != "null") {
                    return one;
                }
            }
            return "null";
        }
        if (schema.contains("properties") || schema.contains("required")) {
            return "object";
        }
        if (schema.contains("items") || schema.contains("prefixItems")) {
            return "array";
        }
        return schema.contains("minimum") || schema.contains("maximum") ? "number" : "string";
    }

    json of_type(const json& schema, int depth, std::string_view name) {
        const auto type = type_of(schema);
        if (type == "object") {
            return object(schema, depth);
        }
        if (type == "array") {
            return array(schema, depth, name);
        }
        if (type == "integer" || type == "number") {
            return number(schema, type == "integer");
        }
        if (type == "boolean") {
            return choose_.below(2) == 0;
        }
        return type == "null" ? json() : json(text(schema, name));
    }

    json object(const json& schema, int depth) {
        constexpr std::size_t unasked_members = 3;
        const auto properties = schema.value("properties", json::object());
        const auto required = schema.value("required", json::array());
        json result = json::object();
        for (const auto& name : required) {
            if (name.is_string()) {
                const auto key = name.get<std::string>();
                const auto member =
                    properties.is_object() ? properties.find(key) : properties.end();
                const auto fallback = schema.value("additionalProperties", json(true));
                result[key] = make(member != properties.end() ? *member : fallback, depth + 1, key);
            }
        }
        if (!required.empty() || !properties.is_object() || depth > max_depth / 2) {
            return result;
        }
        for (const auto& [key, member] : properties.items()) {
            if (result.size() < unasked_members) {
                result[key] = make(member, depth + 1, key);
            }
        }
        return result;
    }

    json array(const json& schema, int depth, std::string_view name) {
        const auto prefix = schema.value("prefixItems", json::array());
        const auto items = schema.value("items", json(true));
        const auto least = std::max(limit(schema, "minItems", 1), prefix.size());
        const auto count = std::min({least, limit(schema, "maxItems", max_items), max_items});
        json result = json::array();
        const bool is_set = schema.value("uniqueItems", json()) == json(true);
        for (std::size_t i = 0; i < count; ++i) {
            item_ = i;
            const auto& shape = i < prefix.size() ? prefix[i] : items;
            auto item = make(shape, depth + 1, name);
            // Choices are drawn again; values_ ends it where there are too few to draw from.
            while (is_set && has(result, item) && values_ < max_values) {
                item = make(shape, depth + 1, name);
            }
            result.push_back(std::move(item));
        }
        item_ = 0;
        return result;
    }

    static bool has(const json& list, const json& item) {
        return std::find(list.begin(), list.end(), item) != list.end();
    }

    json number(const json& schema, bool is_integer) {
        const auto bound = [&schema](const char* key, double fallback) {
            const auto found = schema.find(key);
            const bool is_usable = found != schema.end() && found->is_number();
            return is_usable ? std::clamp(found->get<double>(), -max_integer, max_integer)
                             : fallback;
        };
        const double step = std::max(bound("multipleOf", 0.0), is_integer ? 1.0 : 0.0);
        const double above = bound("exclusiveMinimum", -max_integer);
        const double below = bound("exclusiveMaximum", max_integer);
        double low = std::max(bound("minimum", -max_integer), above);
        double high = std::min(bound("maximum", max_integer), below);
        if (low == -max_integer) {
            low = std::min(1.0, high - (high <= 1.0 ? 9.0 : 0.0));
        }
        high = std::min(high, low + 9.0 * std::max(step, 1.0));

        double value = low + (high - low) * static_cast<double>(choose_.below(9)) / 9.0;
        if (step > 0.0) {
            value = std::ceil(value / step) * step;
            value = value > high || value >= below ? std::floor(high / step) * step : value;
            value = value >= below ? value - step : value;
            value = value <= above ? value + step : value;
        } else if (value <= above) {
            value = low + (high - low) / 2.0;
        }
        return is_integer && std::floor(value) == value ? json(static_cast<std::int64_t>(value))
                                                        : json(value);
    }

    std::string text(const json& schema, std::string_view name) const {
        std::string result(word_of(schema, name));
        if (item_ > 0) {
            result.append(1, ' ').append(std::to_string(item_ + 1));
        }
        const auto least = std::min(limit(schema, "minLength", 0), max_text_bytes);
        for (auto length = code_points(result); length < least; ++length) {
            result.push_back('x');
        }
        const auto most = limit(schema, "maxLength", max_text_bytes);
        // The bytes behind the last character's first are no characters, so this ends between two characters.
        while (code_points(result) > most) {
            result.pop_back();
        }
        return result;
    }

    std::string word_of(const json& schema, std::string_view name) const {
        const auto format = schema.value("format", json());
        for (const auto& [key, value] : formats) {
            if (format.is_string() && format == std::string(key)) {
                return std::string(value);
            }
        }
        const auto lower = base::ascii_lower(name);
        for (const auto& [key, value] : usual_values) {
            if (lower.find(key) != std::string::npos) {
                return std::string(value);
            }
        }
        const bool wants_text =
            std::any_of(text_members.begin(), text_members.end(), [&](auto word) {
                return lower.find(word) != std::string::npos || lower == "q";
            });
        constexpr std::size_t text_bytes = 60;
        const auto excerpt = wants_text ? quoted_part(hints_.text, text_bytes) : std::string();
        return excerpt.empty() ? "simulated" : excerpt;
    }

    static std::size_t limit(const json& schema, const char* key, std::size_t fallback) {
        const auto found = schema.find(key);
        const bool is_usable = found != schema.end() && found->is_number_unsigned();
        return is_usable ? found->get<std::size_t>() : fallback;
    }

    const json& root_;
    const schema_hints& hints_;
    seeded_choice choose_;
    int values_ = 0;
    std::size_t item_ = 0;  // in the list that is being made
};

}  // namespace

std::string schema_instance(std::string_view schema, const schema_hints& hints) {
    if (schema.size() > max_schema_bytes) {
        return "{}";
    }
    // The library throws on a reference that is no pointer; such a schema has no instance we could know.
    try {
        const auto root = json::parse(schema, nullptr, false);
        if (!root.is_object()) {
            return "{}";
        }
        return instance_maker(root, hints)
            .make(root, 0, {})
            .dump(-1, ' ', false, json::error_handler_t::replace);
    } catch (const json::exception&) {
        return "{}";
    }
}

}  // namespace meta_model::upstream
