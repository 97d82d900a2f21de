#include "dispatch/nested_call.hpp"

#include "api/error_body.hpp"
#include "dispatch/run.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>

namespace meta_model::dispatch {

using std::chrono::steady_clock;
using upstream::call_error;
using upstream::call_fault;
using upstream::read_state;

request_context nested_context(
    request_context& outer,
    const nested_profile& profile,
    api::chat_request& request,
    const nested_surroundings& around,
    base::steady_time deadline
) {
    auto context =
        inner_context(outer, profile.target, request, around.sink, around.cancel, around.record);
    context.start = steady_clock::now();
    context.deadline = std::min(deadline, outer.deadline);
    context.purse = purse_of(profile.target, request, outer.purse);
    context.is_time_shortened = outer.is_time_shortened || outer.request.envelope().deadline_ms
                                || deadline < outer.deadline;
    return context;
}

net::task<call_error> nested_call::start(const upstream::call_options& options) {
    std::string body;
    for (const auto piece : *options.body) {
        body += piece;
    }
    cancel_.emplace(*options.cancel);
    api::chat_request request;
    const auto parsed = request.parse(body, outer_.config.server.limits.max_json_depth);
    if (!parsed) {
        co_return fail(call_fault::misconfigured, parsed.error().message);
    }
    captured_answer answer(profile_.config.limits.max_reply_bytes);
    const auto failure = co_await serve(request, options, answer);
    head_time_ = steady_clock::now();
    if (cancel_->is_cancelled()) {
        const bool is_late = cancel_->reason() == base::cancel_reason::deadline
                             || cancel_->reason() == base::cancel_reason::timeout;
        co_return fail(is_late ? call_fault::deadline : call_fault::cancelled, "left");
    }
    if (answer.is_too_large()) {
        co_return fail(call_fault::too_large, "reply");
    }
    if (failure && failure->id == base::error_code_id::cost_limit_exceeded) {
        co_return fail(call_fault::unpaid, "its calls do not fit the cost limit");
    }
    if (!failure && !answer.is_whole()) {
        co_return fail(call_fault::cut, "the answer has no end");
    }
    reply_.status = failure ? failure->http_status() : answer.status();
    reply_.kind =
        failure || answer.is_json() ? upstream::body_kind::json : upstream::body_kind::other;
    body_ = failure ? api::error_body(*failure) : answer.take_body();
    co_return error_;
}

net::task<base::maybe_error> nested_call::serve(
    api::chat_request& request, const upstream::call_options& options, captured_answer& answer
) {
    const auto record = std::make_unique<telemetry::request_record>();
    const nested_surroundings around{answer, *cancel_, *record};
    const auto context = std::make_unique<request_context>(
        nested_context(outer_, profile_, request, around, options.deadline)
    );
    base::maybe_error failure;
    std::exception_ptr thrown;
    try {
        failure = co_await run(*context);
    } catch (...) {
        thrown = std::current_exception();
    }
    // Also when it failed: what was spent was spent.
    ledger_ = std::make_shared<const ledger>(std::move(context->ledger));
    keep_record(*record);
    outer_.dropped_events += context->dropped_events;
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    co_return failure;
}

// The metrics tell of every upstream that was called.
void nested_call::keep_record(const telemetry::request_record& inner) {
    for (std::size_t i = 0; i < inner.legs.size(); ++i) {
        outer_.record.legs.push_back(inner.legs[i]);
    }
    for (std::size_t i = 0; i < inner.failures.size(); ++i) {
        outer_.record.failures.push_back(inner.failures[i]);
    }
}

call_error nested_call::fail(call_fault fault, std::string detail) {
    error_ = {fault, std::move(detail)};
    return error_;
}

read_state nested_call::try_read(char* into, std::size_t room, std::size_t& got) {
    if (error_) {
        return read_state::failed;
    }
    got = std::min(room, body_.size() - offset_);
    std::memcpy(into, body_.data() + offset_, got);
    offset_ += got;
    return got > 0 ? read_state::data : read_state::end;
}

void nested_call::cancel() {
    if (cancel_) {
        cancel_->cancel(base::cancel_reason::decided);
    }
}

}  // namespace meta_model::dispatch
