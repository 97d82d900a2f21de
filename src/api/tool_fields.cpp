#include "api/tool_fields.hpp"

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

std::string forced_choice(std::string_view function_call) {
    return R"({"type":"function","function":{"name":)"
           + std::string(find_member(function_call, "name")) + "}}";
}

}  // namespace meta_model::api
