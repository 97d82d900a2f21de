#include "api/chat_check.hpp"

#include "api/json_walk.hpp"
#include "base/text.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace meta_model::api {

namespace {

constexpr unsigned nullable = type_bit(json_type::null);
constexpr unsigned text = type_bit(json_type::string);
constexpr unsigned list = type_bit(json_type::array);
constexpr unsigned object = type_bit(json_type::object);
constexpr unsigned number = type_bit(json_type::number);
constexpr unsigned boolean = type_bit(json_type::boolean);

// Where a value stands, as a chain that is written out for an error only.
struct place {
    static constexpr auto no_index = static_cast<std::size_t>(-1);

    const place* parent = nullptr;
    std::string_view key{};
    std::size_t index = no_index;

    place operator[](std::size_t i) const { return {.parent = this, .key = {}, .index = i}; }
    place operator/(std::string_view name) const { return {.parent = this, .key = name}; }

    std::string path() const {
        auto out = parent != nullptr ? parent->path() : std::string();
        if (index != no_index) {
            return out.append("[").append(std::to_string(index)).append("]");
        }
        out += out.empty() ? "" : ".";
        return out += base::clip(key, 64);
    }
};

// What the elements of a list are.
enum class element : std::uint8_t { any, object, part, call };

struct rule_list;

struct member_rule {
    field_rule field;
    const rule_list* members = nullptr;  // of a value that is an object
    element elements = element::any;     // of one that is a list
};

struct rule_list {
    std::span<const member_rule> rules;
};

constexpr field_rule field(std::string_view name, unsigned types, std::string_view expected) {
    return {name, types, range_rule::none, expected};
}

constexpr field_rule required(std::string_view name, unsigned types, std::string_view expected) {
    return {name, types, range_rule::none, expected, true};
}

constexpr field_rule filled(
    std::string_view name, unsigned types = text, std::string_view expected = "a non-empty string"
) {
    return {name, types, range_rule::not_empty, expected, true};
}

constexpr member_rule optional_text(std::string_view name) {
    return {field(name, text | nullable, "a string")};
}

constexpr member_rule cache_rule{field("cache_control", object | nullable, "an object")};

// Tools, calls and choices: what `function` or `custom` of them holds.
constexpr std::array function_rules{
    member_rule{filled("name")},
    optional_text("description"),
    member_rule{field("parameters", object | nullable, "an object")},
    member_rule{field("strict", boolean | nullable, "a boolean")},
};
constexpr std::array custom_rules{
    member_rule{filled("name")},
    optional_text("description"),
    member_rule{field("format", object | nullable, "an object")},
};
constexpr std::array function_call_rules{
    member_rule{filled("name")},
    member_rule{field("arguments", text | object | nullable, "a string or an object")},
};
constexpr std::array custom_call_rules{member_rule{filled("name")}, optional_text("input")};
constexpr std::array named_rules{member_rule{filled("name")}};
constexpr std::array allowed_rules{
    optional_text("mode"),
    member_rule{field("tools", list | nullable, "a list of objects"), nullptr, element::object},
};
constexpr rule_list function_members{function_rules};
constexpr rule_list custom_members{custom_rules};
constexpr rule_list function_call_members{function_call_rules};
constexpr rule_list custom_call_members{custom_call_rules};
constexpr rule_list named_members{named_rules};
constexpr rule_list allowed_members{allowed_rules};

// What they have beside it.
constexpr std::array tool_rules{optional_text("type"), cache_rule};
constexpr std::array call_rules{optional_text("id"), optional_text("type")};
constexpr std::array choice_rules{member_rule{required("type", text, "a string")}};
constexpr std::array allowed_choice_rules{
    member_rule{required("allowed_tools", object, "an object"), &allowed_members}
};

constexpr std::array message_rules{
    member_rule{
        field("content", text | list | nullable, "a string, a list or null"), nullptr, element::part
    },
    optional_text("name"),
    optional_text("tool_call_id"),
    optional_text("refusal"),
    member_rule{field("tool_calls", list | nullable, "a list or null"), nullptr, element::call},
    member_rule{field("function_call", object | nullable, "an object"), &function_call_members},
    member_rule{field("audio", object | nullable, "an object")},
    member_rule{field("thinking_blocks", list | nullable, "a list"), nullptr, element::object},
    cache_rule,
};

// Parts of content, by their type.
constexpr std::array image_rules{member_rule{filled("url")}, optional_text("detail")};
constexpr std::array audio_rules{
    optional_text("data"), optional_text("url"), optional_text("format")
};
constexpr std::array file_rules{
    optional_text("file_data"), optional_text("file_id"), optional_text("filename")
};
constexpr rule_list image_members{image_rules};
constexpr rule_list audio_members{audio_rules};
constexpr rule_list file_members{file_rules};

constexpr std::string_view with_url = "an object with a 'url'";
constexpr std::array text_part{member_rule{required("text", text, "a string")}, cache_rule};
constexpr std::array refusal_part{member_rule{required("refusal", text, "a string")}, cache_rule};
constexpr std::array image_part{
    member_rule{filled("image_url", text | object, with_url), &image_members}, cache_rule
};
constexpr std::array video_part{
    member_rule{filled("video_url", text | object, with_url), &image_members}, cache_rule
};
constexpr std::array audio_part{
    member_rule{required("input_audio", object, "an object"), &audio_members}, cache_rule
};
constexpr std::array file_part{
    member_rule{required("file", object, "an object"), &file_members}, cache_rule
};
constexpr std::array other_part{cache_rule};

struct part_row {
    std::string_view type;
    std::span<const member_rule> rules;
};

constexpr std::array parts{
    part_row{"text", text_part},
    part_row{"image_url", image_part},
    part_row{"input_audio", audio_part},
    part_row{"file", file_part},
    part_row{"refusal", refusal_part},
    part_row{"video_url", video_part},
};

constexpr std::array schema_rules{
    optional_text("name"),
    optional_text("description"),
    member_rule{field("schema", object | nullable, "an object")},
    member_rule{field("strict", boolean | nullable, "a boolean")},
};
constexpr rule_list schema_members{schema_rules};
constexpr std::array format_rules{
    member_rule{required("type", text, "a string")},
    member_rule{field("json_schema", object | nullable, "an object"), &schema_members},
};
constexpr std::array schema_format_rules{
    member_rule{required("json_schema", object, "an object"), &schema_members},
};

// Members at the top that are carried untouched to chat servers, some of which take other types.
constexpr std::array top_rules{
    field("logprobs", boolean | nullable, "a boolean"),
    field("reasoning_effort", text | nullable, "a string"),
    field("seed", number | nullable, "a number"),
    field("logit_bias", object | nullable, "an object"),
    field("user", text | nullable, "a string"),
};

constexpr field_rule bias_rule = field("", number, "a number");

class checker {
public:
    base::maybe_error take_fault() { return std::move(fault_); }

