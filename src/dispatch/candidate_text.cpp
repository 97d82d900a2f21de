#include "dispatch/candidate_text.hpp"

#include "api/json_text.hpp"
#include "api/reasoning.hpp"
#include "dispatch/canonical_json.hpp"
#include "dispatch/synthesis_prompt.hpp"

namespace meta_model::dispatch {

namespace {

constexpr std::size_t max_arguments_bytes = 96 * 1024;
constexpr std::size_t max_shown_bytes = 256 * 1024;  // the prompt cuts drafts further

void append_call(std::string& out, const std::string& name, const std::string& arguments) {
    out += R"({"arguments":)";
    if (const auto canonical = canonical_json(arguments)) {
        out += *canonical;
    } else {
        api::append_json_string(out, elide_middle(arguments, max_arguments_bytes));
    }
    out += R"(,"name":)";
    api::append_json_string(out, name);
    out += '}';
}

}  // namespace

std::string candidate_text(const api::draft& d) {
    std::string out = api::has_visible_content(d) ? *d.content : d.refusal;
    const auto begin_line = [&](std::string_view title) {
        out += out.empty() ? "" : "\n";
        out += title;
    };
    if (!d.tool_calls.empty()) {
        begin_line("tool_calls: [");
        const auto start = out.size();
        std::size_t shown = 0;
        for (const auto& call : d.tool_calls) {
            if (out.size() - start > max_shown_bytes) {
                break;
            }
            out += shown++ > 0 ? "," : "";
            append_call(out, call.name, call.arguments);
        }
        out += ']';
        if (shown < d.tool_calls.size()) {
            out += " and " + std::to_string(d.tool_calls.size() - shown) + " more";
        }
    }
    if (d.function_call) {
        begin_line("function_call: ");
        append_call(out, d.function_call->name, d.function_call->arguments);
    }
    return out.empty() ? "(empty)" : out;
}

}  // namespace meta_model::dispatch
