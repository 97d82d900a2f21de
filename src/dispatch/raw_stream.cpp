#include "dispatch/raw_stream.hpp"

#include "api/error_body.hpp"
#include "api/json_cursor.hpp"
#include "api/sse_events.hpp"
#include "base/text.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/token_estimate.hpp"
#include "dispatch/upstream_errors.hpp"

#include <cstring>

namespace meta_model::dispatch {

namespace {

using std::chrono::steady_clock;

constexpr std::string_view done_event = "data: [DONE]\n\n";

// The status that an upstream's error event stands for, when it names one.
int status_in(std::string_view error) {
    std::int64_t status = 0;
    for (const auto* key : {"status", "code", "http_status"}) {
        if (api::to_int64(api::find_member(error, key), status) && status >= 400 && status <= 599) {
            return static_cast<int>(status);
        }
    }
    return 502;
}

}  // namespace

raw_stream::raw_stream(request_context& context, upstream::call& call, std::string model)
    : context_(context), call_(call), model_(std::move(model)) {}

void raw_stream::flush_run(std::string_view buffer) {
    if (!buffer.empty()) {
        out_.push_back(buffer);
    }
}

// An event whose `model` is replaced is rebuilt in `spliced_`; one allocation serves the whole stream.
void raw_stream::take_event(std::string_view event) {
    if (inspector_.model_length() == 0) {
        spliced_ += event;
        return;
    }
    spliced_ += event.substr(0, inspector_.model_offset());
    spliced_ += model_;
    spliced_ += event.substr(inspector_.model_offset() + inspector_.model_length());
}

// Takes the complete events of `buffer`; `run_begin_` is left at the first byte that belongs to none.
raw_stream::progress raw_stream::take(std::string_view buffer) {
    out_.clear();
    spliced_.clear();
    std::size_t run = 0;
    std::size_t at = 0;
    auto outcome = progress::go_on;
    const bool is_spliced = !model_.empty();
    while (outcome == progress::go_on) {
        const auto end = api::find_event_end(buffer.substr(at));
        if (end == std::string_view::npos) {
            break;
        }
        const auto event = buffer.substr(at, end);
        auto verdict = inspector_.inspect(event);
        if (is_done_ && verdict != api::event_verdict::silent) {
            verdict = api::event_verdict::malformed;  // nothing may follow [DONE]
        }
        // Comments before the first event would commit us to a reply that may still be an error.
        const bool is_held = verdict == api::event_verdict::silent && !has_data_;
        if (verdict == api::event_verdict::malformed || is_held) {
            context_.dropped_events += verdict == api::event_verdict::malformed ? 1 : 0;
            flush_run(is_spliced ? std::string_view{} : buffer.substr(run, at - run));
            run = at + end;
        } else if (is_spliced) {
            take_event(event);
        }
        if (verdict == api::event_verdict::failure) {
            failure_ = inspector_.error();
            outcome = progress::failed;
        } else if (verdict == api::event_verdict::done) {
            is_done_ = true;
            outcome = progress::answered;
        }
        has_data_ = has_data_ || (verdict != api::event_verdict::silent && verdict != api::event_verdict::malformed);
        at += end;
    }
    flush_run(is_spliced ? std::string_view(spliced_) : buffer.substr(run, at - run));
    run_begin_ = at;
    return outcome;
}

write_state raw_stream::write() {
    if (context_.sink.is_committed()) {
        return context_.sink.write(out_);
    }
    context_.record.first_byte =
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - context_.start);
    context_.sink.release_request();
    context_.request.release();
    std::string storage;
    context_.header_lines += call_.reply().passed_headers;
    const auto head = stream_keepalive::stream_head(context_, storage);
    return context_.sink.begin(head, std::nullopt, out_);
}

net::task<std::optional<base::error>> raw_stream::run() {
    for (;;) {
        // A partial event stands in front of what is read next, so that events are always contiguous.
        char* const buffer = context_.loop.scratch(carry_.size() + net::event_loop::scratch_bytes);
        std::size_t got = 0;
        const auto state = call_.try_read(buffer + carry_.size(), net::event_loop::scratch_bytes, got);
        if (state == upstream::read_state::would_block) {
            co_await call_.wait();
            continue;
        }
        if (state == upstream::read_state::end) {
            break;
        }
        if (state == upstream::read_state::failed) {
            if (is_done_) {
                break;
            }
            co_return co_await fail(error_of(context_, call_.error()));
        }
        std::memcpy(buffer, carry_.data(), carry_.size());
        const std::string_view bytes(buffer, carry_.size() + got);
        const auto taken = take(bytes);
        if (inspector_.has_content()) {
            call_.note_first_token();
        }
        if (taken == progress::failed && !context_.sink.is_committed()) {
            auto e = error_of_status(status_in(failure_), call_.reply().retry_after_s, loggable(context_, failure_));
            co_return co_await fail(std::move(e));
        }
        const auto rest = bytes.substr(run_begin_);
        if (rest.size() > max_event_bytes) {
            co_return co_await fail(error_of({upstream::call_fault::too_large, "an event above 1 MiB"}));
        }
        carry_.assign(rest);
        if (!out_.empty()) {
            const auto written = write();
            bool is_open = written != write_state::closed;
            if (written == write_state::pending) {
                is_open = co_await context_.sink.drain();
            }
            if (!is_open) {
                account();
                co_return std::nullopt;
            }
        }
        if (taken == progress::failed) {
            // The upstream's own error event was the last thing the client got.
            context_.was_cut = true;
            context_.record.outcome = telemetry::outcome_of(base::error_code_id::upstream_error);
            context_.error_detail = "error event " + base::clip(loggable(context_, failure_), 600);
            account();
            context_.sink.end({});
            co_await context_.sink.drain();
            co_return std::nullopt;
        }
        if (taken == progress::answered) {
            call_.expect_end();
        }
    }
    if (!is_done_ && !inspector_.has_finish()) {
        co_return co_await fail(error_of({upstream::call_fault::cut, "the stream ended without a finish"}));
    }
    co_await finish();
    co_return std::nullopt;
}

net::task<> raw_stream::finish() {
    account();
    if (!context_.sink.is_committed()) {
        out_.clear();
        write();
    }
    // A stream that finished but forgot to say so is completed.
    const auto state = context_.sink.end(is_done_ ? api::pieces{} : api::pieces{done_event});
    if (state == write_state::pending) {
        co_await context_.sink.drain();
    }
}

net::task<std::optional<base::error>> raw_stream::fail(base::error e) {
    account();
    if (!context_.sink.is_committed()) {
        co_return e;
    }
    context_.was_cut = true;
    context_.record.outcome = telemetry::outcome_of(e.id);
    context_.error_detail = e.detail;
    const auto event = api::error_event(e);
    if (context_.sink.end({event}) == write_state::pending) {
        co_await context_.sink.drain();
    }
    co_return std::nullopt;
}

void raw_stream::account() {
    auto& record = context_.record;
    record.final_content_chars = static_cast<std::uint32_t>(inspector_.content_bytes());
    if (inspector_.usage()) {
        record.tokens_in = inspector_.usage()->prompt_tokens;
        record.tokens_out = inspector_.usage()->completion_tokens;
    } else {
        context_.usage_is_estimated = true;
        record.tokens_out = estimate_text_tokens(inspector_.content_bytes());
    }
}

}  // namespace meta_model::dispatch
