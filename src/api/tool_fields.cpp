#include "api/tool_fields.hpp"

#include "api/chat_wire.hpp"
#include "api/json_text.hpp"

#include <algorithm>

namespace meta_model::api {

namespace {

base::error refused(std::string_view param, std::string message) {
    return base::make_error(
        base::error_code_id::invalid_request_error, std::move(message), std::string(param)
    );
}

bool is_valid_call(const request_member& call) {
    if (call.type == json_type::string) {
        return is_string(call.value, "none") || is_string(call.value, "auto");
    }
    const auto name = find_member(call.value, "name");
    return name.size() > 2 && name.front() == '"';
}

base::error not_supported(std::string_view param, std::string message) {
    return base::make_error(
        base::error_code_id::feature_not_supported_in_v1, std::move(message), std::string(param)
    );
}

bool is_object(std::string_view raw) {
    return raw.starts_with('{');
}

bool is_filled_string(std::string_view raw) {
    return raw.size() > 2 && raw.front() == '"';
}

// Raw values of what counts of a tool, or of a legacy function; empty: not there.
struct tool_parts {
    std::string_view type{};
    std::string_view function{};
    std::string_view name{};
};

// The next of a list of objects, in one pass. False at its end.
bool next_tool(json_cursor& list, tool_parts& out) {
    out = {};
    if (!list.next_element() || !list.enter_object()) {
        return false;
    }
    std::string_view key;
    std::string_view value;
    while (list.next_member(key) && list.skip(value)) {
        if (stands_for(key, "type")) {
            out.type = value;
        } else if (stands_for(key, "function")) {
            out.function = value;
        } else if (stands_for(key, "name")) {
            out.name = value;
        }
    }
    return !list.failed();
}

// Of a tool, or a choice of one: `path` says which.
base::result<void> judge_function_type(std::string_view type, const std::string& path) {
    if (!is_filled_string(type)) {
        return refused(path, "'" + path + "' must have a 'type'.");
    }
    if (!is_string(type, "function")) {
        return not_supported(path, "'" + path + "': only the type 'function' is served here.");
    }
    return {};
}

base::result<void> judge_list(std::string_view tools) {
    json_cursor in(tools, json_cursor::depth_limit);
    tool_parts tool;
    in.enter_array();
    for (std::size_t i = 0; next_tool(in, tool); ++i) {
        const auto path = "tools[" + std::to_string(i) + ']';
        if (const auto judged = judge_function_type(tool.type, path); !judged) {
            return judged;
        }
        if (!is_object(tool.function)) {
            return refused(path, "'" + path + ".function' must be an object.");
        }
    }
    return {};
}

base::result<void> judge_choice(const request_member& choice) {
    if (choice.type == json_type::string) {
        const bool is_known = is_string(choice.value, "none") || is_string(choice.value, "auto")
                              || is_string(choice.value, "required");
        if (!is_known) {
            return refused(
                "tool_choice",
                "'tool_choice' must be \"none\", \"auto\", \"required\" or an object."
            );
        }
        return {};
    }
    if (const auto judged = judge_function_type(find_member(choice.value, "type"), "tool_choice");
        !judged) {
        return judged;
    }
    const auto name = find_member(find_member(choice.value, "function"), "name");
    if (!is_filled_string(name)) {
        return refused("tool_choice", "'tool_choice.function.name' must be given.");
    }
    return {};
}

}  // namespace

bool is_empty_list(std::string_view raw) {
    json_cursor in(raw, json_cursor::depth_limit);
    return in.peek() == json_type::array && in.enter_array() && !in.next_element() && !in.failed();
}

const request_member* offered_tools(const chat_request& request) {
    for (const auto* key : {"tools", "functions"}) {
        const auto* list = request.find(key);
        if (list != nullptr && !is_empty_list(list->value)) {
            return list;
        }
    }
    return nullptr;
}

base::result<void> judge_legacy_tools(const chat_request& request) {
    if (!request.has_tools_to_edit()) {
        return {};
    }
    const auto* functions = request.find("functions");
    const auto* tools = request.find("tools");
    const bool has_functions = functions != nullptr && !is_empty_list(functions->value);
    if (has_functions && tools != nullptr && !is_empty_list(tools->value)) {
        return refused("functions", "'functions' and 'tools' cannot both be given.");
    }
    const auto* call = request.find("function_call");
    if (call == nullptr) {
        return {};
    }
    if (request.find("tool_choice") != nullptr) {
        return refused("function_call", "'function_call' and 'tool_choice' cannot both be given.");
    }
    if (!is_valid_call(*call)) {
        return refused(
            "function_call",
            "'function_call' must be \"none\", \"auto\" or an object with a 'name'."
        );
    }
    return {};
}

base::result<void> judge_tools(const chat_request& request) {
    if (request.find("allowed_tools") != nullptr) {
        return not_supported("allowed_tools", "'allowed_tools' is not served here.");
    }
    if (const auto* tools = request.find("tools")) {
        if (const auto judged = judge_list(tools->value); !judged) {
            return judged;
        }
    }
    const auto* choice = request.find("tool_choice");
    if (choice != nullptr) {
        if (const auto judged = judge_choice(*choice); !judged) {
            return judged;
        }
    }
    const bool offers = offered_tools(request) != nullptr;
    if (choice != nullptr && is_string(choice->value, "required") && !offers) {
        return refused("tool_choice", "'tool_choice' asks for a call, but no tools are declared.");
    }
    const auto* forcing = choice != nullptr ? choice : request.find("function_call");
    if (forcing == nullptr || forcing->type != json_type::object) {
        return {};
    }
    const auto name = forced_name(request);
    if (!offers) {
        return refused(forcing->key, "'" + name + "' is asked for with no tools declared.");
    }
    const auto names = offered_names(request);
    if (std::ranges::find(names, name) == names.end()) {
        return refused(forcing->key, "'" + name + "' is not in declared tools.");
    }
    return {};
}

std::vector<std::string> offered_names(const chat_request& request) {
    std::vector<std::string> out;
    const auto* offered = offered_tools(request);
    if (offered == nullptr) {
        return out;
    }
    json_cursor in(offered->value, json_cursor::depth_limit);
    tool_parts tool;
    for (in.enter_array(); next_tool(in, tool);) {
        std::string name;
        append_string_value(
            name, tool.function.empty() ? tool.name : find_member(tool.function, "name")
        );
        if (!name.empty()) {
            out.push_back(std::move(name));
        }
    }
    return out;
}

std::string forced_name(const chat_request& request) {
    std::string out;
    if (const auto* choice = request.find("tool_choice")) {
        append_string_value(out, find_member(find_member(choice->value, "function"), "name"));
    } else if (const auto* call = request.find("function_call")) {
        append_string_value(out, find_member(call->value, "name"));
    }
    return out;
}

std::string forced_choice(std::string_view function_call) {
    return R"({"type":"function","function":{"name":)"
           + std::string(find_member(function_call, "name")) + "}}";
}

}  // namespace meta_model::api
