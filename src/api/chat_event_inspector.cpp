#include "api/chat_event_inspector.hpp"

#include "api/chat_wire.hpp"
#include "api/json_cursor.hpp"
#include "api/sse_events.hpp"
#include "api/string_scan.hpp"
#include "base/text.hpp"

#include <cstring>

namespace meta_model::api {

namespace {

constexpr std::size_t max_template_bytes = 1024;

bool is_utf8(std::string_view text) {
    unsigned char high = 0;
    for (const char c : text) {
        high |= static_cast<unsigned char>(c);
    }
    return (high & 0x80) == 0 || base::is_valid_utf8(text);
}

bool is_text(std::string_view raw) {
    return raw.size() > 2 && raw.front() == '"';
}

}  // namespace

bool chat_event_inspector::matches_template(std::string_view event) {
    if (prefix_.empty() || event.size() < prefix_.size() + suffix_.size()
        || std::memcmp(event.data(), prefix_.data(), prefix_.size()) != 0
        || std::memcmp(event.data() + event.size() - suffix_.size(), suffix_.data(), suffix_.size())
               != 0) {
        return false;
    }
    // The string between must end exactly where the remembered suffix begins with its closing quote.
    const char* const text = event.data() + prefix_.size();
    const char* const quote = event.data() + event.size() - suffix_.size();
    if (find_string_end(text, quote + 1) != quote
        || !is_utf8({text, static_cast<std::size_t>(quote - text)})) {
        return false;
    }
    content_bytes_ += static_cast<std::size_t>(quote - text);
    return true;
}

event_verdict chat_event_inspector::inspect(std::string_view event) {
    if (matches_template(event)) {
        model_offset_ = template_model_offset_;
        model_length_ = template_model_length_;
        return event_verdict::data;
    }
    return read(event);
}

event_verdict chat_event_inspector::read(std::string_view event) {
    model_length_ = 0;
    const auto data = event_data(event, joined_);
    if (data.empty()) {
        return event_verdict::silent;
    }
    if (data == "[DONE]") {
        return event_verdict::done;
    }
    chat_object object;
    if (!base::is_valid_utf8(event) || !read_chat_object(data, object)) {
        return event_verdict::malformed;
    }
    if (object.has_error()) {
        error_ = object.error;
        return event_verdict::failure;
    }
    const bool is_in_place =
        data.data() >= event.data() && data.data() < event.data() + event.size();
    const auto offset_of = [&](std::string_view raw) {
        return static_cast<std::size_t>(raw.data() - event.data());
    };
    if (is_in_place && !object.model.empty()) {
        model_offset_ = offset_of(object.model);
        model_length_ = object.model.size();
    }
    const bool finishes = is_text(object.finish_reason);
    has_finish_ = has_finish_ || finishes;
    if (token_usage counts; read_usage(object.usage, counts)) {
        usage_ = std::move(counts);
    }
    chat_message_fields fields;
    if (!object.has_choice || !read_message_fields(object.message, fields)) {
        return event_verdict::data;
    }
    const bool calls = !fields.tool_calls.empty() || !fields.function_call.empty();
    has_content_ = has_content_ || calls || is_text(fields.content)
                   || is_text(fields.reasoning_content) || is_text(fields.reasoning)
                   || is_text(fields.refusal);
    if (is_text(fields.content)) {
        content_bytes_ += fields.content.size() - 2;
    }
    const bool is_plain =
        is_in_place && !finishes && !calls && object.usage.size() <= 4 && is_text(fields.content);
    if (is_plain && event.size() - fields.content.size() <= max_template_bytes) {
        prefix_.assign(event.substr(0, offset_of(fields.content) + 1));
        suffix_.assign(event.substr(offset_of(fields.content) + fields.content.size() - 1));
        // A model that stands behind the text moves with it and cannot be remembered.
        if (model_offset_ > prefix_.size() && model_length_ > 0) {
            prefix_.clear();
        }
        template_model_offset_ = model_offset_;
        template_model_length_ = model_length_;
    }
    return event_verdict::data;
}

}  // namespace meta_model::api
