// A chat completion as a message of Anthropic's Messages API, and what its stream shares with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::api {

// Token counts of a chat's raw `usage` object, as the Messages API divides them.
struct message_usage {
    std::int64_t input_tokens = 0;  // neither read from a cache nor written to one
    std::int64_t cache_creation_tokens = 0;
    std::int64_t cache_read_tokens = 0;
    std::int64_t output_tokens = 0;
    std::int64_t thinking_tokens = -1;  // of output_tokens; -1: not told

    void take(std::string_view raw);
    // Appends the `usage` object.
    void append(std::string& out) const;
};

// The stop_reason of a chat's raw finish_reason; end_turn for what is unknown. Of static storage.
std::string_view stop_reason_of(std::string_view finish_reason);

// Appends `"stop_reason":…,"stop_sequence":…`. `stopped_by`: the raw value in which some servers name the sequence that ended
// the answer. An answer with calls ends for them, also where a server calls that a stop.
void append_stop(
    std::string& out, std::string_view finish_reason, std::string_view stopped_by, bool has_calls
);

// Appends the id of a message for a chat's raw id, with its quotes.
void append_message_id(std::string& out, std::string_view chat_id);

// Appends the id of a call, raw and with its quotes; one is made where there is none.
void append_call_id_or_new(std::string& out, std::string_view raw);

// The message that a chat completion stands for; empty for what is none.
std::string message_of_chat(std::string_view json);

}  // namespace meta_model::api
