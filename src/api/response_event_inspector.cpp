#include "api/response_event_inspector.hpp"

#include "api/json_walk.hpp"
#include "api/sse_events.hpp"
#include "api/wire_words.hpp"
#include "base/text.hpp"

namespace meta_model::api {

// Raw values; empty where absent.
struct response_event_inspector::fields {
    std::string_view type{};
    std::string_view sequence_number{};
    std::string_view delta{};
    std::string_view response{};
    std::string_view error{};

    void take(std::string_view key, std::string_view value) {
        if (key == "type") {
            type = value;
        } else if (key == "sequence_number") {
            sequence_number = value;
        } else if (key == "delta") {
            delta = value;
        } else if (key == "response") {
            response = value;
        } else if (key == "error") {
            error = value;
        }
    }
};

event_verdict response_event_inspector::inspect(std::string_view event) {
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
    constexpr auto last = std::int64_t{1} << 53;  // that every JSON reader takes
    if (std::int64_t n = 0; to_int64(f.sequence_number, n) && n >= 0 && n < last) {
        next_sequence_ = n + 1;
    }
    return judge(f, data, event);
}

event_verdict response_event_inspector::judge(
    const fields& f, std::string_view data, std::string_view event
) {
    const auto type = string_body(f.type);
    if (is_json_string(f.delta) && f.delta.size() > 2) {
        has_content_ = true;
        content_bytes_ += type == "response.output_text.delta" ? f.delta.size() - 2 : 0;
        return event_verdict::data;
    }
    if (is_json_object(f.response)) {
        take_response(f.response, event);
    }
    has_content_ = has_content_ || type.ends_with(".done");
    if (type == "response.completed" || type == "response.incomplete"
        || type == "response.cancelled") {
        has_finish_ = true;
        return event_verdict::done;
    }
    if (type == "response.failed") {
        has_failed_ = true;
        const auto told = find_member(f.response, "error");
        error_ = is_json_object(told) ? told : std::string_view("{}");
        return event_verdict::failure;
    }
    if (type == "error" || (type.empty() && is_given(f.error))) {
        error_ = is_json_object(f.error) ? f.error : data;
        return event_verdict::failure;
    }
    return event_verdict::data;
}

void response_event_inspector::take_response(std::string_view response, std::string_view event) {
    walk_object(response, [&](std::string_view key, std::string_view value) {
        if (key == "model" && is_json_string(value) && is_within(event, value)) {
            model_offset_ = static_cast<std::size_t>(value.data() - event.data());
            model_length_ = value.size();
        } else if (key == "usage") {
            token_usage counts;
            if (read_usage_of(request_kind::responses, value, counts)) {
                usage_ = std::move(counts);
            }
        }
    });
}

}  // namespace meta_model::api
