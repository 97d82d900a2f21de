#include "dispatch/reasoning_policy.hpp"

#include "api/chat_wire.hpp"
#include "api/json_text.hpp"
#include "api/reasoning.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace meta_model::dispatch {

namespace {

struct member {
    std::string_view key;
    std::string_view value;
    const char* begin;  // of the key's quote
};

bool is_reasoning(const member& m) {
    return m.key == "reasoning" || m.key == "reasoning_content" || m.key == "thinking_blocks"
           || m.key == "reasoning_details";
}

// Removes the reasoning members of an object, with the commas that go with them.
void remove_members(const std::vector<member>& members, const char* text, api::span_edits& edits) {
    const auto at = [&](const char* p) { return static_cast<std::size_t>(p - text); };
    const char* kept_end = nullptr;
    for (std::size_t i = 0; i < members.size();) {
        const char* const value_end = members[i].value.data() + members[i].value.size();
        if (!is_reasoning(members[i])) {
            kept_end = value_end;
            ++i;
            continue;
        }
        const auto first = i;
        while (i < members.size() && is_reasoning(members[i])) {
            ++i;
        }
        const char* const last_end = members[i - 1].value.data() + members[i - 1].value.size();
        if (i < members.size()) {
            edits.replace(at(members[first].begin), at(members[i].begin), {});
        } else {
            edits.replace(
                at(kept_end != nullptr ? kept_end : members[first].begin), at(last_end), {}
            );
        }
    }
}

void strip_string(std::string_view raw, const char* text, api::span_edits& edits) {
    std::string value;
    if (!api::append_string_value(value, raw)) {
        return;
    }
    const auto stripped = api::strip_in_band_reasoning(value);
    if (stripped == value) {
        return;
    }
    std::string json;
    api::append_json_string(json, stripped);
    const auto at = static_cast<std::size_t>(raw.data() - text);
    edits.replace_owned(at, at + raw.size(), std::move(json));
}

void strip_parts(std::string_view raw, const char* text, api::span_edits& edits) {
    api::json_cursor in(raw, api::json_cursor::depth_limit);
    std::string_view part;
    in.enter_array();
    while (in.next_element() && in.skip(part)) {
        const auto value = api::find_member(part, "text");
        if (!value.empty() && value.front() == '"') {
            strip_string(value, text, edits);
        }
    }
}

void hide_in_message(std::string_view raw, const char* text, api::span_edits& edits) {
    std::vector<member> members;
    api::json_cursor in(raw, api::json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    in.enter_object();
    while (in.next_member(key) && in.skip(value)) {
        members.push_back({key, value, key.data() - 1});
    }
    remove_members(members, text, edits);

    api::chat_message_fields fields;
    api::read_message_fields(raw, fields);
    api::draft d;
    if (!fields.content.empty() && fields.content != "null") {
        api::append_content_text(d.content.emplace(), fields.content);
        d.content = api::strip_in_band_reasoning(*d.content);
    }
    const bool calls = (fields.tool_calls.size() > 2 && fields.tool_calls.front() == '[')
                       || (!fields.function_call.empty() && fields.function_call.front() == '{');
    api::append_string_value(d.reasoning_content, fields.reasoning_content);
    api::append_string_value(d.reasoning, fields.reasoning);
    const bool has_reasoning = !d.reasoning_content.empty() || !d.reasoning.empty();
    const bool is_refused = fields.refusal.size() > 2 && fields.refusal.front() == '"';
    if (!calls && !is_refused && has_reasoning && !api::has_visible_content(d)) {
        api::rescue_reasoning(d);
        std::string json;
        api::append_json_string(json, d.content.value_or(""));
        if (fields.content.empty()) {
            const auto at = static_cast<std::size_t>(raw.data() - text) + 1;
            const auto kept =
                std::ranges::count_if(members, [](const member& m) { return !is_reasoning(m); });
            edits.replace_owned(at, at, "\"content\":" + json + (kept > 0 ? "," : ""));
        } else {
            const auto at = static_cast<std::size_t>(fields.content.data() - text);
            edits.replace_owned(at, at + fields.content.size(), std::move(json));
        }
        return;
    }
    if (!fields.content.empty() && fields.content.front() == '"') {
        strip_string(fields.content, text, edits);
    } else if (!fields.content.empty() && fields.content.front() == '[') {
        strip_parts(fields.content, text, edits);
    }
}

}  // namespace

void hide_reasoning(std::string_view body, api::span_edits& edits) {
    const auto choices = api::find_member(body, "choices");
    if (choices.empty() || choices.front() != '[') {
        return;
    }
    api::json_cursor in(choices, api::json_cursor::depth_limit);
    std::string_view choice;
    in.enter_array();
    while (in.next_element() && in.skip(choice)) {
        const auto message = api::find_member(choice, "message");
        if (!message.empty() && message.front() == '{') {
            hide_in_message(message, body.data(), edits);
        }
    }
}

}  // namespace meta_model::dispatch
