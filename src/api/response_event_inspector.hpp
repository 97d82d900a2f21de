// Looks at each event of a Responses stream that is relayed as it is.
#pragma once

#include "api/event_verdict.hpp"
#include "api/message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meta_model::api {

class response_event_inspector {
public:
    // `event` is one whole event, its blank line included.
    event_verdict inspect(std::string_view event);

    bool has_content() const { return has_content_; }
    // The response came to an end of its own: completed, incomplete or cancelled.
    bool has_finish() const { return has_finish_; }
    // The same, by response.failed.
    bool has_failed() const { return has_failed_; }
    const std::optional<token_usage>& usage() const { return usage_; }

    // The raw JSON value of `response.model` in the event last inspected, as an offset and length within that event;
    // length 0 when it has none.
    std::size_t model_offset() const { return model_offset_; }
    std::size_t model_length() const { return model_length_; }

    // After `failure`: the raw error object. Views the event.
    std::string_view error() const { return error_; }

    // Bytes of answer text seen so far, still escaped.
    std::size_t content_bytes() const { return content_bytes_; }

    // The `sequence_number` of an event that would come now.
    std::int64_t next_sequence() const { return next_sequence_; }

private:
    struct fields;

    event_verdict judge(const fields& f, std::string_view data, std::string_view event);
    void take_response(std::string_view response, std::string_view event);

    std::string joined_;
    std::size_t model_offset_ = 0;
    std::size_t model_length_ = 0;
    std::size_t content_bytes_ = 0;
    std::int64_t next_sequence_ = 0;
    std::string_view error_;
    std::optional<token_usage> usage_;
    bool has_content_ = false;
    bool has_finish_ = false;
    bool has_failed_ = false;
};

}  // namespace meta_model::api
