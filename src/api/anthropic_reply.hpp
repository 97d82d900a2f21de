// What Anthropic's Messages API answers, in the words of the chat wire (spec §7.4): whole messages and errors.
#pragma once

#include "api/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::api {

// Token counts of a message; in a stream its events add to them.
struct messages_usage {
    std::int64_t input_tokens = 0;  // neither written to a cache nor read from one
    std::int64_t cache_creation_tokens = 0;
    std::int64_t cache_read_tokens = 0;
    std::int64_t output_tokens = 0;
    std::int64_t thinking_tokens = -1;  // -1: not told
    bool is_told = false;               // output_tokens came

    // Takes the counts that the raw `usage` object names. Cumulative, as the API's are.
    void take(std::string_view raw);

    // The same in the words of the chat wire.
    token_usage as_chat() const;

    // Appends the chat wire's `usage` object.
    void append(std::string& out) const;
};

// The chat wire's finish_reason for a raw stop_reason; empty for null. Of static storage.
std::string_view finish_reason_of(std::string_view stop_reason);

// Appends the member of a chat's choice in which servers of that wire (vLLM's) name the sequence that ended an answer; nothing
// where none did. `stop_sequence`: raw.
void append_stopped_by(std::string& out, std::string_view stop_sequence);

// The refusal that the chat wire shows when a model declines, escaped: its explanation, if `stop_details` has one.
std::string refusal_of(std::string_view stop_details);

// Statuses beyond HTTP's own become the nearest one: 529 (overloaded) is 503.
int chat_status_of(int status);

// Appends the chat completion that `message` stands for. `model` is for a message that names none; `created` is Unix time.
// False, with `out` unchanged, when it is no message.
bool append_chat_completion(
    std::string_view message, std::string_view model, std::int64_t created, std::string& out
);

// Appends {"error":{…}} for a body or event that holds an error object, with its HTTP status as a member where `status` is 0
// and the type of the error has to say it. False, with `out` unchanged, when there is no error in it.
bool append_chat_error(std::string_view json, int status, std::string& out);

}  // namespace meta_model::api