    // The first fault stays. `raw` is JSON, of the type that its name asks for; `expect` tells whether it is as it should be.
    void members(std::string_view raw, const place& at, std::span<const member_rule> rules);
    void each_member(std::string_view raw, const place& at, const field_rule& rule);
    void elements(std::string_view raw, const place& at, element kind);
    void tool(std::string_view raw, const place& at) {
        members(raw, at, tool_rules);
        by_type(raw, at, function_members, custom_members);
    }
    void choice(std::string_view raw, const place& at);
    void format(std::string_view raw, const place& at);

    bool expect(std::string_view raw, const place& at, const field_rule& rule);

private:
    void fail(const place& at, std::string_view expected);
    void part(std::string_view raw, const place& at);
    void by_type(
        std::string_view raw, const place& at, const rule_list& function, const rule_list& custom
    );

    base::maybe_error fault_{};
};

void checker::fail(const place& at, std::string_view expected) {
    if (!fault_) {
        auto path = at.path();
        auto message = "'" + path + "' must be " + std::string(expected) + ".";
        fault_ = base::make_error(base::error_code_id::shape, std::move(message), std::move(path));
    }
}

bool checker::expect(std::string_view raw, const place& at, const field_rule& rule) {
    const auto type = json_cursor(raw).peek();
    const bool is_right = (rule.types & type_bit(type)) != 0
                          && (type == json_type::null || is_in_range(rule.range, raw));
    if (!is_right) {
        fail(at, rule.expected);
    }
    return is_right;
}

void checker::members(std::string_view raw, const place& at, std::span<const member_rule> rules) {
    unsigned seen = 0;
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        for (std::size_t i = 0; i < rules.size() && !fault_; ++i) {
            const auto& rule = rules[i];
            if (rule.field.name != key) {
                continue;
            }
            seen |= 1u << i;
            const auto here = at / key;
            if (expect(value, here, rule.field) && is_json_list(value)) {
                elements(value, here, rule.elements);
            } else if (!fault_ && is_json_object(value) && rule.members != nullptr) {
                members(value, here, rule.members->rules);
            }
        }
    });
    for (std::size_t i = 0; i < rules.size() && !fault_; ++i) {
        if (rules[i].field.is_required && (seen & (1u << i)) == 0) {
            fail(at / rules[i].field.name, "given");
        }
    }
}

void checker::each_member(std::string_view raw, const place& at, const field_rule& rule) {
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        expect(value, at / key, rule);
    });
}

