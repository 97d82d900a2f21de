// The legacy wire of /v1/completions, as a translation to and from that of chats (spec §7.1). Texts are carried as the
// JSON they are written in, never decoded.
#pragma once

#include "api/reply_translator.hpp"
#include "base/error.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

// The chat request that a completion stands for: `prompt` is one user message, everything else is kept. The errors:
// invalid_json, a shape without a model, unsupported_legacy_param, invalid_request without a prompt.
base::result<std::string> chat_of_completion(std::string_view body, int max_depth);

// The completion that a chat completion stands for. Empty: it has no choices.
std::string completion_of_chat(std::string_view json);

// Replies to a completion. Of a stream, heartbeats, `[DONE]`, errors and what is no chunk pass as they are.
class completion_translator final : public reply_translator {
public:
    std::string whole(std::string_view chat_completion) override {
        return completion_of_chat(chat_completion);
    }
    void take_event(std::string_view event, std::string& out) override;

private:
    std::string data_;  // of an event whose data stands on several lines
};

}  // namespace meta_model::api
