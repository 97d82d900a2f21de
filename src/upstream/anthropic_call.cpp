#include "upstream/anthropic_call.hpp"

#include "api/anthropic_reply.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace meta_model::upstream {

namespace {

constexpr std::string_view chat_path = "/chat/completions";
constexpr std::string_view messages_path = "/messages";

std::int64_t unix_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

api::messages_options messages_options_of(const config::upstream& config) {
    api::messages_options out;
    out.max_output = config.max_output;
    for (const auto& [key, value] : config.request_overrides) {
        out.passed_members.push_back(key);
    }
    if (!config.anthropic) {
        return out;
    }
    const auto& own = *config.anthropic;
    out.thinking = own.thinking == "adaptive"  ? api::thinking_mode::adaptive
                   : own.thinking == "enabled" ? api::thinking_mode::enabled
                                               : api::thinking_mode::off;
    out.effort = own.effort;
    if (own.budget_tokens) {
        out.budget_tokens = *own.budget_tokens;
    }
    out.has_prompt_caching = own.prompt_caching;
    out.structured_outputs = own.structured_outputs == "native" ? api::schema_wording::native
                             : own.structured_outputs == "off"  ? api::schema_wording::off
                                                                : api::schema_wording::prompt;
    return out;
}

anthropic_call::anthropic_call(std::unique_ptr<http_call> inner, const upstream_state& upstream)
    : inner_(std::move(inner)), config_(upstream.config) {
}

net::task<call_error> anthropic_call::start(const call_options& options) {
    if (options.path != chat_path || options.body == nullptr) {
        auto fault = co_await inner_->start(options);
        reply_ = inner_->reply();
        co_return fault;
    }
    is_translated_ = true;
    telling_ = options.telling;
    std::string body;
    {
        std::string chat;
        chat.reserve(api::total_size(*options.body));
        for (const auto part : *options.body) {
            chat += part;
        }
        if (!api::write_messages_request(chat, messages_options_of(config_), body, request_)) {
            error_ = {call_fault::misconfigured, "the request cannot be translated"};
            co_return error_;
        }
    }
    const api::pieces pieces{body};
    auto translated = options;
    translated.path = messages_path;
    translated.body = &pieces;
    auto fault = co_await inner_->start(translated);
    if (!fault) {
        adopt_reply();
    }
    co_return fault;
}

// What the head says of a reply holds for its translation, except its length.
void anthropic_call::adopt_reply() {
    reply_ = inner_->reply();
    const auto status = reply_.status;
    reply_.status = api::chat_status_of(status);
    reply_.has_length = false;
    reply_.content_length = 0;
    const bool is_ok = status >= 200 && status <= 299;
    if (is_ok && reply_.kind == body_kind::event_stream && !reply_.is_encoded) {
        stream_.emplace(config_.model_id, unix_now(), request_.wants_usage, telling_);
    }
}

void anthropic_call::note_usage(const api::messages_usage& usage) {
    if (!usage.is_told || usage_) {
        return;
    }
    usage_ = usage.as_chat();
}

// A reply that is no message is handed on as it is: it is judged as any other upstream's.
void anthropic_call::translate_whole() {
    const bool is_ok = reply_.status >= 200 && reply_.status <= 299;
    const auto status = is_ok ? 0 : reply_.status;
    if (!is_ok || !api::append_chat_completion(whole_, config_.model_id, unix_now(), out_)) {
        const bool is_error = api::append_chat_error(whole_, status, out_);
        if (!is_error) {
            out_ = std::move(whole_);
        }
    }
    std::string().swap(whole_);
}

void anthropic_call::take(std::string_view bytes) {
    if (!stream_) {
        whole_ += bytes;
        return;
    }
    if (!stream_->feed(bytes, out_)) {
        error_ = {call_fault::too_large, "an event above 1 MiB"};
        inner_->cancel();
    }
    if (stream_->has_begun()) {
        inner_->note_first_token();
    }
    if (stream_->has_finished()) {
        note_usage(stream_->usage());
    }
}

read_state anthropic_call::hand_out(char* into, std::size_t room, std::size_t& got) {
    got = std::min(room, out_.size() - offset_);
    std::memcpy(into, out_.data() + offset_, got);
    offset_ += got;
    if (offset_ == out_.size()) {
        out_.clear();
        offset_ = 0;
    }
    return read_state::data;
}

read_state anthropic_call::try_read(char* into, std::size_t room, std::size_t& got) {
    if (!is_translated_) {
        return inner_->try_read(into, room, got);
    }
    while (!has_unread()) {
        if (error_) {
            return read_state::failed;
        }
        if (has_ended_) {
            return read_state::end;
        }
        std::size_t read = 0;
        const auto state = inner_->try_read(into, room, read);
        if (state == read_state::data) {
            take({into, read});
        } else if (state == read_state::end) {
            has_ended_ = true;
            if (!stream_) {
                translate_whole();
            }
        } else {
            return state;
        }
    }
    return hand_out(into, room, got);
}

net::task<> anthropic_call::wait() {
    if (has_unread() || error_ || has_ended_) {
        co_return;
    }
    co_await inner_->wait();
}

}  // namespace meta_model::upstream
