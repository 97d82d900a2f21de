#include "api/responses_events.hpp"

#include "api/json_text.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::api {

void response_events::open_event(std::string_view type) {
    event_begin_ = out_->size();
    out_->append("event: ").append(type).append("\ndata: {\"type\":\"").append(type);
    out_->append(R"(","sequence_number":)");
    append_json_number(*out_, static_cast<std::int64_t>(++sequence_));
}

void response_events::open_item_event(std::string_view type, std::size_t item) {
    open_event(type);
    out_->append(R"(,"item_id":")").append(items_[item].id).append("\"");
    add_number("output_index", item);
}

void response_events::add_number(std::string_view name, std::size_t value) {
    out_->append(",\"").append(name).append("\":");
    append_json_number(*out_, static_cast<std::int64_t>(value));
}

void response_events::add_text_member(std::string_view name, std::string_view escaped) {
    out_->append(",\"").append(name).append("\":\"").append(escaped).append("\"");
}

void response_events::close_event() {
    out_->append("}\n\n");
    if (listener_ != nullptr) {
        listener_->on_event(sequence_, std::string_view(*out_).substr(event_begin_));
    }
}

void response_events::add_snapshot(
    std::string_view type, response_status status, std::string_view extension
) {
    response_ending snapshot;
    snapshot.status = status;
    snapshot.model = ending_.model;
    snapshot.extension = extension;
    open_event(type);
    out_->append(R"(,"response":)");
    append_response(*out_, facts_, snapshot, {});
    close_event();
}

void response_events::begin() {
    if (has_begun_) {
        return;
    }
    has_begun_ = true;
    if (facts_.is_background) {
        add_snapshot("response.created", response_status::queued);
        add_snapshot("response.queued", response_status::queued);
    } else {
        add_snapshot("response.created", response_status::in_progress);
    }
    add_snapshot("response.in_progress", response_status::in_progress);
}

void response_events::tell_progress(std::string_view extension) {
    auto echo = std::exchange(facts_.echo, {});  // told once, however often there is progress
    add_snapshot("response.in_progress", response_status::in_progress, extension);
    facts_.echo = std::move(echo);
}

std::size_t response_events::add_item(output_item item) {
    const auto index = items_.size();
    items_.push_back(std::move(item));
    open_event("response.output_item.added");
    add_number("output_index", index);
    out_->append(R"(,"item":)");
    append_item(*out_, items_.back(), item_state::in_progress, facts_);
    close_event();
    return index;
}

// Texts and refusals of a message have one part each.
std::size_t response_events::open_part(std::size_t item, bool is_refusal) {
    auto& parts = items_[item].parts;
    const auto found = std::ranges::find(parts, is_refusal, &output_part::is_refusal);
    const auto index = static_cast<std::size_t>(found - parts.begin());
    if (found != parts.end()) {
        return index;
    }
    parts.push_back({.is_refusal = is_refusal});
    open_item_event("response.content_part.added", item);
    add_number("content_index", index);
    out_->append(R"(,"part":)");
    append_empty_part(*out_, parts.back());
    close_event();
    return index;
}

void response_events::add_text(
    std::size_t item, std::string_view text, bool is_refusal, std::string_view logprobs
) {
    const auto index = open_part(item, is_refusal);
    auto& part = items_[item].parts[index];
    part.text += text;
    open_item_event(is_refusal ? "response.refusal.delta" : "response.output_text.delta", item);
    add_number("content_index", index);
    add_text_member("delta", text);
    if (!is_refusal) {
        out_->append(R"(,"logprobs":[)").append(logprobs).append("]");
        if (!logprobs.empty()) {
            part.logprobs.append(part.logprobs.empty() ? "" : ",").append(logprobs);
        }
    }
    close_event();
}

void response_events::add_annotation(std::size_t item, std::string_view chat_annotation) {
    const auto index = open_part(item, false);
    auto& part = items_[item].parts[index];
    std::string annotation;
    append_annotation(annotation, chat_annotation);
    open_item_event("response.output_text.annotation.added", item);
    add_number("content_index", index);
    add_number("annotation_index", part.annotation_count++);
    out_->append(R"(,"annotation":)").append(annotation);
    close_event();
    part.annotations.append(part.annotations.empty() ? "" : ",").append(annotation);
}

