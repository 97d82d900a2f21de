#include "api/draft_builder.hpp"

namespace meta_model::api {

namespace {

// What an empty tool call costs, so that a reply cannot hold millions of them.
constexpr std::size_t bytes_per_call = 64;

// More are no answer: an empty one takes twenty times its bytes.
constexpr std::size_t max_list_elements = 4096;

}  // namespace

void draft_builder::on_event(const answer_event& event) {
    switch (event.kind) {
        case answer_event_kind::start:
            draft_.id = event.id;
            draft_.model = event.model;
            return;
        case answer_event_kind::text_delta: return on_text(event.text);
        case answer_event_kind::reasoning_delta:
            return append(
                event.name == "reasoning" ? draft_.reasoning : draft_.reasoning_content, event.text
            );
        case answer_event_kind::reasoning_list:
            return append_list(event.name == "thinking_blocks" ? thinking_ : details_, event.text);
        case answer_event_kind::refusal_delta: return append(draft_.refusal, event.text);
        case answer_event_kind::tool_call_delta: return on_tool_call(event);
        case answer_event_kind::function_delta: return on_function(event);
        case answer_event_kind::finish:
            draft_.finish_reason = event.text;
            is_finished_ = true;
            return;
        case answer_event_kind::usage:
            if (event.usage != nullptr) {
                draft_.usage = *event.usage;
            }
            return;
        case answer_event_kind::failure:
            failure_ = event.error != nullptr ? *event.error : base::error{};
            return;
    }
}

void draft_builder::on_text(std::string_view text) {
    // An empty delta still says that there is content, not null.
    if (!draft_.content) {
        draft_.content.emplace();
    }
    append(*draft_.content, text);
    content_bytes_ += is_too_large_ ? 0 : text.size();
}

void draft_builder::forget_text() {
    keeps_text_ = false;
    draft_.content.reset();
    thinking_ = {};
    details_ = {};
    for (auto* text : {&draft_.reasoning, &draft_.reasoning_content, &draft_.refusal}) {
        *text = {};
    }
    for (auto& call : draft_.tool_calls) {
        call.arguments = {};
        call.extra_content = {};
    }
}

void draft_builder::on_tool_call(const answer_event& event) {
    const auto position = indices_.position_of(event.index);
    if (position >= draft_.tool_calls.size()) {
        if (!fits(bytes_per_call)) {
            return;
        }
        draft_.tool_calls.emplace_back();
    }
    auto& call = draft_.tool_calls[position];
    if (call.id.empty()) {
        append(call.id, event.id);
    }
    if (call.name.empty()) {
        append(call.name, event.name);
    }
    append(call.arguments, event.text);
    if (!event.extra.empty() && fits(event.extra.size()) && keeps_text_) {
        call.extra_content = event.extra;
    }
}

void draft_builder::on_function(const answer_event& event) {
    if (!draft_.function_call) {
        draft_.function_call.emplace();
    }
    auto& call = *draft_.function_call;
    if (call.name.empty()) {
        append(call.name, event.name);
    }
    append(call.arguments, event.text);
}

void draft_builder::append_list(object_pieces& to, std::string_view list) {
    if (!fits(list.size()) || !keeps_text_ || are_lists_lost_) {
        return;
    }
    list_bytes_ += list.size();
    are_lists_lost_ = list_bytes_ > max_seal_bytes;
    if (!are_lists_lost_) {
        to.add(list, true);
        are_lists_lost_ = to.size() > max_list_elements;
    }
    if (are_lists_lost_) {
        thinking_ = {};
        details_ = {};
    }
}

draft draft_builder::take() {
    const auto put = [](std::string& to, const object_pieces& from) {
        if (!from.is_empty()) {
            from.append_list(to);
        }
    };
    put(draft_.thinking_blocks, thinking_);
    put(draft_.reasoning_details, details_);
    return std::move(draft_);
}

bool draft_builder::fits(std::size_t bytes) {
    // Once something is missing, later pieces would not belong together.
    is_too_large_ = is_too_large_ || bytes > options_.max_bytes - bytes_;
    if (!is_too_large_) {
        bytes_ += bytes;
    }
    return !is_too_large_;
}

void draft_builder::append(std::string& to, std::string_view text) {
    if (fits(text.size()) && keeps_text_) {
        to += text;
    }
}

}  // namespace meta_model::api
