// The X-MetaModel-… header lines of a reply (spec §2.5).
#pragma once

#include "dispatch/request_context.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

void append_header(std::string& lines, std::string_view name, std::string_view value);
void append_header(std::string& lines, std::string_view name, std::int64_t value);

// Estimates of a request's messages, before and after compaction.
struct prompt_figures {
    std::int64_t tokens_in = 0;
    std::optional<std::int64_t> tokens_out{};  // the smallest that goes out; empty: none does
    int compacted = 0;                         // groups of messages that were left out, at most
};

// Profile, Compacted-N, Prompt-Tokens-In, Prompt-Tokens-Out and Tools-Tokens: facts that are known before any call.
// Without tokens_out, neither that nor Compacted-N.
void append_plan_headers(request_context& context, const prompt_figures& figures);

// The same for a request that goes out as it came in.
void append_plan_headers(request_context& context);

// Tells in the place of what these lines said before that so much of the conversation went out.
void replace_compaction_headers(
    request_context& context, std::int64_t tokens_out, int compacted_chunks
);

// Of the tools that the request offers.
std::int64_t offered_tools_tokens(const api::chat_request& request);

}  // namespace meta_model::dispatch
