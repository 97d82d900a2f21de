// Looks at each event of an Anthropic message stream that is relayed as it is.
#pragma once

#include "api/anthropic_reply.hpp"
#include "api/event_verdict.hpp"
#include "api/message.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace meta_model::api {

class message_event_inspector {
public:
    // `event` is one whole event, its blank line included.
    event_verdict inspect(std::string_view event);

    bool has_content() const { return has_content_; }
    // message_stop: without it a stream was cut, whatever came before.
    bool has_finish() const { return has_finish_; }
    // Once the end of the message told its tokens.
    const std::optional<token_usage>& usage() const { return usage_; }

    // The raw JSON value of `message.model` in the event last inspected, as an offset and length within that event;
    // length 0 when it has none.
    std::size_t model_offset() const { return model_offset_; }
    std::size_t model_length() const { return model_length_; }

    // After `failure`: the raw `error` value. Views the event.
    std::string_view error() const { return error_; }

    // Bytes of answer text seen so far, still escaped.
    std::size_t content_bytes() const { return content_bytes_; }

private:
    struct fields;

    event_verdict judge(const fields& f, std::string_view event);
    void take_delta(std::string_view delta);

    std::string joined_;
    std::size_t model_offset_ = 0;
    std::size_t model_length_ = 0;
    std::size_t content_bytes_ = 0;
    std::string_view error_;
    messages_usage counts_;
    std::optional<token_usage> usage_;
    bool has_content_ = false;
    bool has_finish_ = false;
};

}  // namespace meta_model::api
