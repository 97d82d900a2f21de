#include "dispatch/tool_policy.hpp"

#include "api/tool_fields.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

void read_choice(const api::chat_request& request, tool_policy& out) {
    const auto* choice = request.find("tool_choice");
    choice = choice != nullptr ? choice : request.find("function_call");
    if (choice == nullptr) {
        return;
    }
    if (choice->type == api::json_type::object) {
        out.mode = tool_mode::specific;
        out.forced = api::forced_name(request);
    } else if (api::is_string(choice->value, "none")) {
        out.mode = tool_mode::none;
        out.is_none_asked = true;
    } else if (api::is_string(choice->value, "required")) {
        out.mode = tool_mode::required;
    }
}

}  // namespace

bool tool_policy::is_declared(std::string_view name) const {
    return std::ranges::binary_search(declared, name, std::ranges::less{});
}

tool_policy resolve_tool_policy(const api::chat_request& request, bool strips_tools) {
    tool_policy out;
    if (strips_tools) {
        return out;
    }
    out.declared = api::offered_names(request);
    std::ranges::sort(out.declared);
    const bool has_tools = api::offered_tools(request) != nullptr;
    out.mode = has_tools ? tool_mode::automatic : tool_mode::none;
    read_choice(request, out);
    const auto* parallel = request.find("parallel_tool_calls");
    out.is_parallel = parallel == nullptr || parallel->value != "false";
    return out;
}

}  // namespace meta_model::dispatch
