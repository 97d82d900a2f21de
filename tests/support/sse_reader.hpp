// Reads server-sent events from a reply and notes when each arrived.
#pragma once

#include "support/http_client.hpp"

#include <optional>
#include <string>
#include <vector>

namespace meta_model::support {

struct sse_event {
    std::string type{};     // of an `event:` line
    std::string data{};     // lines joined by \n
    std::string comment{};  // text after the colon of a comment line, when the event has no data
    clock::time_point at{};

    bool is_comment() const { return data.empty() && !comment.empty(); }
    bool is_done() const { return data == "[DONE]"; }
    // Throws client_error when the data is not JSON.
    nlohmann::json json() const;
};

class sse_reader {
public:
    explicit sse_reader(http_client& client) : client_(client) {}

    // The next event or comment; empty after the last one. Throws client_error when late.
    std::optional<sse_event> next(milliseconds within = default_wait);
    // The next event that is no comment.
    std::optional<sse_event> next_data(milliseconds within = default_wait);
    // After the last event: whether the body was ended as its framing says.
    bool ended_whole() const { return end_ == body_end::whole; }

private:
    std::optional<sse_event> take_event();

    http_client& client_;
    std::string text_;
    body_end end_ = body_end::open;
};

// A stream read to its end.
struct sse_transcript {
    http_reply head{};                // with the body, when the reply is not a stream
    std::vector<sse_event> events{};  // with data, [DONE] included
    std::vector<sse_event> comments{};
    bool is_whole = false;

    bool is_stream() const;
    bool has_done() const { return !events.empty() && events.back().is_done(); }
    // Every event's data but [DONE], parsed.
    std::vector<nlohmann::json> chunks() const;
    // choices[0].delta.content of all chunks, joined.
    std::string text() const;
    // The last choices[0].finish_reason that is not null; "" when there was none.
    std::string finish_reason() const;
    // error object of an error event; null when there was none.
    nlohmann::json error() const;
};

sse_transcript read_transcript(http_client& client, milliseconds within = default_wait);

}  // namespace meta_model::support
