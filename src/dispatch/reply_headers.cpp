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

namespace {

void replace_header(std::string& lines, std::string_view name, std::int64_t value) {
    const auto line = std::string(name) + ": ";
    const auto at = lines.find(line);
    if (at != std::string::npos) {
        const auto begin = at + line.size();
        lines.replace(begin, lines.find("\r\n", begin) - begin, std::to_string(value));
    }
}

}  // namespace

void replace_compaction_headers(
    request_context& context, std::int64_t tokens_out, int compacted_chunks
) {
    auto& lines = context.header_lines;
    replace_header(lines, "X-MetaModel-Compacted-N", compacted_chunks);
    replace_header(lines, "X-MetaModel-Prompt-Tokens-Out", tokens_out);
}

std::int64_t offered_tools_tokens(const api::chat_request& request) {
    const auto* tools = api::offered_tools(request);
    return tools == nullptr ? 0 : estimate_tools_tokens(tools->value.size());
}

void append_plan_headers(request_context& context, const prompt_figures& figures) {
    // Voters get no tools, unless calls are what they vote on.
    const bool has_tools = context.target.type != config::profile_type::voting
                           || context.target.profile->ballot == config::ballot_kind::tool_call;
    auto& lines = context.header_lines;
    lines.reserve(512);
    lines += context.target.profile_header;
    if (figures.tokens_out) {
        append_header(
            lines, "X-MetaModel-Compacted-N", static_cast<std::int64_t>(figures.compacted)
        );
    }
    append_header(lines, "X-MetaModel-Prompt-Tokens-In", figures.tokens_in);
    if (figures.tokens_out) {
        append_header(lines, "X-MetaModel-Prompt-Tokens-Out", *figures.tokens_out);
    }
    append_header(
        lines,
        "X-MetaModel-Tools-Tokens",
        has_tools ? offered_tools_tokens(context.request) : std::int64_t{0}
    );
}

void append_plan_headers(request_context& context) {
    std::size_t bytes = 0;
    for (const auto name : context.request.shape().prompt) {
        const auto* member = name.empty() ? nullptr : context.request.find(name);
        bytes += member == nullptr ? 0 : member->value.size();
    }
    const auto tokens = estimate_text_tokens(bytes_as_text(bytes, context.media));
    context.prompt_estimate = tokens;
    append_plan_headers(context, {.tokens_in = tokens, .tokens_out = tokens});
}

}  // namespace meta_model::dispatch
