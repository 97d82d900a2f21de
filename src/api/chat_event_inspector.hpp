// Looks at each event of a chat stream that is relayed as it is: is it JSON, and what does the gateway need to know of
// it? Most events of a stream differ only in one string, so the bytes around that string are remembered and compared,
// and only the string itself is looked at.
#pragma once

#include "api/event_verdict.hpp"
#include "api/message.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace meta_model::api {

class chat_event_inspector {
public:
    // `event` is one whole event, its blank line included.
    event_verdict inspect(std::string_view event);

    bool has_content() const { return has_content_; }
    bool has_finish() const { return has_finish_; }
    const std::optional<token_usage>& usage() const { return usage_; }

    // The raw JSON value of `model` in the event last inspected, as an offset and length within that event; length 0
    // when it has none. What a facade name replaces.
    std::size_t model_offset() const { return model_offset_; }
    std::size_t model_length() const { return model_length_; }

    // After `failure`: the raw `error` value. Views the event.
    std::string_view error() const { return error_; }

    // Bytes of answer text seen so far, still escaped: what an estimate of the usage is made from.
    std::size_t content_bytes() const { return content_bytes_; }

private:
    bool matches_template(std::string_view event);
    event_verdict read(std::string_view event);

    std::string prefix_;  // of the last plain content event, up to its text
    std::string suffix_;  // from behind that text to the end
    std::string joined_;
    std::size_t template_model_offset_ = 0;
    std::size_t template_model_length_ = 0;
    std::size_t model_offset_ = 0;
    std::size_t model_length_ = 0;
    std::size_t content_bytes_ = 0;
    std::string_view error_;
    std::optional<token_usage> usage_;
    bool has_content_ = false;
    bool has_finish_ = false;
};

}  // namespace meta_model::api
