// An upstream's chat stream as answer events: SSE bytes in, in any split, events out.
#pragma once

#include "api/answer_event.hpp"
#include "api/chat_wire.hpp"
#include "api/sse_events.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

class chat_stream_decoder {
public:
    static constexpr std::size_t max_event_bytes = event_splitter::default_max_event_bytes;
    static constexpr std::size_t max_calls = 128;  // of tools; more are dropped

    explicit chat_stream_decoder(answer_listener& listener) : listener_(listener) {}

    // False when the stream cannot go on: an error object (on_event got `failure`), or an event past the bound.
    bool feed(std::string_view bytes);

    bool has_finished() const { return has_finish_; }  // a finish_reason came
    bool is_done() const { return is_done_; }          // `[DONE]` came
    bool has_content() const { return has_content_; }  // any delta with substance came
    int dropped_events() const { return dropped_; }    // malformed ones, skipped

private:
    // A tool call of this stream. Servers reuse index 0, leave index or id out, or change the index in the middle, so
    // a call is recognised by what was learned of it.
    struct open_call {
        std::string index;
        std::string id;
        std::string arguments;
    };

    bool take_event(std::string_view event);
    bool take_object(const chat_object& object);
    void take_message(std::string_view raw);
    void take_tool_calls(std::string_view raw);
    static constexpr std::size_t no_call = static_cast<std::size_t>(-1);

    std::size_t find_call(const tool_call_fields& fields);
    void emit_text(answer_event_kind kind, std::string_view raw, std::string_view name = {});

    answer_listener& listener_;
    event_splitter events_;
    std::string joined_;
    std::string text_;
    std::string name_;
    std::string id_;
    std::vector<open_call> calls_;
    bool has_refused_call_ = false;
    bool has_started_ = false;
    bool has_finish_ = false;
    bool is_done_ = false;
    bool has_content_ = false;
    int dropped_ = 0;
};

}  // namespace meta_model::api
