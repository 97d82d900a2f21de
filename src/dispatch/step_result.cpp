#include "dispatch/step_result.hpp"

#include "api/chat_wire.hpp"
#include "api/reasoning.hpp"
#include "base/text.hpp"

namespace meta_model::dispatch {

namespace {

// Content that is a list of parts does not count as text here. Streams have none.
bool has_list_content(std::string_view body) {
    api::chat_object object;
    api::chat_message_fields fields;
    return api::read_chat_object(body, object) && api::read_message_fields(object.message, fields)
           && fields.content.starts_with('[');
}

bool is_filled(std::string_view text) {
    return !base::trim(text).empty();
}

}  // namespace

int status_of(const leg_result& result) {
    return result.error_status != 0 ? result.error_status : result.status;
}

bool is_answer(const leg_result& result, bool hides_reasoning) {
    const auto& d = result.draft;
    if (!d.tool_calls.empty() || d.function_call || is_filled(d.refusal)
        || d.finish_reason == "content_filter") {
        return true;
    }
    if (d.content && !has_list_content(result.body)
        && is_filled(hides_reasoning ? api::strip_in_band_reasoning(*d.content) : *d.content)) {
        return true;
    }
    return is_filled(d.reasoning_content) || is_filled(d.reasoning);
}

}  // namespace meta_model::dispatch
