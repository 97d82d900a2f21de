// What OpenAI-style servers write: a chat completion or one chunk of its stream, located in its own bytes.
#pragma once

#include "api/json_cursor.hpp"
#include "api/message.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace meta_model::api {

inline constexpr std::size_t max_extra_bytes = 256u << 10;  // of an `extra_content` that is kept

// Raw JSON values; empty where a member is absent. The choice is the first one of `choices`.
struct chat_object {
    std::string_view id{};
    std::string_view model{};
    std::string_view created{};
    std::string_view system_fingerprint{};
    std::string_view usage{};
    std::string_view error{};
    std::string_view choices{};  // the list
    bool has_choices = false;    // a `choices` list is there
    bool has_choice = false;     // with an object as first element
    std::string_view index{};    // choices[0].index
    std::string_view message{};  // choices[0].message or .delta
    std::string_view finish_reason{};
    std::string_view logprobs{};

    bool has_error() const { return !error.empty() && error != "null" && error != "false"; }
};

// False when `json` is not a JSON object.
bool read_chat_object(std::string_view json, chat_object& out);

// Puts another element of `choices` in the place of the first one.
void read_choice(std::string_view raw, chat_object& out);

// Which of `count` choices the element is; `fallback` where it has no index, or null. Nothing: none of them.
std::optional<std::size_t> place_of_choice(
    const chat_object& object, std::size_t count, std::size_t fallback
);

// A message or a delta.
struct chat_message_fields {
    std::string_view content{};
    std::string_view reasoning_content{};
    std::string_view reasoning{};
    std::string_view thinking_blocks{};
    std::string_view reasoning_details{};
    std::string_view refusal{};
    std::string_view tool_calls{};
    std::string_view function_call{};
    std::string_view annotations{};
};

// Whether `raw` is a JSON list that holds something.
bool holds_elements(std::string_view raw);

bool read_message_fields(std::string_view json, chat_message_fields& out);

// One element of `tool_calls`.
struct tool_call_fields {
    std::string_view index{};
    std::string_view id{};
    std::string_view type{};
    std::string_view name{};
    std::string_view arguments{};
    std::string_view extra_content{};  // an object of a size that is worth to be kept, or empty
    bool is_malformed = false;         // the element or its `function` is not an object
};

bool read_tool_call(std::string_view json, tool_call_fields& out);

// The text of a raw JSON string appended to `out`; other types append nothing. False for text that is not Unicode.
bool append_string_value(std::string& out, std::string_view raw);

// The same for `content`, which may also be a list of parts: their texts are joined.
bool append_content_text(std::string& out, std::string_view raw);

// Numbers of a raw `usage` object; false when it is no object with at least one count.
bool read_usage(std::string_view raw, token_usage& out);

enum class completion_fault { none, not_json, not_object, error_object, no_choice, malformed };

// A whole chat completion as a draft. `malformed`: tool_calls or function_call have not the shape of spec §2.6.
completion_fault decode_chat_completion(std::string_view json, draft& out);

struct decoded_choice {
    completion_fault fault = completion_fault::no_choice;  // none: it is there
    draft answer{};                                        // without usage
};

// A completion with several choices: out[i] becomes the one with index i, if there is one. `usage` is that of all. The
// fault is of the whole: nothing was read.
completion_fault decode_chat_choices(
    std::string_view json, std::vector<decoded_choice>& out, std::optional<token_usage>& usage
);

}  // namespace meta_model::api
