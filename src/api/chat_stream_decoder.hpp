// An upstream's chat stream as answer events: SSE bytes in, in any split, events out.
#pragma once

#include "api/answer_event.hpp"
#include "api/call_tracker.hpp"
#include "api/chat_wire.hpp"
#include "api/sse_events.hpp"

#include <string>
#include <string_view>

namespace meta_model::api {

class chat_stream_decoder {
public:
    static constexpr std::size_t max_event_bytes = event_splitter::default_max_event_bytes;
    static constexpr std::size_t max_calls = call_tracker::max_calls;

    explicit chat_stream_decoder(answer_listener& listener) : listener_(listener) {}

    // False when the stream cannot go on: an error object (on_event got `failure`), or an event past the bound.
    bool feed(std::string_view bytes);

    bool has_finished() const { return has_finish_; }  // a finish_reason came
    bool is_done() const { return is_done_; }          // `[DONE]` came
    bool has_content() const { return has_content_; }  // any delta with substance came
    int dropped_events() const { return dropped_; }    // malformed ones, skipped

private:
    bool take_event(std::string_view event);
    bool take_object(const chat_object& object);
    void take_message(std::string_view raw);
    void take_tool_calls(std::string_view raw);
    void emit_text(answer_event_kind kind, std::string_view raw, std::string_view name = {});

    answer_listener& listener_;
    event_splitter events_;
    std::string joined_;
    std::string text_;
    std::string name_;
    std::string id_;
    call_tracker calls_;
    bool has_started_ = false;
    bool has_finish_ = false;
    bool is_done_ = false;
    bool has_content_ = false;
    int dropped_ = 0;
};

}  // namespace meta_model::api
