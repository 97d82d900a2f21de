#include "api/json_schema.hpp"

#include "api/json_cursor.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <re2/re2.h>
#include <vector>

namespace meta_model::api {

namespace {

using nlohmann::json;

constexpr std::size_t max_text_bytes = 256u << 10;
constexpr int max_depth = 128;
constexpr int max_steps = 20'000;
constexpr std::int64_t max_pattern_memory = 64 << 10;
constexpr std::size_t max_pattern_bytes = 1024;
constexpr int pattern_steps = 200;  // what compiling one costs

// What cannot be decided ends the check at once.
struct undecided : std::exception {};

// The text as a document whose depth is bounded; nothing when it is no JSON.
std::optional<json> parse(std::string_view text) {
    if (text.size() > max_text_bytes) {
        throw undecided();
    }
    json_cursor in(text, max_depth);
    std::string_view all;
    if (!in.skip(all) || !in.at_end()) {
        return std::nullopt;
    }
    auto out = json::parse(text, nullptr, false);
    return out.is_discarded() ? std::nullopt : std::optional<json>(std::move(out));
}

bool has_type(const json& value, const std::string& type) {
    if (type == "integer") {
        return value.is_number_integer()
               || (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>()
               );
    }
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array())
           || (type == "string" && value.is_string()) || (type == "number" && value.is_number())
           || (type == "boolean" && value.is_boolean()) || (type == "null" && value.is_null());
}

// Code points, as the standard counts a string's length.
std::size_t length_of(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

class checker {
public:
    explicit checker(const json& root) : root_(root) {}

    bool check(const json& schema, const json& value, const std::string& at);

    // Of the keyword that failed first, outside of alternatives.
    const std::string& problem() const { return problem_; }

private:
    // `limit`: the keyword's own value. `schema`: all of the object that it stands in.
    using keyword = bool (checker::*)(
        const json& limit, const json& schema, const json& value, const std::string& at
    );
    struct row {
        std::string_view name;
        keyword check;
    };

    bool type(const json& limit, const json&, const json& value, const std::string&);
    bool any_of_values(const json& limit, const json&, const json& value, const std::string&);
    bool constant(const json& limit, const json&, const json& value, const std::string&);
    template <class Compare>
    bool number(const json& limit, const json&, const json& value, const std::string&);
    bool multiple(const json& limit, const json&, const json& value, const std::string&);
    template <class Compare>
    bool length(const json& limit, const json&, const json& value, const std::string&);
    template <class Compare>
    bool item_count(const json& limit, const json&, const json& value, const std::string&);
    template <class Compare>
    bool member_count(const json& limit, const json&, const json& value, const std::string&);
    bool pattern(const json& limit, const json&, const json& value, const std::string&);
    bool properties(const json& limit, const json&, const json& value, const std::string& at);
    bool required(const json& limit, const json&, const json& value, const std::string&);
    bool additional(
        const json& limit, const json& schema, const json& value, const std::string& at
    );
    bool items(const json& limit, const json& schema, const json& value, const std::string& at);
    bool prefix_items(const json& limit, const json&, const json& value, const std::string& at);
    bool unique(const json& limit, const json&, const json& value, const std::string&);
    bool all_of(const json& limit, const json&, const json& value, const std::string& at);
    bool any_of(const json& limit, const json&, const json& value, const std::string& at);
    bool one_of(const json& limit, const json&, const json& value, const std::string& at);
    bool none_of(const json& limit, const json&, const json& value, const std::string& at);
    bool reference(const json& limit, const json&, const json& value, const std::string& at);

    static const std::array<row, 26> rows;

    void step(int cost = 1);
    void step_over(std::size_t bytes);
    int count_matches(const json& schemas, const json& value, const std::string& at);

    const json& root_;
    std::string problem_;
    int steps_ = 0;
    int depth_ = 0;
    int alternatives_ =
        0;  // schemas of which another may hold: what fails in them is no problem yet
};

// What is done byte by byte.
void checker::step_over(std::size_t bytes) {
    constexpr std::size_t bytes_a_step = 64;
    step(1 + static_cast<int>(std::min<std::size_t>(bytes / bytes_a_step, max_steps)));
}

void checker::step(int cost) {
    steps_ += cost;
    if (steps_ > max_steps || depth_ > max_depth) {
        throw undecided();
    }
}

bool checker::check(const json& schema, const json& value, const std::string& at) {
    step();
    if (schema.is_boolean()) {
        return schema.get<bool>();
    }
    if (!schema.is_object()) {
        throw undecided();
    }
    ++depth_;
    bool holds = true;
    for (const auto& [name, limit] : schema.items()) {
        step();
        const auto known = std::ranges::find(rows, name, &row::name);
        if (known == rows.end() || (this->*known->check)(limit, schema, value, at)) {
            continue;
        }
        holds = false;
        if (alternatives_ == 0 && problem_.empty()) {
            problem_ = at + ": " + name;
        }
        break;
    }
    --depth_;
    return holds;
}

bool checker::type(const json& limit, const json&, const json& value, const std::string&) {
    if (limit.is_string()) {
        return has_type(value, limit.get_ref<const std::string&>());
    }
    return std::ranges::any_of(limit, [&](const json& each) {
        return each.is_string() && has_type(value, each.get_ref<const std::string&>());
    });
}

bool checker::any_of_values(const json& limit, const json&, const json& value, const std::string&) {
    step(static_cast<int>(std::min<std::size_t>(limit.size(), max_steps)));
    return std::ranges::find(limit, value) != limit.end();
}

bool checker::constant(const json& limit, const json&, const json& value, const std::string&) {
    step(static_cast<int>(std::min<std::size_t>(limit.size(), max_steps)));
    return limit == value;
}

template <class Compare>
bool checker::number(const json& limit, const json&, const json& value, const std::string&) {
    return !value.is_number() || !limit.is_number() || Compare()(value, limit);
}

bool checker::multiple(const json& limit, const json&, const json& value, const std::string&) {
    if (!value.is_number() || !limit.is_number() || limit.get<double>() <= 0) {
        return true;
    }
    // Beyond 64 bits with a sign, and for a limit that would be negative there, the quotient has to do.
    const auto whole = limit.is_number_integer() ? limit.get<std::int64_t>() : 0;
    const bool is_small = !value.is_number_unsigned() || value.get<std::uint64_t>() >> 63 == 0;
    if (value.is_number_integer() && is_small && whole > 0) {
        return value.get<std::int64_t>() % whole == 0;
    }
    const auto times = value.get<double>() / limit.get<double>();
    return std::abs(times - std::round(times)) <= 1e-9 * std::max(1.0, std::abs(times));
}

template <class Compare>
bool checker::length(const json& limit, const json&, const json& value, const std::string&) {
    if (!value.is_string() || !limit.is_number()) {
        return true;
    }
    const auto& text = value.get_ref<const std::string&>();
    step_over(text.size());
    return Compare()(json(length_of(text)), limit);
}

template <class Compare>
bool checker::item_count(const json& limit, const json&, const json& value, const std::string&) {
    return !value.is_array() || !limit.is_number() || Compare()(json(value.size()), limit);
}

template <class Compare>
bool checker::member_count(const json& limit, const json&, const json& value, const std::string&) {
    return !value.is_object() || !limit.is_number() || Compare()(json(value.size()), limit);
}

bool checker::pattern(const json& limit, const json&, const json& value, const std::string&) {
    if (!value.is_string() || !limit.is_string()) {
        return true;
    }
    step(pattern_steps);
    // Without room for its automaton the search takes much longer than one look at each byte.
    step_over(4 * value.get_ref<const std::string&>().size());
    if (limit.get_ref<const std::string&>().size() > max_pattern_bytes) {
        throw undecided();
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(max_pattern_memory);
    const re2::RE2 compiled(limit.get_ref<const std::string&>(), options);
    return !compiled.ok() || re2::RE2::PartialMatch(value.get_ref<const std::string&>(), compiled);
}

bool checker::properties(const json& limit, const json&, const json& value, const std::string& at) {
    if (!value.is_object() || !limit.is_object()) {
        return true;
    }
    return std::ranges::all_of(limit.items(), [&](const auto& each) {
        const auto member = value.find(each.key());
        step();
        return member == value.end() || check(each.value(), *member, at + '/' + each.key());
    });
}

bool checker::required(const json& limit, const json&, const json& value, const std::string&) {
    step(static_cast<int>(std::min<std::size_t>(limit.size(), max_steps)));
    return !value.is_object() || !limit.is_array()
           || std::ranges::all_of(limit, [&](const json& name) {
                  return !name.is_string() || value.contains(name.get_ref<const std::string&>());
              });
}

bool checker::additional(
    const json& limit, const json& schema, const json& value, const std::string& at
) {
    if (!value.is_object() || schema.contains("patternProperties")) {
        return true;
    }
    const auto known = schema.find("properties");
    return std::ranges::all_of(value.items(), [&](const auto& each) {
        step();
        const bool is_known = known != schema.end() && known->contains(each.key());
        return is_known || check(limit, each.value(), at + "/*");
    });
}

bool checker::items(
    const json& limit, const json& schema, const json& value, const std::string& at
) {
    if (!value.is_array()) {
        return true;
    }
    const auto prefix = schema.find("prefixItems");
    const auto first = prefix == schema.end() ? 0 : prefix->size();
    for (auto i = first; i < value.size(); ++i) {
        if (!check(limit, value[i], at + '/' + std::to_string(i))) {
            return false;
        }
    }
    return true;
}

bool checker::prefix_items(
    const json& limit, const json&, const json& value, const std::string& at
) {
    if (!value.is_array() || !limit.is_array()) {
        return true;
    }
    for (std::size_t i = 0; i < std::min(limit.size(), value.size()); ++i) {
        if (!check(limit[i], value[i], at + '/' + std::to_string(i))) {
            return false;
        }
    }
    return true;
}

bool checker::unique(const json& limit, const json&, const json& value, const std::string&) {
    if (limit != true || !value.is_array()) {
        return true;
    }
    std::vector<const json*> sorted;
    for (const auto& each : value) {
        step(20);
        sorted.push_back(&each);
    }
    std::ranges::sort(sorted, [](const json* a, const json* b) { return *a < *b; });
    return std::ranges::adjacent_find(sorted, [](const json* a, const json* b) { return *a == *b; })
           == sorted.end();
}

bool checker::all_of(const json& limit, const json&, const json& value, const std::string& at) {
    return std::ranges::all_of(limit, [&](const json& each) { return check(each, value, at); });
}

int checker::count_matches(const json& schemas, const json& value, const std::string& at) {
    ++alternatives_;
    const auto count =
        std::ranges::count_if(schemas, [&](const json& each) { return check(each, value, at); });
    --alternatives_;
    return static_cast<int>(count);
}

bool checker::any_of(const json& limit, const json&, const json& value, const std::string& at) {
    return count_matches(limit, value, at) > 0;
}

bool checker::one_of(const json& limit, const json&, const json& value, const std::string& at) {
    return count_matches(limit, value, at) == 1;
}

bool checker::none_of(const json& limit, const json&, const json& value, const std::string& at) {
    return count_matches(json::array({limit}), value, at) == 0;
}

// Only what is in the schema itself: nothing is ever fetched.
bool checker::reference(const json& limit, const json&, const json& value, const std::string& at) {
    if (!limit.is_string() || !limit.get_ref<const std::string&>().starts_with('#')) {
        throw undecided();
    }
    const json::json_pointer place(limit.get_ref<const std::string&>().substr(1));
    if (!root_.contains(place)) {
        throw undecided();
    }
    return check(root_.at(place), value, at);
}

const std::array<checker::row, 26> checker::rows{{
    {"type", &checker::type},
    {"enum", &checker::any_of_values},
    {"const", &checker::constant},
    {"minimum", &checker::number<std::greater_equal<>>},
    {"maximum", &checker::number<std::less_equal<>>},
    {"exclusiveMinimum", &checker::number<std::greater<>>},
    {"exclusiveMaximum", &checker::number<std::less<>>},
    {"multipleOf", &checker::multiple},
    {"minLength", &checker::length<std::greater_equal<>>},
    {"maxLength", &checker::length<std::less_equal<>>},
    {"minItems", &checker::item_count<std::greater_equal<>>},
    {"maxItems", &checker::item_count<std::less_equal<>>},
    {"minProperties", &checker::member_count<std::greater_equal<>>},
    {"maxProperties", &checker::member_count<std::less_equal<>>},
    {"pattern", &checker::pattern},
    {"properties", &checker::properties},
    {"required", &checker::required},
    {"additionalProperties", &checker::additional},
    {"items", &checker::items},
    {"prefixItems", &checker::prefix_items},
    {"uniqueItems", &checker::unique},
    {"allOf", &checker::all_of},
    {"anyOf", &checker::any_of},
    {"oneOf", &checker::one_of},
    {"not", &checker::none_of},
    {"$ref", &checker::reference},
}};

}  // namespace

struct json_schema::document {
    json rules;
};

schema_result json_schema::check(std::string_view instance) const {
    try {
        if (document_ == nullptr) {
            auto rules = parse(text_);
            if (!rules) {
                return {};
            }
            document_ = std::make_shared<const document>(document{std::move(*rules)});
        }
        const auto value = parse(instance);
        if (!value) {
            return {schema_verdict::invalid, "no JSON"};
        }
        const auto& rules = document_->rules;
        checker c(rules);
        if (c.check(rules, *value, "")) {
            return {schema_verdict::valid, ""};
        }
        return {schema_verdict::invalid, c.problem()};
    } catch (const std::exception&) {
        return {};  // too much work, or a schema that is none
    }
}

}  // namespace meta_model::api
