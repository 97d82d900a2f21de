// A client's wire, as a translation of the chat that serves its request: what a strategy writes for a chat goes through
// it on its way to the client.
#pragma once

#include <string>
#include <string_view>

namespace meta_model::api {

class reply_translator {
public:
    virtual ~reply_translator() = default;

    // The client's body for a whole chat completion; empty: it is none, and the client is told so in an error.
    virtual std::string whole(std::string_view chat_completion) = 0;

    // The client's body for an error of the chat wire, an upstream's own words included.
    virtual std::string error(int /*status*/, std::string_view body) { return std::string(body); }

    // Appends what one event of a chat stream becomes: chunks, `[DONE]`, error events and comments (heartbeats). `event`
    // ends with its blank line.
    virtual void take_event(std::string_view event, std::string& out) = 0;

    // Appends what is still to be told when the chat's stream is over, `[DONE]` or not.
    virtual void end(std::string& /*out*/) {}
};

}  // namespace meta_model::api
