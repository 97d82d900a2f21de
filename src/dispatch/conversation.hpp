// A request's messages as compaction sees them: cleaned (spec §4.3 step 7), measured, and grouped so that a call never
// loses its results.
#pragma once

#include "api/chat_request.hpp"
#include "dispatch/message_estimate.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

struct conversation {
    struct message {
        message_shape shape{};
        std::int64_t tokens = 0;
        bool is_removed = false;  // a result of no call, or an assistant's text at the very end
        std::string placeholders{
        };  // results for calls that have none: JSON objects, each behind a comma
        std::int64_t placeholder_tokens = 0;
    };
    // Messages that stay or go together: an assistant's calls and their results, or one message.
    struct chunk {
        std::size_t first = 0;  // position of a message
        std::size_t last = 0;   // one past the end; removed messages may lie between
        std::int64_t tokens = 0;
        bool is_essential = false;  // system text at the start, or the first system text there is
        bool is_user = false;
    };

    std::vector<message> messages{};  // as in the request
    std::vector<chunk> chunks{};
    std::int64_t tokens_in = 0;  // as the client sent it
    std::int64_t tokens = 0;     // cleaned
    bool is_clean = true;        // nothing was removed or put in
};

// `request` must outlive the views of the result. `hidden`: media that nobody is sent.
conversation read_conversation(const api::chat_request& request, media_set hidden = {});

// The estimate of all messages when cleaning cannot change anything; empty when a closer look is needed. Asks for no
// memory.
std::optional<std::int64_t> estimate_simple_conversation(const api::chat_request& request);

}  // namespace meta_model::dispatch
