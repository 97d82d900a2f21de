// The legacy wire of /v1/completions, as a translation to and from that of chats (spec §7.1). Texts are carried as the
// JSON they are written in, never decoded.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// The chat request that a completion stands for: `prompt` is one user message, everything else is kept. The errors:
// invalid_json, a shape without a model, unsupported_legacy_param, invalid_request without a prompt.
base::result<std::string> chat_of_completion(std::string_view body, int max_depth);

// The completion that a chat completion stands for. What has no choices is returned as it is.
std::string completion_of_chat(std::string_view json);

// Turns the events of a chat's stream into those of a completion's, however their bytes are split.
class completion_stream {
public:
    // Appends what the events that end within `bytes` become; the rest is kept. Comments, `[DONE]`, errors and what is
    // no chunk pass as they are.
    void take(std::string_view bytes, std::string& out);

    // The rest of a stream that ended within an event.
    std::string_view rest() const { return carry_; }

private:
    void take_event(std::string_view event, std::string& out);

    std::string carry_;
    std::string data_;  // of an event whose data stands on several lines
};

}  // namespace meta_model::api
