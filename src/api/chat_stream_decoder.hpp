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

    // Of a stream with several choices (`choices` > 1) each event says of which one it is.
    explicit chat_stream_decoder(answer_listener& listener, std::size_t choices = 1)
        : listener_(listener), others_(choices - 1) {}

    // False when the stream cannot go on: an error object (on_event got `failure`), or an event past the bound.
    bool feed(std::string_view bytes);

    bool has_finished() const {
        return finished_ > others_.size();
    }  // a finish_reason came for each
    // Nothing is missing of what began: the stream may end here.
    bool is_whole() const { return is_done_ || (finished_ > 0 && finished_ == begun_); }
    bool is_done() const { return is_done_; }          // `[DONE]` came
    bool has_content() const { return has_content_; }  // any delta with substance came
    int dropped_events() const { return dropped_; }    // malformed ones, skipped

private:
    struct choice_state {
        call_tracker calls{};
        bool has_begun = false;
        bool has_finish = false;
    };

    bool take_event(std::string_view event);
    void take_choices(chat_object object);
    void take_choice(const chat_object& object, std::size_t place);
    choice_state& current() { return place_ == 0 ? first_ : others_[place_ - 1]; }
    bool take_object(const chat_object& object);
    void take_message(std::string_view raw);
    void emit_list(std::string_view raw, std::string_view name);
    void take_tool_calls(std::string_view raw);
    void emit_text(answer_event_kind kind, std::string_view raw, std::string_view name = {});

    answer_listener& listener_;
    event_splitter events_;
    std::string joined_;
    std::string text_;
    std::string name_;
    std::string id_;
    choice_state first_;
    std::vector<choice_state> others_;
    std::size_t place_ = 0;  // of the choice that is being read
    std::size_t begun_ = 0;
    std::size_t finished_ = 0;
    bool has_started_ = false;
    bool is_done_ = false;
    bool has_content_ = false;
    int dropped_ = 0;
};

}  // namespace meta_model::api
