#include "api/responses_tools.hpp"

#include "api/json_walk.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

namespace meta_model::api {

namespace {

using base::error_code_id;

constexpr std::array<std::string_view, 3> modes{"auto", "none", "required"};

base::error bad(error_code_id id, const std::string& place, std::string_view what) {
    return base::make_error(
        id, "'" + place + "' " + std::string(what) + '.', place.substr(0, place.find_first_of("[."))
    );
}

std::string quoted(std::string_view raw) {
    return "'" + base::clip(string_body(raw), 64) + "'";
}

// A tool, or the choice of one: raw values.
struct tool_words {
    std::string_view type{};
    std::string_view name{};
    std::string_view nested{};  // `function` or `custom` of the chat's form

    bool is_custom() const { return is_string(type, "custom"); }
    bool is_known() const { return is_string(type, "function") || is_custom(); }
};

tool_words read_words(std::string_view raw) {
    tool_words out;
    std::string_view function;
    std::string_view custom;
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        if (key == "type") {
            out.type = value;
        } else if (key == "name") {
            out.name = value;
        } else if (key == "function") {
            function = value;
        } else if (key == "custom") {
            custom = value;
        }
    });
    const auto nested = out.is_custom() ? custom : function;
    if (is_json_object(nested)) {
        out.nested = nested;
        out.name = find_member(nested, "name");
    }
    return out;
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
    out += out.back() == '{' ? "" : ",";
    append_json_string(out, key);
    out += ':';
    out += value;
}

// {"type":"grammar","syntax","definition"} stands one level deeper in a chat.
void append_format(std::string& out, std::string_view format) {
    if (!is_string(find_member(format, "type"), "grammar")
        || !find_member(format, "grammar").empty()) {
        append_member(out, "format", format);
        return;
    }
    std::string grammar = "{";
    walk_object(format, [&](std::string_view key, std::string_view value) {
        if (key != "type") {
            append_member(grammar, key, value);
        }
    });
    append_member(out, "format", R"({"type":"grammar","grammar":)" + grammar + "}}");
}

void append_tool(std::string& out, std::string_view raw, const tool_words& words) {
    if (!words.nested.empty()) {
        out += raw;
        return;
    }
    constexpr std::array<std::string_view, 5> inner_names{
        "name", "description", "parameters", "strict", "format"
    };
    std::string inner = "{";
    std::string outer;
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        if (key == "type" || !is_given(value)) {
            return;
        }
        if (std::ranges::find(inner_names, key) == inner_names.end()) {
            outer += ',';
            append_json_string(outer, key);
            outer += ':';
            outer += value;
        } else if (key == "format" && words.is_custom() && is_json_object(value)) {
            append_format(inner, value);
        } else {
            append_member(inner, key, value);
        }
    });
    out +=
        words.is_custom() ? R"({"type":"custom","custom":)" : R"({"type":"function","function":)";
    out += inner;
    out += '}';
    out += outer;
    out += '}';
}

// Whether it is a custom one, and its name as text.
using tool_key = std::pair<bool, std::string>;

tool_key key_of(const tool_words& words) {
    tool_key out{words.is_custom(), {}};
    append_unescaped(out.second, string_body(words.name));
    return out;
}

struct choice_words {
    std::string_view mode{};  // raw; empty: a tool, or nothing
    tool_words tool{};        // with a type: this one is to be called
    bool is_restricted = false;
    std::map<tool_key, bool> allowed{};  // with whether `tools` has it
};

base::result<tool_words> read_named(std::string_view raw, const std::string& place) {
    auto words = read_words(raw);
    if (!is_json_string(words.type)) {
        return bad(error_code_id::invalid_tool_choice, place, "must have a 'type'");
    }
    if (!words.is_known()) {
        return bad(
            error_code_id::unsupported_tool_choice,
            place,
            "of the type " + quoted(words.type) + " is not supported on /v1/responses"
        );
    }
    if (string_body(words.name).empty()) {
        return bad(error_code_id::invalid_tool_choice, place + ".name", "must be a string");
    }
    return words;
}

bool is_mode(std::string_view raw) {
    return std::ranges::any_of(modes, [&](auto mode) { return is_string(raw, mode); });
}

base::result<void> read_allowed(std::string_view choice, choice_words& out) {
    const auto inner = find_member(choice, "allowed_tools");
    const auto holder = is_json_object(inner) ? inner : choice;
    const auto list = find_member(holder, "tools");
    out.mode = find_member(holder, "mode");
    out.is_restricted = true;
    if (!is_given(out.mode)) {
        out.mode = R"("auto")";
    }
    if (!is_mode(out.mode)) {
        return bad(
            error_code_id::invalid_tool_choice,
            "tool_choice.mode",
            "must be \"auto\" or \"required\""
        );
    }
    base::result<void> judged;
    std::size_t i = 0;
    const bool is_list = walk_list(list, [&](std::string_view raw) {
        const auto place = "tool_choice.tools[" + std::to_string(i++) + ']';
        auto named = read_named(raw, place);
        if (named) {
            out.allowed.emplace(key_of(*named), false);
        } else if (judged) {
            judged = named.error();
        }
    });
    if (!is_list) {
        return bad(error_code_id::invalid_tool_choice, "tool_choice.tools", "must be a list");
    }
    return judged;
}

