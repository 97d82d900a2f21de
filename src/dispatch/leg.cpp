#include "dispatch/leg.hpp"

#include "api/chat_stream_decoder.hpp"
#include "base/text.hpp"
#include "dispatch/body_reader.hpp"
#include "dispatch/call_cost.hpp"
#include "dispatch/progress.hpp"
#include "dispatch/token_estimate.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/whole_reply.hpp"

#include <algorithm>

namespace meta_model::dispatch {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;
using telemetry::call_outcome;

namespace {

leg_role role_in(const target& t) {
    switch (t.type) {
        case config::profile_type::moa: return leg_role::synthesizer;
        case config::profile_type::voting: return leg_role::judge;
        default: return leg_role::step;
    }
}

}  // namespace

leg::leg(request_context& context, upstream::upstream_state& upstream)
    : context_(context),
      upstream_(upstream),
      cancel_(context.cancel),
      call_(context, upstream),
      role_(role_in(context.target)),
      is_nested_(context.target.nested_in(upstream) != nullptr) {
}

void leg::cancel(base::cancel_reason why) {
    if (is_running()) {
        cancelled_as_ =
            why == base::cancel_reason::timeout ? call_outcome::timeout : call_outcome::cancelled;
        cancel_.cancel(why);
    }
}

void leg::ask_for(std::size_t choices, leg_choices::over_hook on_over) {
    choices_ = std::make_unique<leg_choices>(choices, std::move(on_over));
}

void leg::open_line() {
    if (line_ == nullptr) {
        line_ = &context_.ledger.open(upstream_.config.key, role_, choices());
    }
}

void leg::fail(call_outcome reason, std::string detail) {
    result_.outcome = leg_outcome::failed;
    result_.reason = cancelled_as_.value_or(reason);
    result_.is_cut_short = result_.is_cut_short || cancelled_as_.has_value();
    result_.detail = std::move(detail);
}

void leg::fail_with(const upstream::call_error& fault) {
    result_.is_cut_short = fault.fault == upstream::call_fault::deadline;
    fail(outcome_of(fault.fault), fault.detail);
    if (fault.retry_after_s > 0) {
        result_.retry_after_s = fault.retry_after_s;
    }
}

void leg::on_event(const api::answer_event& event) {
    if (event.kind == api::answer_event_kind::failure) {
        fail(call_outcome::non_2xx, "error event " + loggable(context_, event.error->detail));
        result_.error_status = status_of_error(event.text);
        if (keeps_body_) {
            result_.body.assign(R"({"error":)").append(event.text).append("}");
        }
        return;
    }
    const bool is_of_all = event.kind == api::answer_event_kind::usage;
    if (choices_ != nullptr && !is_of_all) {
        choices_->on_event(event, result_);
        return;
    }
    builder_.on_event(event);
    if (listener_ != nullptr) {
        listener_->on_event(event);
    }
}

void leg::finish() {
    result_.total = duration_cast<microseconds>(steady_clock::now() - started_);
    const auto& content = result_.draft.content;
    result_.content_bytes = std::max(builder_.content_bytes(), content ? content->size() : 0);
    if (choices_ != nullptr) {
        choices_->end(result_);
        result_.content_bytes = choices_->content_bytes();
    }
    result_.usage = result_.draft.usage;
    if (result_.usage) {
        result_.usage->raw.clear();
    }
    if (nested_ledger_ != nullptr && nested_ledger_->reported()) {
        context_.ledger.note_reported(*nested_ledger_->reported(), nested_ledger_->reports());
    } else if (result_.usage && !is_nested_) {
        context_.ledger.note_reported(*result_.usage);
    }
    call_.end(
        {.outcome = result_.is_answered() ? call_outcome::ok : result_.reason,
         .status = result_.error_status != 0 ? result_.error_status : result_.status,
         .is_own_pace = listener_ == nullptr}
    );
    const bool is_news = result_.reason != call_outcome::cancelled
                         && result_.reason != call_outcome::breaker_open
                         && result_.reason != call_outcome::cost;
    close_line();
    if (!result_.is_answered() && is_news) {
        context_.log.write(
            base::log_level::warning,
            "an upstream call failed",
            {{"id", context_.request_id},
             {"upstream", upstream_.config.key},
             {"reason", telemetry::to_string(result_.reason)},
             {"detail", base::clip(result_.detail, 200)}}
        );
    }
}

// What refuses, or was never reached, bills nothing; whatever else was sent may be billed. An error behind a part of an
// answer refuses nothing any more.
void leg::close_line() {
    if (line_ == nullptr) {
        return;
    }
    line_->elapsed = result_.total;
    const auto why = result_.reason;
    if (result_.is_answered()) {
        line_->state = "done";
    } else {
        const bool is_left_out = sent_bytes_ == 0 || why == call_outcome::breaker_open;
        line_->state = is_left_out                      ? "not_started"
                       : why == call_outcome::cancelled ? "cancelled"
                                                        : "failed";
        line_->reason = why == call_outcome::cost ? "cost_limit" : telemetry::to_string(why);
    }
    const bool was_refused = (why == call_outcome::non_2xx && !has_content_)
                             || why == call_outcome::breaker_open
                             || why == call_outcome::misconfigured
                             || (why == call_outcome::transport && result_.status == 0);
    if (is_nested_) {
        if (nested_ledger_ != nullptr) {
            add_up(*line_, std::move(nested_ledger_));
        }
        report_progress(context_, *line_);
        return;
    }
    const bool is_told = result_.usage && result_.usage->prompt_tokens > 0;
    price(
        *line_,
        {.reported = result_.usage ? &*result_.usage : nullptr,
         .was_billed = result_.is_answered() || (sent_bytes_ > 0 && !was_refused),
         .sent_tokens =
             is_told ? 0 : estimate_text_tokens(bytes_as_text(sent_bytes_, context_.media)),
         .received_bytes = result_.content_bytes,
         .most_output = most_output_},
        upstream_.config.pricing
    );
    report_progress(context_, *line_);
    if (context_.purse != nullptr) {
        context_.purse->settle(ceiling_, spent(was_refused));
    }
}

// What the request can no longer spend. Only what was reported is known: the upstream of a call that was cut or left may
// bill more than came of it.
base::money leg::spent(bool was_refused) const {
    if (result_.is_answered() && result_.usage && !line_->is_estimated) {
        return line_->cost;
    }
    const bool is_begun = result_.status >= 200 && result_.status <= 299;
    const bool may_be_billed =
        result_.reason == call_outcome::transport ? !is_unreached_ : !was_refused || is_begun;
    return result_.is_answered() || may_be_billed ? ceiling_ : base::money{};
}

void leg::break_off(std::string detail) {
    fail(call_outcome::transport, std::move(detail));
    if (choices_ != nullptr) {
        choices_->end(result_);
    }
}

void leg::note_partial() {
    result_.is_partial = true;
    if (line_ != nullptr) {
        line_->state = "partial";
    }
}

telemetry::leg_record leg::record() const {
    using telemetry::leg_state;
    telemetry::leg_record out{.upstream = upstream_.metric_id, .state = leg_state::failed};
    if (result_.is_answered()) {
        out.state = leg_state::done;
    } else if (result_.is_partial) {
        out.state = leg_state::partial;
    } else if (result_.reason == call_outcome::cancelled) {
        out.state = leg_state::cancelled;
    } else if (result_.reason == call_outcome::cost) {
        out.state = leg_state::skipped;
    }
    out.first_byte = result_.first_byte;
    out.total = result_.total;
    if (result_.usage) {
        out.tokens_in = result_.usage->prompt_tokens;
        out.tokens_out = result_.usage->completion_tokens;
    }
    return out;
}

// Nothing is sent.
void leg::refuse(call_outcome reason, std::string detail) {
    fail(reason, std::move(detail));
    finish();
}

void leg::leave_out() {
    started_ = steady_clock::now();
    open_line();
    context_.shard.counters.call_refused(upstream_.metric_id, call_outcome::cost);
    refuse(call_outcome::cost, "it does not fit the cost limit");
}

// False: the call may cost more than the request may still spend.
bool leg::prepare(upstream::prepared_body& body, const upstream::body_changes& changes) {
    if (context_.purse == nullptr || is_nested_) {
        body.prepare(context_.request, upstream_.config, changes);
        return true;
    }
    limited_ = std::make_unique<upstream::body_changes>(changes);
    most_output_ = limit_output(context_.request, upstream_.config, *limited_);
    body.prepare(context_.request, upstream_.config, *limited_);
    const auto ceiling = bound_body(context_, upstream_, body, most_output_).ceiling;
    const bool is_paid = context_.purse->take(ceiling);
    if (is_paid) {
        ceiling_ = ceiling;
    } else {
        context_.shard.counters.call_refused(upstream_.metric_id, call_outcome::cost);
    }
    return is_paid;
}

net::task<> leg::run(
    const upstream::body_changes& changes,
    base::steady_time deadline,
    api::answer_listener* listener,
    std::function<net::task<bool>()> after_events
) {
    started_ = steady_clock::now();
    listener_ = listener;
    open_line();
    report_progress(context_, *line_);
    if (context_.cancel.is_cancelled()) {
        co_return refuse(call_outcome::cancelled, "the request was over before");
    }
    if (!changes.refusal.empty()) {
        co_return refuse(call_outcome::too_large, changes.refusal);
    }
    upstream::prepared_body body;
    const bool is_paid = prepare(body, changes);
    if (!is_paid) {
        co_return refuse(call_outcome::cost, "it does not fit the cost limit");
    }
    upstream::call_options options;
    options.path = "/chat/completions";
    options.header_lines = context_.upstream_header_lines;
    options.body = &body.pieces();
    options.affinity = body.affinity();
    options.answers = choices();
    options.telling = context_.thinking_telling();
    sent_bytes_ = api::total_size(body.pieces());
    options.deadline = deadline;
    options.cancel = &cancel_;
    const auto fault = co_await call_.start(options, retries_);
    nested_ledger_ = call_.take_nested_ledger();
    if (fault) {
        is_unreached_ = fault.fault == upstream::call_fault::unreached;
        fail_with(fault);
    } else {
        result_.status = call_->reply().status;
        result_.passed_headers = call_->reply().passed_headers;
        result_.retry_after_s = call_->reply().retry_after_s;
        result_.first_byte = duration_cast<microseconds>(call_->head_time() - started_);
        co_await collect(after_events);
    }
    finish();
}

net::task<> leg::collect(const std::function<net::task<bool>()>& after_events) {
    const auto& reply = call_->reply();
    const bool is_success = reply.status >= 200 && reply.status <= 299;
    if (is_success && reply.is_encoded) {
        fail(call_outcome::non_json, "an encoded reply was not asked for");
        co_return;
    }
    if (is_success && reply.kind == upstream::body_kind::event_stream) {
        co_await collect_stream(after_events);
        co_return;
    }
    std::string body;
    const bool is_ok = co_await read_body(
        context_.loop, *call_, choices() * upstream_.config.limits.max_reply_bytes, body
    );
    if (!is_ok) {
        fail_with(
            call_->error() ? call_->error()
                           : upstream::call_error{upstream::call_fault::too_large, "reply"}
        );
        co_return;
    }
    judge_body(body);
    if (keeps_body_) {
        result_.body = std::move(body);
    }
}

api::completion_fault leg::decode(const std::string& body) {
    if (!base::is_valid_utf8(body)) {
        return api::completion_fault::not_json;
    }
    return choices_ != nullptr ? choices_->take_body(body, result_)
                               : api::decode_chat_completion(body, result_.draft);
}

void leg::judge_body(const std::string& body) {
    const auto status = call_->reply().status;
    if (status < 200 || status > 299) {
        fail(
            call_outcome::non_2xx,
            "status " + std::to_string(status) + ' ' + loggable(context_, body)
        );
        return;
    }
    switch (decode(body)) {
        case api::completion_fault::none: result_.outcome = leg_outcome::answered; break;
        case api::completion_fault::error_object:
            fail(call_outcome::non_2xx, "error object " + loggable(context_, body));
            result_.error_status = status_of_error(api::find_member(body, "error"));
            break;
        case api::completion_fault::no_choice:
        case api::completion_fault::malformed:
            result_.is_misshapen = true;
            fail(call_outcome::unusable, "no usable choice");
            break;
        default: fail(call_outcome::non_json, "the reply is not a JSON object");
    }
}

net::task<> leg::collect_stream(const std::function<net::task<bool>()>& after_events) {
    api::chat_stream_decoder decoder(*this, choices());
    const auto is_too_large = [this] {
        return choices_ != nullptr ? choices_->is_too_large() : builder_.is_too_large();
    };
    for (;;) {
        char* const buffer = context_.loop.scratch();
        std::size_t got = 0;
        const auto state = call_->try_read(buffer, net::event_loop::scratch_bytes, got);
        if (state == upstream::read_state::would_block) {
            co_await call_->wait();
            continue;
        }
        if (state == upstream::read_state::failed && !decoder.is_done()) {
            result_.draft = builder_.take();
            fail_with(call_->error());
            co_return;
        }
        if (state != upstream::read_state::data) {
            break;
        }
        const bool is_read = decoder.feed({buffer, got}) && !is_too_large();
        has_content_ = decoder.has_content();
        if (!is_read) {
            result_.draft = builder_.take();
            if (is_running()) {
                fail(call_outcome::too_large, "an event or the answer is too large");
            }
            co_return;
        }
        if (decoder.has_content()) {
            call_->note_first_token();
        }
        if (after_events) {
            const bool goes_on = co_await after_events();
            if (!goes_on) {
                fail(call_outcome::cancelled, "stopped");
                co_return;
            }
        }
        if (decoder.is_done() || decoder.has_finished()) {
            call_->expect_end();
        }
    }
    context_.dropped_events += decoder.dropped_events();
    result_.draft = builder_.take();
    if (!decoder.is_whole()) {
        fail(call_outcome::cut, "the stream ended without a finish");
        co_return;
    }
    result_.outcome = leg_outcome::answered;
}

base::error error_of(const leg_result& result) {
    using upstream::call_fault;
    const auto of_fault = [&](call_fault fault) {
        return error_of(upstream::call_error{fault, result.detail});
    };
    switch (result.reason) {
        case call_outcome::breaker_open:
            return error_of(
                upstream::call_error{call_fault::unavailable, result.detail, result.retry_after_s}
            );
        case call_outcome::timeout: return of_fault(call_fault::timeout);
        case call_outcome::non_2xx:
            return error_of_status(result.status, std::max(0, result.retry_after_s), result.detail);
        case call_outcome::non_json:
        case call_outcome::undeclared_tool:
        case call_outcome::unusable: return protocol_error(result.detail);
        case call_outcome::misconfigured: return of_fault(call_fault::misconfigured);
        case call_outcome::too_large: return of_fault(call_fault::too_large);
        case call_outcome::cut: return of_fault(call_fault::cut);
        case call_outcome::cost: return of_fault(call_fault::unpaid);
        case call_outcome::cancelled: return of_fault(call_fault::cancelled);
        default: return of_fault(call_fault::transport);
    }
}

}  // namespace meta_model::dispatch
