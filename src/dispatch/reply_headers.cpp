#include "dispatch/reply_headers.hpp"

#include "api/json_text.hpp"
#include "api/tool_fields.hpp"
#include "base/text.hpp"
#include "dispatch/token_estimate.hpp"

namespace meta_model::dispatch {

void append_header(std::string& lines, std::string_view name, std::string_view value) {
    lines += name;
    lines += ": ";
    base::append_header_safe(lines, value);
    lines += "\r\n";
}

void append_header(std::string& lines, std::string_view name, std::int64_t value) {
    lines += name;
    lines += ": ";
    api::append_json_number(lines, value);
    lines += "\r\n";
}

void append_plan_headers(request_context& context) {
    const auto& request = context.request;
    const auto* messages = request.find("messages");
    // Voters get no tools, unless calls are what they vote on.
    const bool has_tools = context.target.type != config::profile_type::voting
                           || context.target.profile->ballot == config::ballot_kind::tool_call;
    const auto* tools = has_tools ? api::offered_tools(request) : nullptr;
    const auto in = estimate_text_tokens(messages->value.size());
    auto& lines = context.header_lines;
    lines.reserve(512);
    lines += context.target.profile_header;
    lines += "X-MetaModel-Compacted-N: 0\r\n";
    append_header(lines, "X-MetaModel-Prompt-Tokens-In", in);
    append_header(lines, "X-MetaModel-Prompt-Tokens-Out", in);
    append_header(
        lines,
        "X-MetaModel-Tools-Tokens",
        tools == nullptr ? 0 : estimate_tools_tokens(tools->value.size())
    );
}

}  // namespace meta_model::dispatch
