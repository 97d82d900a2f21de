#include "api/message_event_inspector.hpp"

#include "api/json_walk.hpp"
#include "api/sse_events.hpp"
#include "base/text.hpp"

namespace meta_model::api {

// Raw values; empty where absent.
struct message_event_inspector::fields {
    std::string_view type{};
    std::string_view message{};
    std::string_view content_block{};
    std::string_view delta{};
    std::string_view usage{};
    std::string_view error{};

    void take(std::string_view key, std::string_view value) {
        if (key == "type") {
            type = value;
        } else if (key == "delta") {
            delta = value;
        } else if (key == "message") {
            message = value;
        } else if (key == "content_block") {
            content_block = value;
        } else if (key == "usage") {
            usage = value;
        } else if (key == "error") {
            error = value;
        }
    }
};

event_verdict message_event_inspector::inspect(std::string_view event) {
    model_length_ = 0;
    const auto data = event_data(event, joined_);
    if (data.empty() || data == "[DONE]") {
        return event_verdict::silent;
    }
    fields f;
    if (!base::is_valid_utf8(event)
        || !walk_object(data, [&f](auto key, auto value) { f.take(key, value); })) {
        return event_verdict::malformed;
    }
    return judge(f, event);
}

event_verdict message_event_inspector::judge(const fields& f, std::string_view event) {
    if (is_string(f.type, "content_block_delta")) {
        take_delta(f.delta);
    } else if (is_string(f.type, "ping")) {
        return event_verdict::silent;
    } else if (is_string(f.type, "content_block_start")) {
        const auto type = find_member(f.content_block, "type");
        has_content_ = has_content_ || !(is_string(type, "text") || is_string(type, "thinking"));
    } else if (is_string(f.type, "message_start")) {
        counts_.take(find_member(f.message, "usage"));
        counts_.is_told = false;  // its output_tokens stand for what is still to come
        const auto model = find_member(f.message, "model");
        if (is_json_string(model) && is_within(event, model)) {
            model_offset_ = static_cast<std::size_t>(model.data() - event.data());
            model_length_ = model.size();
        }
    } else if (is_string(f.type, "message_delta")) {
        counts_.take(f.usage);
        if (counts_.is_told) {
            usage_ = counts_.as_chat();
        }
    } else if (is_string(f.type, "message_stop")) {
        has_finish_ = true;
        return event_verdict::done;
    } else if (is_string(f.type, "error") || (!is_given(f.type) && is_given(f.error))) {
        error_ = is_given(f.error) ? f.error : std::string_view("{}");
        return event_verdict::failure;
    }
    return event_verdict::data;
}

void message_event_inspector::take_delta(std::string_view delta) {
    walk_object(delta, [this](std::string_view key, std::string_view value) {
        if (key != "type" && is_json_string(value) && value.size() > 2) {
            has_content_ = true;
            content_bytes_ += key == "text" || key == "thinking" ? value.size() - 2 : 0;
        }
    });
}

}  // namespace meta_model::api
