// One assistant message and what came with it, independent of the wire it came over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace meta_model::api {

struct tool_call {
    std::string id{};
    std::string type = "function";
    std::string name{};
    std::string arguments{};  // JSON text as the model wrote it, not necessarily valid JSON
    // JSON object that a server may want back with the call, such as the signature of the thought behind it; empty: none.
    std::string extra_content{};
};

// Legacy `function_call` of a message.
struct function_call {
    std::string name{};
    std::string arguments{};
};

// Token counts as the upstream reported them.
struct token_usage {
    std::int64_t prompt_tokens = 0;
    std::int64_t completion_tokens = 0;
    std::int64_t total_tokens = 0;
    std::int64_t cached_tokens = 0;       // prompt_tokens_details.cached_tokens
    std::int64_t cache_write_tokens = 0;  // prompt_tokens_details.cache_write_tokens
    std::int64_t reasoning_tokens = 0;    // completion_tokens_details.reasoning_tokens
    std::string raw{
    };  // the upstream's `usage` object as JSON text, with the members unknown to us
};

// How the blocks of what a model thought are told in a stream, as `thinking_blocks`: all in one delta, for clients that join
// deltas member by member, or each behind its own text, for those whose wire has blocks or items in order.
enum class thinking_telling { in_one, in_turn };

// Of the lists that seal what was thought, in a stream. Larger ones are dropped: no server takes back a part of them.
inline constexpr std::size_t max_seal_bytes = (1u << 20) - (8u << 10);

// A whole answer of one upstream call: choices[0] of a chat completion, whether it came as JSON or as a stream.
struct draft {
    std::string id{};                      // the upstream's; may be empty
    std::string model{};                   // as the upstream wrote it
    std::int64_t created = 0;              // Unix time; 0: not given
    std::optional<std::string> content{};  // absent: null
    std::string reasoning_content{};
    std::string reasoning{};
    // JSON lists, with the signatures that the model's server wants back; empty: none.
    std::string thinking_blocks{};
    std::string reasoning_details{};
    std::string refusal{};
    std::vector<tool_call> tool_calls{};
    std::optional<api::function_call> function_call{};
    std::string finish_reason{};  // empty: null
    std::optional<token_usage> usage{};
    std::string system_fingerprint{};
    std::string logprobs{};     // JSON text of choices[0].logprobs; empty: none
    std::string annotations{};  // JSON text of message.annotations; empty: none
};

}  // namespace meta_model::api
