// The estimate of one message (spec §4.1) and where its texts lie. The same figures decide whether a prompt fits and how
// far its texts are cut.
#pragma once

#include "api/chat_request.hpp"
#include "dispatch/content_parts.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// A call of an assistant message.
struct call_shape {
    std::string_view id{};    // raw JSON; empty: none, or no string
    std::string_view name{};  // raw JSON; empty: none
    std::size_t name_bytes = 0;
    std::size_t argument_bytes = 0;
};

// What the estimate is made of. Sizes are of decoded text.
struct message_shape {
    std::size_t role_bytes = 0;
    std::size_t content_bytes = 0;    // text parts joined by a newline
    std::int64_t media_tokens = 0;    // images, audio, video
    std::vector<call_shape> calls{};  // tool_calls, then a legacy function_call without an id
    std::string_view result_of{};     // raw JSON of tool_call_id when it is a string
    bool has_function_call = false;
};

std::int64_t estimate_message_tokens(const message_shape& shape);

// Reads a message of a request that was parsed. Notes stand in the place of `hidden` media.
message_shape shape_of(const api::request_message& message, media_set hidden = {});

// A message of `role_bytes` and `content_bytes` and nothing else.
std::int64_t estimate_plain_message(std::size_t role_bytes, std::size_t content_bytes);

// True when the message is role and content only, so that it has no part in calls and their results.
bool is_plain(const api::request_message& message);

// What a part with media costs: by `detail`, by the length of the data and its format. 0 for text.
std::int64_t estimate_part_tokens(const content_part& part);

// A text that can be cut.
struct message_text {
    enum class kind : std::uint8_t {
        content,          // raw: between the quotes
        argument_string,  // the same, holding what is mostly JSON
        argument_value    // raw: a JSON value that should have been a string
    };
    kind what{};
    std::string_view raw{};
    std::size_t bytes = 0;  // decoded
    std::size_t call = 0;   // of arguments: position among the calls
};

// In the order of message_shape: content, then arguments.
std::vector<message_text> texts_of(const api::request_message& message);

}  // namespace meta_model::dispatch
