#include "dispatch/filtered_stream.hpp"

#include "base/text.hpp"
#include "dispatch/breach_log.hpp"
#include "dispatch/draft_reply.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/whole_reply.hpp"

namespace meta_model::dispatch {

filtered_stream::filtered_stream(
    request_context& context, upstream::call& call, relay_account* account
)
    : context_(context),
      call_(call),
      account_(account),
      policy_(resolve_tool_policy(
          context.request, context.target.profile != nullptr && context.target.profile->strip_tools
      )),
      declared_(policy_, *this),
      decoder_(declared_) {
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
        case kind::reasoning_list: return;
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
        case kind::refusal_delta: has_refusal_ = true; return encoder_->on_event(event);
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
    if (!has_visible_ && !has_calls_ && !has_refusal_ && !rescued.empty()) {
        encoder_->on_event({.kind = api::answer_event_kind::text_delta, .text = rescued});
    }
}

void filtered_stream::judge_calls() {
    if (!declared_.breach()) {
        return;
    }
    log_breach(context_, *context_.target.upstreams.front(), *declared_.breach());
    const bool shows_something =
        has_visible_ || has_calls_ || has_refusal_ || !base::trim(held_reasoning_).empty();
    if (!failure_ && !shows_something) {
        failure_ = protocol_error("nothing but calls that are not declared");
    }
}

net::task<bool> filtered_stream::flush() {
    if (out_.empty()) {
        co_return true;
    }
    co_return co_await write_encoded(context_, out_);
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
    judge_calls();
    if (!usage_ && call_.usage() != nullptr) {
        usage_ = *call_.usage();
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
        if (account_ != nullptr) {
            account_->close(usage_, content_bytes);
            encoder_->set_extension(reply_extension(context_));
        }
        encoder_->on_event({.kind = api::answer_event_kind::finish, .text = finish_reason_});
        if (usage_) {
            encoder_->on_event({.kind = api::answer_event_kind::usage, .usage = &*usage_});
        }
        encoder_->close();
    }
    co_await write_encoded(context_, out_);
    if (context_.sink.end({}) == write_state::pending) {
        co_await context_.sink.drain();
    }
    co_return std::nullopt;
}

}  // namespace meta_model::dispatch
