#include "api/chat_stream_decoder.hpp"

#include "api/json_cursor.hpp"
#include "api/json_text.hpp"
#include "base/text.hpp"

namespace meta_model::api {

bool chat_stream_decoder::feed(std::string_view bytes) {
    return events_.feed(bytes, [this](std::string_view event) { return take_event(event); });
}

bool chat_stream_decoder::take_event(std::string_view event) {
    const auto data = event_data(event, joined_);
    if (data.empty() || is_done_) {
        return true;
    }
    if (data == "[DONE]") {
        is_done_ = true;
        return true;
    }
    chat_object object;
    if (!base::is_valid_utf8(data) || !read_chat_object(data, object)) {
        ++dropped_;
        return true;
    }
    return take_object(object);
}

bool chat_stream_decoder::take_object(const chat_object& object) {
    if (object.has_error()) {
        base::error e = base::make_error(
            base::error_code_id::upstream_error, "The model server reported an error."
        );
        e.origin = base::error_origin::upstream;
        e.detail = base::clip(object.error, 512);
        listener_.on_event({.kind = answer_event_kind::failure, .text = object.error, .error = &e});
        return false;
    }
    if (!has_started_) {
        has_started_ = true;
        id_.clear();
        name_.clear();
        append_string_value(id_, object.id);
        append_string_value(name_, object.model);
        listener_.on_event({.kind = answer_event_kind::start, .id = id_, .model = name_});
    }
    if (others_.empty()) {
        take_choice(object, 0);
    } else {
        take_choices(object);
    }
    if (token_usage usage; read_usage(object.usage, usage)) {
        listener_.on_event({.kind = answer_event_kind::usage, .usage = &usage});
    }
    return true;
}

void chat_stream_decoder::take_choices(chat_object object) {
    json_cursor in(object.choices, json_cursor::depth_limit);
    std::string_view element;
    in.enter_array();
    while (object.has_choices && in.next_element() && in.skip(element)) {
        read_choice(element, object);
        if (const auto place = place_of_choice(object, 1 + others_.size(), 0)) {
            take_choice(object, *place);
        } else {
            ++dropped_;
        }
    }
}

void chat_stream_decoder::take_choice(const chat_object& object, std::size_t place) {
    place_ = place;
    auto& choice = current();
    if (object.has_choice && !choice.has_begun) {
        choice.has_begun = true;
        ++begun_;
    }
    if (object.has_choice && !object.message.empty()) {
        take_message(object.message);
    }
    if (object.finish_reason.size() > 2 && object.finish_reason.front() == '"'
        && !choice.has_finish) {
        choice.has_finish = true;
        ++finished_;
        emit_text(answer_event_kind::finish, object.finish_reason);
    }
}

void chat_stream_decoder::emit_text(
    answer_event_kind kind, std::string_view raw, std::string_view name
) {
    text_.clear();
    append_content_text(text_, raw);
    if (!text_.empty()) {
        has_content_ = has_content_ || kind != answer_event_kind::finish;
        listener_.on_event(
            {.kind = kind, .text = text_, .name = name, .choice = static_cast<int>(place_)}
        );
    }
}

void chat_stream_decoder::emit_list(std::string_view raw, std::string_view name) {
    if (holds_elements(raw)) {
        has_content_ = true;
        listener_.on_event(
            {.kind = answer_event_kind::reasoning_list,
             .text = raw,
             .name = name,
             .choice = static_cast<int>(place_)}
        );
    }
}

void chat_stream_decoder::take_message(std::string_view raw) {
    chat_message_fields fields;
    if (!read_message_fields(raw, fields)) {
        return;
    }
    emit_text(answer_event_kind::reasoning_delta, fields.reasoning_content, "reasoning_content");
    emit_text(answer_event_kind::reasoning_delta, fields.reasoning, "reasoning");
    emit_list(fields.thinking_blocks, "thinking_blocks");
    emit_list(fields.reasoning_details, "reasoning_details");
    emit_text(answer_event_kind::refusal_delta, fields.refusal);
    emit_text(answer_event_kind::text_delta, fields.content);
    if (!fields.tool_calls.empty() && fields.tool_calls.front() == '[') {
        take_tool_calls(fields.tool_calls);
    }
    if (!fields.function_call.empty() && fields.function_call.front() == '{') {
        name_.clear();
        text_.clear();
        append_string_value(name_, find_member(fields.function_call, "name"));
        append_string_value(text_, find_member(fields.function_call, "arguments"));
        has_content_ = true;
        listener_.on_event(
            {.kind = answer_event_kind::function_delta,
             .text = text_,
             .name = name_,
             .choice = static_cast<int>(place_)}
        );
    }
}

void chat_stream_decoder::take_tool_calls(std::string_view raw) {
    json_cursor in(raw, json_cursor::depth_limit);
    std::string_view element;
    in.enter_array();
    while (in.next_element() && in.skip(element)) {
        tool_call_fields fields;
        if (!read_tool_call(element, fields) || fields.is_malformed) {
            ++dropped_;
            continue;
        }
        id_.clear();
        name_.clear();
        text_.clear();
        append_string_value(id_, fields.id);
        append_string_value(name_, fields.name);
        append_string_value(text_, fields.arguments);
        const auto i = current().calls.find(fields.index, id_, name_);
        if (i == call_tracker::no_call) {
            ++dropped_;
            continue;
        }
        current().calls.add_arguments(i, text_);
        has_content_ = true;
        listener_.on_event(
            {.kind = answer_event_kind::tool_call_delta,
             .text = text_,
             .id = id_,
             .name = name_,
             .extra = fields.extra_content,
             .index = static_cast<int>(i),
             .choice = static_cast<int>(place_)}
        );
    }
}

}  // namespace meta_model::api
