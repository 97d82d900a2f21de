#include "dispatch/agreement.hpp"

#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/canonical_json.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

// Trimmed, each run of white space one space.
std::string normalised(std::string_view text) {
    std::string out;
    bool gap = false;
    for (const char c : base::trim(text)) {
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            gap = true;
            continue;
        }
        if (gap) {
            out += ' ';
            gap = false;
        }
        out += c;
    }
    return out;
}

void append_pair(std::string& out, const std::string& name, const std::string& arguments) {
    out += '[';
    api::append_json_string(out, name);
    out += ',';
    api::append_json_string(out, canonical_arguments(arguments));
    out += ']';
}

}  // namespace

std::string canonical_arguments(const std::string& arguments) {
    return canonical_json(arguments).value_or(arguments);
}

draft_signature signature_of(const api::draft& d) {
    draft_signature out;
    out.text = normalised(d.content.value_or(""));
    out.calls = "[";
    for (const auto& call : d.tool_calls) {
        out.calls += out.calls.size() > 1 ? "," : "";
        append_pair(out.calls, call.name, call.arguments);
    }
    out.calls += ']';
    out.function = "null";
    if (d.function_call) {
        out.function.clear();
        append_pair(out.function, d.function_call->name, d.function_call->arguments);
    }
    return out;
}

bool all_agree(const std::vector<const api::draft*>& drafts) {
    if (drafts.empty()) {
        return false;
    }
    const auto first = signature_of(*drafts.front());
    if (first == signature_of({})) {
        return false;
    }
    return std::ranges::all_of(drafts, [&](const auto* d) { return signature_of(*d) == first; });
}

}  // namespace meta_model::dispatch
