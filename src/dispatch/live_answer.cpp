#include "dispatch/live_answer.hpp"

#include "base/text.hpp"
#include "dispatch/draft_reply.hpp"
#include "dispatch/stream_keepalive.hpp"

#include <chrono>

namespace meta_model::dispatch {

live_answer::live_answer(request_context& context, live_role role)
    : context_(context), role_(role) {
}

api::chat_stream_encoder& live_answer::encoder(std::string_view written_model) {
    if (!encoder_) {
        encoder_.emplace(
            out_, stream_options(context_, context_.target.expose_reasoning, written_model)
        );
    }
    return *encoder_;
}

void live_answer::on_text(std::string_view text) {
    if (!text.empty()) {
        has_begun_ = has_begun_ || !base::trim(text).empty();
        text_bytes_ += text.size();
        if (keeps_text_ && text_bytes_ > most_kept_bytes) {
            keeps_text_ = false;
            text_ = {};
        }
        if (keeps_text_) {
            text_ += text;
        }
        encoder().on_event({.kind = api::answer_event_kind::text_delta, .text = text});
    }
}

void live_answer::on_event(const api::answer_event& event) {
    using kind = api::answer_event_kind;
    const bool is_step = role_ == live_role::step;
    const bool shows_reasoning = is_step && context_.target.expose_reasoning;
    switch (event.kind) {
        case kind::start: encoder(event.model); return;
        case kind::text_delta:
            return on_text(shows_reasoning ? event.text : filter_.feed(event.text));
        case kind::reasoning_delta:
            has_begun_ = has_begun_ || (shows_reasoning && !base::trim(event.text).empty());
            break;
        case kind::reasoning_list: break;
        case kind::refusal_delta:
            has_begun_ = true;
            is_plain_text_ = false;
            break;
        case kind::tool_call_delta:
        case kind::function_delta:
            if (!is_step) {
                return;  // a synthesizer was not asked for calls
            }
            has_begun_ = true;
            is_plain_text_ = false;
            break;
        default: return;  // finish and usage wait until the end is known to be one
    }
    encoder().on_event(event);
}

net::task<bool> live_answer::flush() {
    if (!(has_begun_ || is_over_) || out_.empty()) {
        co_return true;
    }
    auto state = write_state::done;
    if (!context_.sink.is_committed()) {
        std::string storage;
        const auto head = stream_keepalive::stream_head(context_, storage);
        state = context_.sink.begin(head, std::nullopt, {out_});
    } else {
        state = context_.sink.write({out_});
    }
    if (context_.record.first_byte == telemetry::not_reached) {
        context_.note_first_byte();
    }
    out_.clear();
    if (state == write_state::pending) {
        co_return co_await context_.sink.drain();
    }
    co_return state == write_state::done;
}

net::task<> live_answer::close(
    std::string_view finish_reason, const std::optional<api::token_usage>& usage
) {
    is_over_ = true;
    on_text(filter_.finish());
    encoder().set_extension(reply_extension(context_));
    encoder().on_event({.kind = api::answer_event_kind::finish, .text = finish_reason});
    if (usage) {
        encoder().on_event({.kind = api::answer_event_kind::usage, .usage = &*usage});
    }
    encoder().close();
    co_await flush();
    if (context_.sink.end({}) == write_state::pending) {
        co_await context_.sink.drain();
    }
    co_return;
}

net::task<> live_answer::fail(const base::error& e) {
    is_over_ = true;
    encoder().on_event({.kind = api::answer_event_kind::failure, .error = &e});
    co_await flush();
    if (context_.sink.end({}) == write_state::pending) {
        co_await context_.sink.drain();
    }
    co_return;
}

net::task<base::maybe_error> end_committed(request_context& context, base::maybe_error failure) {
    if (!failure || !context.sink.is_committed()) {
        co_return std::move(failure);
    }
    context.record.outcome = telemetry::outcome_of(failure->id);
    context.error_detail = failure->detail;
    live_answer empty(context);
    co_await empty.fail(*failure);
    co_return std::nullopt;
}

}  // namespace meta_model::dispatch