void checker::elements(std::string_view raw, const place& at, element kind) {
    std::size_t i = 0;
    walk_list(raw, [&](std::string_view value) {
        const auto here = at[i++];
        if (fault_ || kind == element::any) {
            return;
        }
        if (!is_json_object(value)) {
            fail(here, "an object");
        } else if (kind == element::part) {
            part(value, here);
        } else if (kind == element::call) {
            members(value, here, call_rules);
            by_type(value, here, function_call_members, custom_call_members);
        }
    });
}

void checker::part(std::string_view raw, const place& at) {
    const auto type = find_member(raw, "type");
    if (!is_json_string(type)) {
        fail(at / "type", type.empty() ? "given" : "a string");
        return;
    }
    std::span<const member_rule> rules = other_part;
    for (const auto& row : parts) {
        rules = is_string(type, row.type) ? row.rules : rules;
    }
    members(raw, at, rules);
}

// Without a type it is a function.
void checker::by_type(
    std::string_view raw, const place& at, const rule_list& function, const rule_list& custom
) {
    const auto type = find_member(raw, "type");
    const bool is_custom = is_string(type, "custom");
    if (is_custom || !is_given(type) || is_string(type, "function")) {
        const std::array inner{member_rule{
            required(is_custom ? "custom" : "function", object, "an object"),
            is_custom ? &custom : &function
        }};
        members(raw, at, inner);
    }
}

void checker::choice(std::string_view raw, const place& at) {
    if (is_json_string(raw)) {
        if (!is_string(raw, "none") && !is_string(raw, "auto") && !is_string(raw, "required")) {
            fail(at, R"("none", "auto", "required" or an object)");
        }
        return;
    }
    const auto type = find_member(raw, "type");
    members(raw, at, choice_rules);
    if (is_string(type, "allowed_tools")) {
        members(raw, at, allowed_choice_rules);
    } else if (!is_string(type, "function") && !is_string(type, "custom")) {
        fail(at / "type", R"("function", "custom" or "allowed_tools")");
    } else {
        by_type(raw, at, named_members, named_members);
    }
}

void checker::format(std::string_view raw, const place& at) {
    members(raw, at, format_rules);
    // Some servers take the schema itself beside the type.
    if (is_string(find_member(raw, "type"), "json_schema") && find_member(raw, "schema").empty()) {
        members(raw, at, schema_format_rules);
    }
}

// Calls take(element, place) for each element of a list at the top.
template <class F>
void for_each_of(const chat_request& request, std::string_view name, F&& take) {
    const auto* const member = request.find(name);
    if (member == nullptr) {
        return;
    }
    const place top{.key = name};
    std::size_t i = 0;
    walk_list(member->value, [&](std::string_view raw) { take(raw, top[i++]); });
}

bool is_foreign(std::string_view raw) {
    const auto type = find_member(raw, "type");
    return is_given(type) && !is_string(type, "function");
}

}  // namespace

base::maybe_error judge_chat_members(const chat_request& request) {
    checker check;
    for_each_of(request, "messages", [&](std::string_view raw, const place& at) {
        check.members(raw, at, message_rules);
    });
    for_each_of(request, "tools", [&](std::string_view raw, const place& at) {
        check.tool(raw, at);
    });
    for_each_of(request, "functions", [&](std::string_view raw, const place& at) {
        check.members(raw, at, function_rules);
    });
    const auto take = [&](std::string_view name, auto judge) {
        if (const auto* const member = request.find(name)) {
            judge(member->value, place{.key = name});
        }
    };
    for (const auto& rule : top_rules) {
        take(rule.name, [&](auto raw, const place& at) { check.expect(raw, at, rule); });
    }
    take("tool_choice", [&](auto raw, const place& at) { check.choice(raw, at); });
    take("response_format", [&](auto raw, const place& at) { check.format(raw, at); });
    take("logit_bias", [&](auto raw, const place& at) { check.each_member(raw, at, bias_rule); });
    return check.take_fault();
}

std::optional<foreign_tool> find_foreign_tool(const chat_request& request) {
    std::optional<foreign_tool> found;
    const auto take = [&](std::string_view member, std::string_view raw, const place& at) {
        if (!found && is_foreign(raw)) {
            found = {.member = member, .place = at.path()};
        }
    };
    for_each_of(request, "tools", [&](std::string_view raw, const place& at) {
        take("tools", raw, at);
    });
    for_each_of(request, "messages", [&](std::string_view raw, const place& at) {
        const auto calls = at / "tool_calls";
        std::size_t i = 0;
        walk_list(find_member(raw, "tool_calls"), [&](std::string_view call) {
            take("messages", call, calls[i++]);
        });
    });
    const auto* const choice = request.find("tool_choice");
    if (choice != nullptr && is_string(find_member(choice->value, "type"), "custom")) {
        take("tool_choice", choice->value, place{.key = "tool_choice"});
    }
    return found;
}

}  // namespace meta_model::api