base::result<choice_words> read_choice(std::string_view choice) {
    choice_words out;
    if (choice.empty()) {
        return out;
    }
    if (is_json_string(choice)) {
        if (!is_mode(choice)) {
            return bad(
                error_code_id::invalid_tool_choice,
                "tool_choice",
                "must be \"none\", \"auto\", \"required\" or an object"
            );
        }
        out.mode = choice;
        return out;
    }
    if (is_string(find_member(choice, "type"), "allowed_tools")) {
        if (auto read = read_allowed(choice, out); !read) {
            return read.error();
        }
        return out;
    }
    auto named = read_named(choice, "tool_choice");
    if (!named) {
        return named.error();
    }
    out.tool = *named;
    return out;
}

bool may_be_called(choice_words& choice, const tool_words& words) {
    if (!choice.is_restricted) {
        return true;
    }
    const auto found = choice.allowed.find(key_of(words));
    if (found == choice.allowed.end()) {
        return false;
    }
    found->second = true;
    return true;
}

bool has_all_allowed(const choice_words& choice) {
    return std::ranges::all_of(choice.allowed, [](const auto& entry) { return entry.second; });
}

// What servers would refuse in words of their own, or take for something else.
base::result<void> judge_members(
    std::string_view raw, const tool_words& words, const std::string& place
) {
    const bool is_flat = words.nested.empty();
    const auto inner = is_flat             ? place + '.'
                       : words.is_custom() ? place + ".custom."
                                           : place + ".function.";
    base::result<void> judged;
    walk_object(is_flat ? raw : words.nested, [&](std::string_view key, std::string_view value) {
        if (!judged || !is_given(value)) {
            return;
        }
        const char* expected = nullptr;
        if (key == "description" && !is_json_string(value)) {
            expected = "must be a string";
        } else if (key == "parameters" && !is_json_object(value)) {
            expected = "must be an object";
        } else if (key == "format" && words.is_custom() && !is_json_object(value)) {
            expected = "must be an object";
        } else if (key == "strict" && value != "true" && value != "false") {
            expected = "must be a boolean";
        }
        if (expected != nullptr) {
            judged = bad(error_code_id::invalid_tools, inner + std::string(key), expected);
        }
    });
    return judged;
}

base::result<void> append_list(
    std::string& out, std::string_view tools, choice_words& choice, bool& offers
) {
    base::result<void> judged;
    std::size_t i = 0;
    const auto begin = out.size();
    out += R"(,"tools":[)";
    walk_list(tools, [&](std::string_view raw) {
        const auto place = "tools[" + std::to_string(i++) + ']';
        auto words = read_words(raw);
        if (!is_given(words.type) && !words.nested.empty()) {
            words.type = R"("function")";
        }
        if (!judged) {
            return;
        }
        if (!is_json_string(words.type)) {
            judged = bad(error_code_id::invalid_tools, place, "must have a 'type'");
        } else if (!words.is_known()) {
            judged =
                bad(error_code_id::unsupported_tool,
                    place,
                    "of the type " + quoted(words.type) + " is not supported on /v1/responses");
        } else if (string_body(words.name).empty()) {
            judged = bad(error_code_id::invalid_tools, place + ".name", "must be a string");
        } else if (judged = judge_members(raw, words, place);
                   judged && may_be_called(choice, words)) {
            out += offers ? "," : "";
            offers = true;
            append_tool(out, raw, words);
        }
    });
    out += ']';
    if (!offers) {
        out.resize(begin);
    }
    if (judged && !has_all_allowed(choice)) {
        return bad(
            error_code_id::invalid_tool_choice, "tool_choice.tools", "names what 'tools' does not"
        );
    }
    return judged;
}

}  // namespace

base::result<void> append_chat_tools(
    std::string& out, std::string_view tools, std::string_view choice, bool& offers
) {
    auto words = read_choice(choice);
    if (!words) {
        return words.error();
    }
    offers = false;
    if (auto listed = append_list(out, tools.empty() ? "[]" : tools, *words, offers); !listed) {
        return listed;
    }
    if (is_given(words->tool.type)) {
        out += words->tool.is_custom() ? R"(,"tool_choice":{"type":"custom","custom":{"name":)"
                                       : R"(,"tool_choice":{"type":"function","function":{"name":)";
        out += words->tool.name;
        out += "}}";
        return {};
    }
    // Servers refuse a choice where there is nothing to choose from; `required` is for them to refuse.
    if (is_given(words->mode) && (offers || is_string(words->mode, "required"))) {
        out += R"(,"tool_choice":)";
        out += words->mode;
    }
    return {};
}

}  // namespace meta_model::api