// The first text of a reasoning item opens its part.
void response_events::add_reasoning_text(std::size_t item, std::string_view text) {
    const bool is_summary = facts_.wants_summary;
    const std::string_view place = is_summary ? "summary_index" : "content_index";
    if (items_[item].text.empty()) {
        open_item_event(
            is_summary ? "response.reasoning_summary_part.added" : "response.content_part.added",
            item
        );
        add_number(place, 0);
        out_->append(
            is_summary ? R"(,"part":{"type":"summary_text","text":""})"
                       : R"(,"part":{"type":"reasoning_text","text":""})"
        );
        close_event();
    }
    items_[item].text += text;
    open_item_event(
        is_summary ? "response.reasoning_summary_text.delta" : "response.reasoning_text.delta", item
    );
    add_number(place, 0);
    add_text_member("delta", text);
    close_event();
}

void response_events::keep_reasoning(
    std::size_t item, std::string_view key, std::string_view value
) {
    items_[item].reasoning.add(key, value, true);
}

void response_events::keep_thought(std::size_t item, std::string_view text) {
    items_[item].reasoning.thought += text;
}

void response_events::add_call_text(std::size_t item, std::string_view text) {
    if (text.empty()) {
        return;
    }
    items_[item].text += text;
    open_item_event(
        items_[item].kind == output_kind::custom_call ? "response.custom_tool_call_input.delta"
                                                      : "response.function_call_arguments.delta",
        item
    );
    add_text_member("delta", text);
    close_event();
}

void response_events::add_call_details(std::size_t item, std::string_view details) {
    if (items_[item].details.empty()) {
        items_[item].details = details;
    }
}

void response_events::close_part(std::size_t item, std::size_t index) {
    const auto& part = items_[item].parts[index];
    open_item_event(part.is_refusal ? "response.refusal.done" : "response.output_text.done", item);
    add_number("content_index", index);
    add_text_member(part.is_refusal ? "refusal" : "text", part.text);
    if (!part.is_refusal) {
        out_->append(R"(,"logprobs":[)").append(part.logprobs).append("]");
    }
    close_event();
    open_item_event("response.content_part.done", item);
    add_number("content_index", index);
    out_->append(R"(,"part":)");
    append_part(*out_, part);
    close_event();
}

void response_events::close_reasoning(std::size_t item) {
    const std::string_view text = items_[item].text;
    if (text.empty()) {
        return;
    }
    const bool is_summary = facts_.wants_summary;
    const std::string_view place = is_summary ? "summary_index" : "content_index";
    open_item_event(
        is_summary ? "response.reasoning_summary_text.done" : "response.reasoning_text.done", item
    );
    add_number(place, 0);
    add_text_member("text", text);
    close_event();
    open_item_event(
        is_summary ? "response.reasoning_summary_part.done" : "response.content_part.done", item
    );
    add_number(place, 0);
    out_->append(R"(,"part":{"type":")");
    out_->append(is_summary ? "summary_text" : "reasoning_text").append("\"");
    add_text_member("text", text);
    out_->append("}");
    close_event();
}

void response_events::close_call(std::size_t index) {
    const auto& item = items_[index];
    if (item.kind == output_kind::custom_call) {
        open_item_event("response.custom_tool_call_input.done", index);
        add_text_member("input", item.text);
    } else {
        open_item_event("response.function_call_arguments.done", index);
        out_->append(R"(,"name":)").append(item.name);
        add_text_member("arguments", item.text);
    }
    close_event();
}

void response_events::close_item(std::size_t index, item_state as) {
    auto& item = items_[index];
    if (item.is_done) {
        return;
    }
    item.is_done = true;
    if (item.kind == output_kind::reasoning) {
        close_reasoning(index);
    } else if (item.kind == output_kind::message) {
        for (std::size_t i = 0; i < item.parts.size(); ++i) {
            close_part(index, i);
        }
    } else {
        close_call(index);
    }
    open_event("response.output_item.done");
    add_number("output_index", index);
    out_->append(R"(,"item":)");
    append_item(*out_, item, as, facts_);
    close_event();
}

// What is kept must be there before a client can ask for it.
void response_events::end(std::string_view type) {
    is_over_ = true;
    std::string response;
    append_response(response, facts_, ending_, items_);
    if (listener_ != nullptr) {
        listener_->on_final(ending_.status, response);
    }
    open_event(type);
    out_->append(R"(,"response":)").append(response);
    close_event();
}

void response_events::finish() {
    ending_.status = status_of_finish(ending_.finish_reason);
    const bool is_cut = ending_.status == response_status::incomplete;
    for (std::size_t i = 0; i < items_.size(); ++i) {
        const bool is_last = i + 1 == items_.size();
        close_item(i, is_cut && is_last ? item_state::incomplete : item_state::completed);
    }
    end(is_cut ? "response.incomplete" : "response.completed");
}

void response_events::fail(const response_failure& failure) {
    ending_.status = response_status::failed;
    ending_.failure = &failure;
    end("response.failed");
    ending_.failure = nullptr;
}

}  // namespace meta_model::api
