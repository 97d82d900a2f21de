// A chat completion request as Anthropic's Messages API takes it (spec §7.4). The request's text is walked and the new body
// written beside it: strings are carried over as they are escaped, and nothing is built in between.
#pragma once

#include "api/messages_wishes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

// How a `response_format` is told.
enum class schema_wording {
    off,     // not at all
    prompt,  // as a sentence of the system text
    native,  // as `output_config.format`; a `json_object` as a sentence
};

struct messages_options {
    std::int64_t max_output = 1;  // tokens
    thinking_mode thinking = thinking_mode::off;
    std::string_view effort{};                    // empty: not set
    std::optional<std::int64_t> budget_tokens{};  // of thinking
    bool has_prompt_caching = false;              // marks what a next request will begin with
    schema_wording structured_outputs = schema_wording::prompt;
    std::vector<std::string_view> passed_members{
    };  // of the chat body; not for a chat server, and go as they are
};

// What an answer of at most `max_tokens` is divided into.
struct output_share {
    std::int64_t max_tokens = 0;
    std::int64_t thinking_budget = 0;  // 0: no room to think in
};

// For thinking_mode::enabled: the budget is below max_tokens, at least 1024, and neither exceeds max_output.
output_share share_output(const messages_options& options, std::int64_t max_tokens);

// Whether a member of a chat body is read by the translation, or means nothing to the Messages API. Others are its own.
bool is_chat_member(std::string_view key);

// What the caller must know of the request to read its reply.
struct messages_request {
    bool is_stream = false;
    bool wants_usage = false;  // stream_options.include_usage
};

// Appends the Messages request that `chat`, a valid chat completion request, stands for. False when it is none: `out` is
// then of no use.
bool write_messages_request(
    std::string_view chat,
    const messages_options& options,
    std::string& out,
    messages_request& facts
);

}  // namespace meta_model::api
