#include "dispatch/live_answer.hpp"

#include "base/text.hpp"
#include "dispatch/filtered_stream.hpp"
#include "dispatch/stream_keepalive.hpp"

#include <chrono>

namespace meta_model::dispatch {

live_answer::live_answer(request_context& context)
    : context_(context), encoder_(out_, stream_options(context, context.target.expose_reasoning)) {}

void live_answer::on_event(const api::answer_event& event) {
    using kind = api::answer_event_kind;
    if (event.kind == kind::text_delta) {
        const auto text = filter_.feed(event.text);
        if (!text.empty()) {
            has_begun_ = has_begun_ || !base::trim(text).empty();
            encoder_.on_event({.kind = kind::text_delta, .text = text});
        }
    } else if (event.kind == kind::reasoning_delta || event.kind == kind::refusal_delta) {
        has_begun_ = has_begun_ || event.kind == kind::refusal_delta;
        encoder_.on_event(event);
    }
    // Calls were not asked for; finish and usage wait until the end is known to be one.
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
        context_.record.first_byte = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - context_.start);
    }
    out_.clear();
    if (state == write_state::pending) {
        co_return co_await context_.sink.drain();
    }
    co_return state == write_state::done;
}

net::task<> live_answer::close(std::string_view finish_reason, const std::optional<api::token_usage>& usage) {
    is_over_ = true;
    const auto rest = filter_.finish();
    if (!rest.empty()) {
        encoder_.on_event({.kind = api::answer_event_kind::text_delta, .text = rest});
    }
    encoder_.on_event({.kind = api::answer_event_kind::finish, .text = finish_reason});
    if (usage) {
        encoder_.on_event({.kind = api::answer_event_kind::usage, .usage = &*usage});
    }
    encoder_.close();
    co_await flush();
    if (context_.sink.end({}) == write_state::pending) {
        co_await context_.sink.drain();
    }
    co_return;
}

net::task<> live_answer::fail(const base::error& e) {
    is_over_ = true;
    encoder_.on_event({.kind = api::answer_event_kind::failure, .error = &e});
    co_await flush();
    if (context_.sink.end({}) == write_state::pending) {
        co_await context_.sink.drain();
    }
    co_return;
}

}  // namespace meta_model::dispatch
