#include "dispatch/raw_stream.hpp"

#include "api/sse_events.hpp"
#include "api/wire_words.hpp"
#include "base/text.hpp"
#include "dispatch/guarded_call.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/token_estimate.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/whole_reply.hpp"

#include <cstring>
#include <exception>
#include <type_traits>
#include <utility>

namespace meta_model::dispatch {

namespace {

using std::chrono::steady_clock;

// What a client that does not read may make us hold of what was read for it.
constexpr std::size_t read_bytes = 32u << 10;

constexpr std::string_view done_event = "data: [DONE]\n\n";

}  // namespace

template <class Inspector>
raw_stream<Inspector>::raw_stream(
    request_context& context,
    upstream::call& call,
    std::string model,
    std::size_t max_event_bytes,
    relay_account* account
)
    : context_(context),
      call_(call),
      model_(std::move(model)),
      max_event_bytes_(max_event_bytes),
      account_(account),
      has_one_choice_(has_one_choice(context.request)) {
}

template <class Inspector>
void raw_stream<Inspector>::flush_run(std::string_view buffer) {
    if (!buffer.empty()) {
        out_.push_back(buffer);
    }
}

// An event whose `model` is replaced is rebuilt in `spliced_`; one allocation serves the whole stream.
template <class Inspector>
void raw_stream<Inspector>::take_event(std::string_view event) {
    if (model_.empty() || inspector_.model_length() == 0) {
        spliced_ += event;
        return;
    }
    spliced_ += event.substr(0, inspector_.model_offset());
    spliced_ += model_;
    spliced_ += event.substr(inspector_.model_offset() + inspector_.model_length());
}

// What the stream shows, or what its call knows although the client did not ask to see it.
template <class Inspector>
std::optional<api::token_usage> raw_stream<Inspector>::known_usage() const {
    if (inspector_.usage() || call_.usage() == nullptr) {
        return inspector_.usage();
    }
    return *call_.usage();
}

template <class Inspector>
std::string raw_stream<Inspector>::with_books(std::string_view last_event, std::string_view state) {
    if (account_ == nullptr) {
        return std::string(last_event);
    }
    account_->close(known_usage(), inspector_.content_bytes(), state);
    return account_->with_books(last_event);
}

// A chat's books stand before its [DONE], which a failed one does not have.
template <class Inspector>
std::string raw_stream<Inspector>::with_books_of_failure(std::string_view last_event) {
    return context_.request.is_chat() ? std::string(last_event) : with_books(last_event, "failed");
}

// Takes the complete events of `buffer`, in whose first `searched` bytes none ends; `run_begin_` is left at the first byte
// that belongs to none.
template <class Inspector>
typename raw_stream<Inspector>::progress raw_stream<Inspector>::take(
    std::string_view buffer, std::size_t searched
) {
    out_.clear();
    spliced_.clear();
    std::size_t run = 0;
    std::size_t at = 0;
    auto outcome = progress::go_on;
    const bool is_spliced = this->is_spliced();
    while (outcome == progress::go_on) {
        const auto end = api::find_event_end(buffer.substr(at), at == 0 ? searched : 0);
        if (end == std::string_view::npos) {
            break;
        }
        const auto event = buffer.substr(at, end);
        auto verdict = inspector_.inspect(event);
        // Nothing may follow the last one, and a chat's mark of the end is none of nothing.
        const bool is_end_of_nothing = std::is_same_v<Inspector, api::chat_event_inspector>
                                       && verdict == api::event_verdict::done && !has_data_;
        has_ended_empty_ = has_ended_empty_ || is_end_of_nothing;
        if ((is_done_ && verdict != api::event_verdict::silent) || is_end_of_nothing) {
            verdict = api::event_verdict::malformed;
        }
        // Comments before the first event would commit us to a reply that may still be an error.
        const bool is_held = verdict == api::event_verdict::silent && !has_data_;
        if (verdict == api::event_verdict::malformed || is_held) {
            context_.dropped_events += verdict == api::event_verdict::malformed ? 1 : 0;
            flush_run(is_spliced ? std::string_view{} : buffer.substr(run, at - run));
            run = at + end;
        } else if (is_spliced) {
            const auto begin = spliced_.size();
            take_event(event);
            const auto event_text = std::string_view(spliced_).substr(begin);
            if (verdict == api::event_verdict::done) {
                spliced_.replace(begin, std::string::npos, with_books(event_text));
            } else if (verdict == api::event_verdict::failure && !is_refusal()) {
                spliced_.replace(begin, std::string::npos, with_books_of_failure(event_text));
            }
        }
        if (verdict == api::event_verdict::failure) {
            outcome = is_refusal() ? progress::refused : progress::failed;
            take_failure(event, outcome);
        } else if (verdict == api::event_verdict::done) {
            is_done_ = true;
            outcome = progress::answered;
        }
        has_data_ =
            has_data_
            || (verdict != api::event_verdict::silent && verdict != api::event_verdict::malformed);
        at += end;
    }
    flush_run(is_spliced ? std::string_view(spliced_) : buffer.substr(run, at - run));
    run_begin_ = at;
    return outcome;
}

template <class Inspector>
void raw_stream<Inspector>::take_failure(std::string_view event, progress outcome) {
    failure_ = inspector_.error();
    const auto kind = context_.request.shape().kind;
    const bool is_own_wire =
        kind == api::request_kind::messages || kind == api::request_kind::responses;
    if (outcome == progress::refused && is_own_wire) {
        std::string joined;
        const auto data = api::event_data(event, joined);
        refusal_ = api::refusal_of(kind, data, failure_, status_of_error(kind, failure_));
    }
}

// An error that is the whole reply has its status, and where it may be told its own words.
template <class Inspector>
typename raw_stream<Inspector>::step raw_stream<Inspector>::judge_refusal() {
    const auto status = status_of_error(context_.request.shape().kind, failure_);
    if (!refusal_.empty() && may_pass_refusal(context_, status, refusal_)) {
        refused_with_ = status;
        return step::refused;
    }
    const auto wait_s = call_.reply().retry_after_s;
    error_ = error_of_status(status, wait_s, loggable(context_, failure_));
    return step::failed;
}

template <class Inspector>
net::task<> raw_stream<Inspector>::refuse() {
    context_.error_detail = "error event " + base::clip(loggable(context_, failure_), 600);
    const auto& headers = call_.reply().passed_headers;
    if (send_refusal(context_, refused_with_, headers, refusal_) == write_state::pending) {
        co_await context_.sink.drain();
    }
}

template <class Inspector>
write_state raw_stream<Inspector>::write() {
    if (context_.sink.is_committed()) {
        release_request();  // a heartbeat may have been the first to commit
        return context_.sink.write(out_);
    }
    std::string storage;
    context_.header_lines += call_.reply().passed_headers;
    const auto head = stream_keepalive::stream_head(context_, storage);
    const auto written = context_.sink.begin(head, std::nullopt, out_);
    release_request();
    return written;
}

// From here on it may take minutes, and what made the request is not needed again.
template <class Inspector>
void raw_stream<Inspector>::release_request() {
    if (is_released_) {
        return;
    }
    is_released_ = true;
    context_.note_first_byte();
    std::string().swap(context_.header_lines);
    context_.request.release();  // first: it keeps a name that it has only a view of
    context_.sink.release_request();
}

// Everything that can be done without waiting: the coroutine that waits for thousands of streams stays small.
template <class Inspector>
typename raw_stream<Inspector>::step raw_stream<Inspector>::pump() {
    auto next = step::go_on;
    while (next == step::go_on) {
        // A partial event stands in front of what is read next, so that events are always contiguous. A long one is not
        // copied for each piece that comes of it: it is appended to.
        const bool is_long = carry_.size() >= read_bytes;
        const std::size_t lead = is_long ? 0 : carry_.size();
        const std::size_t searched = carry_.size() < 3 ? 0 : carry_.size() - 3;
        char* const buffer = context_.loop.scratch(lead + read_bytes);
        std::size_t got = 0;
        const auto state = call_.try_read(buffer + lead, read_bytes, got);
        if (state == upstream::read_state::would_block) {
            return step::wait;
        }
        if (state != upstream::read_state::data) {
            return judge_end(state);
        }
        if (!is_long) {
            std::memcpy(buffer, carry_.data(), carry_.size());
            next = take_read({buffer, lead + got}, searched);
            continue;
        }
        carry_.append(buffer, got);
        if (api::find_event_end(carry_, searched) != std::string_view::npos) {
            const auto whole = std::exchange(carry_, {});
            next = take_read(whole, searched);
        } else if (carry_.size() > max_event_bytes_) {
            next = fail_as_too_large();
        }
    }
    return next;
}

template <class Inspector>
typename raw_stream<Inspector>::step raw_stream<Inspector>::fail_as_too_large() {
    constexpr std::size_t mebibyte = 1u << 20;
    const auto most = max_event_bytes_ % mebibyte == 0
                          ? std::to_string(max_event_bytes_ / mebibyte) + " MiB"
                          : std::to_string(max_event_bytes_) + " bytes";
    error_ = error_of({upstream::call_fault::too_large, "an event above " + most});
    return step::failed;
}

// Relays the events that are complete in `bytes` and keeps the rest.
template <class Inspector>
typename raw_stream<Inspector>::step raw_stream<Inspector>::take_read(
    std::string_view bytes, std::size_t searched
) {
    const auto taken = take(bytes, searched);
    if (inspector_.has_content()) {
        call_.note_first_token();
    }
    if (taken == progress::refused) {
        return judge_refusal();
    }
    const auto rest = bytes.substr(run_begin_);
    if (rest.size() > max_event_bytes_) {
        return fail_as_too_large();
    }
    carry_.assign(rest);
    const auto written = out_.empty() ? write_state::done : write();
    if (written == write_state::closed) {
        return step::client_left;
    }
    if (taken == progress::failed) {
        return step::ended_by_error_event;
    }
    // Servers that forget [DONE] may forget to end the body, too.
    const bool has_finished = inspector_.has_finish() && has_one_choice_;
    if (taken == progress::answered || has_finished || has_ended_empty_) {
        call_.expect_end();
    }
    // The connection keeps what it could not send; this may wait for long.
    if (written == write_state::pending || spliced_.capacity() > 4 * read_bytes) {
        std::string().swap(spliced_);
    }
    return written == write_state::pending ? step::drain : step::go_on;
}

template <class Inspector>
typename raw_stream<Inspector>::step raw_stream<Inspector>::judge_end(upstream::read_state state) {
    if (is_done_ || (state == upstream::read_state::end && inspector_.has_finish())) {
        return step::finished;
    }
    error_ = state == upstream::read_state::failed
                 ? error_of(context_, call_.error())
                 : error_of({upstream::call_fault::cut, "the stream ended without a finish"});
    return step::failed;
}

// Only here is known which number an error event has that ends a stream which has begun.
template <class Inspector>
typename raw_stream<Inspector>::step raw_stream<Inspector>::pump_or_fail() {
    try {
        return pump();
    } catch (const std::exception& e) {
        if (!context_.sink.is_committed()) {
            throw;
        }
        context_.log.write(
            base::log_level::error,
            "a request failed with an exception",
            {{"id", context_.request_id}, {"profile", context_.target.name}, {"what", e.what()}}
        );
        has_own_fault_ = true;
        error_ = base::make_error(base::error_code_id::internal, "internal server error");
        return step::failed;
    }
}

template <class Inspector>
net::task<base::maybe_error> raw_stream<Inspector>::run() {
    auto next = pump_or_fail();
    while (next == step::wait || next == step::drain) {
        if (next == step::wait) {
            co_await call_.wait();
            next = pump_or_fail();
        } else {
            const bool is_open = co_await context_.sink.drain();
            next = is_open ? pump_or_fail() : step::client_left;
        }
    }
    account();
    if (next == step::refused) {
        co_await refuse();
        co_return std::nullopt;
    }
    if (next == step::failed && !context_.sink.is_committed()) {
        co_return std::move(error_);
    }
    if (next != step::client_left && end(next) == write_state::pending) {
        co_await context_.sink.drain();
    }
    co_return std::nullopt;
}

// The last bytes of a stream that was committed to, or is now.
template <class Inspector>
write_state raw_stream<Inspector>::end(step how) {
    if (how == step::finished) {
        if (!context_.sink.is_committed()) {
            out_.clear();
            write();
        }
        // A chat that finished but forgot to say so is completed; other wires finish by saying so.
        if (is_done_) {
            return context_.sink.end({});
        }
        const auto last = with_books(done_event);
        return context_.sink.end({last});
    }
    context_.was_cut = how != step::ended_by_error_event || is_cut_by_failure();
    if (how == step::ended_by_error_event) {
        // The upstream's own error event was the last thing the client got.
        context_.record.outcome = telemetry::outcome_of(base::error_code_id::upstream_error);
        context_.error_detail = "error event " + base::clip(loggable(context_, failure_), 600);
        return context_.sink.end({});
    }
    context_.record.outcome = telemetry::outcome_of(error_->id);
    context_.error_detail = error_->detail;
    const auto event = with_books_of_failure(error_event(*error_));
    return context_.sink.end({event});
}

// A response may fail as a whole one does, and a caller's mistake may show late: the upstream works.
template <class Inspector>
bool raw_stream<Inspector>::is_cut_by_failure() const {
    if constexpr (requires { inspector_.has_failed(); }) {
        if (inspector_.has_failed()) {
            return false;
        }
    }
    const auto kind = context_.request.shape().kind;
    return kind == api::request_kind::chat || is_upstream_fault(status_of_error(kind, failure_));
}

template <class Inspector>
std::string raw_stream<Inspector>::error_event(const base::error& e) const {
    std::int64_t sequence_number = 0;
    if constexpr (requires { inspector_.next_sequence(); }) {
        sequence_number = inspector_.next_sequence();
    }
    return api::error_event_of(
        context_.request.shape().kind, e, context_.request_id, sequence_number
    );
}

template <class Inspector>
void raw_stream<Inspector>::account() {
    auto& record = context_.record;
    record.final_content_chars = static_cast<std::uint32_t>(inspector_.content_bytes());
    if (const auto usage = known_usage()) {
        record.tokens_in = usage->prompt_tokens;
        record.tokens_out = usage->completion_tokens;
    } else {
        context_.usage_is_estimated = true;
        record.tokens_out = estimate_text_tokens(inspector_.content_bytes());
    }
}

template class raw_stream<api::chat_event_inspector>;
template class raw_stream<api::message_event_inspector>;
template class raw_stream<api::response_event_inspector>;

}  // namespace meta_model::dispatch
