#include "dispatch/call_names.hpp"

#include "base/text.hpp"

namespace meta_model::dispatch {

namespace {

bool follows_token(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

std::string clean_call_name(std::string_view name) {
    std::string out;
    for (auto open = name.find("<|"); open != std::string_view::npos; open = name.find("<|")) {
        out += name.substr(0, open);
        const auto close = name.find("|>", open + 2);
        name.remove_prefix(close == std::string_view::npos ? name.size() : close + 2);
        while (!name.empty() && follows_token(name.front())) {
            name.remove_prefix(1);
        }
    }
    out += name;
    return std::string(base::trim(out));
}

void clean_call_names(api::draft& d) {
    for (auto& call : d.tool_calls) {
        call.name = clean_call_name(call.name);
    }
    std::erase_if(d.tool_calls, [](const auto& call) { return call.name.empty(); });
    if (d.function_call) {
        d.function_call->name = clean_call_name(d.function_call->name);
        if (d.function_call->name.empty()) {
            d.function_call.reset();
        }
    }
}

}  // namespace meta_model::dispatch
