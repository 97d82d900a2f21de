#include "dispatch/filtered_stream.hpp"

#include "base/text.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/token_estimate.hpp"
#include "dispatch/upstream_errors.hpp"

#include <chrono>

namespace meta_model::dispatch {

namespace {

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch()
    )
        .count();
}

// Commits with, or writes, what the encoder made. Empties it.
net::task<bool> write_out(request_context& c, std::string& out) {
    auto state = write_state::done;
    if (!c.sink.is_committed()) {
        c.record.first_byte = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - c.start
        );
        std::string storage;
        const auto head = stream_keepalive::stream_head(c, storage);
        state = c.sink.begin(head, std::nullopt, {out});
    } else if (!out.empty()) {
        state = c.sink.write({out});
    }
    out.clear();
    if (state == write_state::pending) {
        co_return co_await c.sink.drain();
    }
    co_return state == write_state::done;
}

}  // namespace

void record_answer(
    request_context& c, const std::optional<api::token_usage>& usage, std::size_t content_bytes
) {
    c.record.final_content_chars = static_cast<std::uint32_t>(content_bytes);
    if (usage) {
        c.record.tokens_in = usage->prompt_tokens;
        c.record.tokens_out = usage->completion_tokens;
    } else {
        c.usage_is_estimated = true;
        c.record.tokens_out = estimate_text_tokens(content_bytes);
    }
}

api::chat_stream_options stream_options(
    const request_context& c, bool expose_reasoning, std::string_view written_model
) {
    api::chat_stream_options options;
    options.created = unix_now();
    options.model =
        c.is_model_replaced() || written_model.empty() ? c.reply_model() : written_model;
    options.include_usage = c.request.include_usage();
    options.expose_reasoning = expose_reasoning;
    return options;
}

net::task<> send_draft_as_stream(
    request_context& c, api::draft answer, bool expose_reasoning, std::string extension
) {
    if (!expose_reasoning) {
        if (answer.content) {
            answer.content = api::strip_in_band_reasoning(*answer.content);
        }
        api::rescue_reasoning(answer);
    }
    std::string out;
    auto options = stream_options(c, expose_reasoning, answer.model);
    options.extension = std::move(extension);
    api::chat_stream_encoder encoder(out, options);
    api::emit_whole_draft(answer, encoder);
    encoder.close();
    record_answer(c, answer.usage, answer.content ? answer.content->size() : 0);
    c.record.final_tool_call_count = static_cast<std::uint32_t>(answer.tool_calls.size());
    co_await write_out(c, out);
    if (c.sink.end({}) == write_state::pending) {
        co_await c.sink.drain();
    }
    co_return;
}

filtered_stream::filtered_stream(request_context& context, upstream::call& call)
    : context_(context), call_(call), decoder_(*this) {
}

void filtered_stream::on_event(const api::answer_event& event) {
    using kind = api::answer_event_kind;
    if (!encoder_) {
        encoder_.emplace(out_, stream_options(context_, false, event.model));
    }
    switch (event.kind) {
        case kind::reasoning_delta:
            if (!has_visible_) {
                held_reasoning_ += event.text;
            }
            return;
        case kind::text_delta: {
            const auto text = filter_.feed(event.text);
            if (!text.empty()) {
                has_visible_ = has_visible_ || !base::trim(text).empty();
                encoder_->on_event({.kind = kind::text_delta, .text = text});
            }
            return;
        }
        case kind::finish: finish_reason_ = event.text; return;
        case kind::usage: usage_ = *event.usage; return;
        case kind::failure:
            failure_ = *event.error;
            failure_->detail = "error event " + loggable(context_, event.error->detail);
            return;
        case kind::tool_call_delta:
        case kind::function_delta: has_calls_ = true; [[fallthrough]];
        default: encoder_->on_event(event);
    }
}

// The last of the text, or the reasoning in its place when the answer has nothing to show.
void filtered_stream::end_text() {
    const auto rest = filter_.finish();
    if (!rest.empty()) {
        has_visible_ = has_visible_ || !base::trim(rest).empty();
        encoder_->on_event({.kind = api::answer_event_kind::text_delta, .text = rest});
    }
    const auto rescued = base::trim(held_reasoning_);
    if (!has_visible_ && !has_calls_ && !rescued.empty()) {
        encoder_->on_event({.kind = api::answer_event_kind::text_delta, .text = rescued});
    }
}

net::task<bool> filtered_stream::flush() {
    if (out_.empty()) {
        co_return true;
    }
    co_return co_await write_out(context_, out_);
}

net::task<base::maybe_error> filtered_stream::run() {
    std::size_t content_bytes = 0;
    const bool is_single = has_one_choice(context_.request);
    for (bool go_on = true; go_on;) {
        char* const buffer = context_.loop.scratch();
        std::size_t got = 0;
        const auto state = call_.try_read(buffer, net::event_loop::scratch_bytes, got);
        if (state == upstream::read_state::would_block) {
            co_await call_.wait();
            continue;
        }
        if (state == upstream::read_state::end) {
            break;
        }
        if (state == upstream::read_state::failed) {
            if (!decoder_.is_done()) {
                failure_ = error_of(context_, call_.error());
            }
            break;
        }
        if (!decoder_.feed({buffer, got}) && !failure_) {
            failure_ = error_of({upstream::call_fault::too_large, "an event above 1 MiB"});
        }
        if (decoder_.has_content()) {
            call_.note_first_token();
        }
        if (failure_) {
            break;
        }
        content_bytes += out_.size();
        go_on = co_await flush();
        if (decoder_.is_done() || (decoder_.has_finished() && is_single)) {
            call_.expect_end();
        }
    }
    context_.dropped_events += decoder_.dropped_events();
    if (!failure_ && !decoder_.is_done() && !decoder_.has_finished()) {
        failure_ = error_of({upstream::call_fault::cut, "the stream ended without a finish"});
    }
    record_answer(context_, usage_, content_bytes);
    if (failure_ && !context_.sink.is_committed() && out_.empty()) {
        co_return std::move(failure_);
    }
    if (failure_) {
        context_.was_cut = true;
        context_.record.outcome = telemetry::outcome_of(failure_->id);
        context_.error_detail = failure_->detail;
        if (!encoder_) {
            encoder_.emplace(out_, stream_options(context_, false));
        }
        encoder_->on_event({.kind = api::answer_event_kind::failure, .error = &*failure_});
    } else if (encoder_) {
        end_text();
        encoder_->on_event({.kind = api::answer_event_kind::finish, .text = finish_reason_});
        if (usage_) {
            encoder_->on_event({.kind = api::answer_event_kind::usage, .usage = &*usage_});
        }
        encoder_->close();
    }
    co_await write_out(context_, out_);
    if (context_.sink.end({}) == write_state::pending) {
        co_await context_.sink.drain();
    }
    co_return std::nullopt;
}

}  // namespace meta_model::dispatch
