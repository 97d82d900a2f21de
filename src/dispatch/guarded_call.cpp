#include "dispatch/guarded_call.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace meta_model::dispatch {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;
using telemetry::call_outcome;
using upstream::call_signal;

// Refusals that speak of the upstream. The other 4xx are the caller's mistakes: they come from a server that works.
bool is_upstream_fault(int status) {
    constexpr std::array own{401, 403, 407, 408, 429};
    return status < 400 || status > 499 || std::ranges::find(own, status) != own.end();
}

}  // namespace

guarded_call::guarded_call(request_context& context, upstream::upstream_state& upstream)
    : context_(context), upstream_(upstream), call_(context.client.make_call(upstream)) {}

guarded_call::~guarded_call() {
    end({.outcome = call_outcome::cancelled});
}

microseconds guarded_call::since_start(base::steady_time t) const {
    return std::chrono::duration_cast<microseconds>(t - started_);
}

net::task<upstream::call_error> guarded_call::start(const upstream::call_options& options) {
    started_ = steady_clock::now();
    permit_ = upstream_.availability.ask(started_);
    if (!permit_) {
        context_.shard.counters.call_refused(upstream_.metric_id, call_outcome::breaker_open);
        const auto wait = upstream_.availability.ask_again_at(started_) - started_;
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
        co_return upstream::call_error{upstream::call_fault::unavailable, "not called: it failed or asked to wait",
                                       static_cast<int>(std::max<std::int64_t>(1, seconds))};
    }
    context_.shard.counters.call_started(upstream_.metric_id);
    co_return co_await call_->start(options);
}

call_signal guarded_call::signal_of(const call_end& how) const {
    switch (how.outcome) {
        case call_outcome::ok:
        case call_outcome::unusable: return call_signal::success;
        case call_outcome::non_2xx:
            return is_upstream_fault(how.status) ? call_signal::failure : call_signal::success;
        case call_outcome::transport:
        case call_outcome::non_json:
        case call_outcome::cut: return call_signal::failure;
        case call_outcome::timeout: {
            // One of its own limits, or silence for the whole of a request's time that no client made short. A panel
            // that would not wait says nothing.
            const bool is_silent = call_->reply().status == 0 && !context_.request.envelope().deadline_ms &&
                                   steady_clock::now() >= context_.deadline;
            const bool is_own = call_->error().fault == upstream::call_fault::timeout;
            return is_own || is_silent ? call_signal::failure : call_signal::neutral;
        }
        default: return call_signal::neutral;
    }
}

void guarded_call::end(const call_end& how) {
    if (!permit_) {
        return;
    }
    const auto now = steady_clock::now();
    const auto& reply = call_->reply();
    const auto first_byte = reply.status != 0 ? since_start(call_->head_time()) : telemetry::not_reached;
    context_.shard.counters.call_ended(upstream_.metric_id, how.outcome, first_byte, since_start(now));
    upstream::call_report report;
    report.signal = signal_of(how);
    const bool is_refusal = how.outcome == call_outcome::non_2xx;
    const bool was_left = how.outcome == call_outcome::cancelled || how.outcome == call_outcome::timeout;
    if (!is_refusal) {
        report.first_byte = first_byte;
    }
    if (how.is_own_pace && (how.outcome == call_outcome::ok || was_left)) {
        report.total = since_start(now);
        report.is_cut_short = was_left;
    }
    report.retry_after_s = is_refusal ? reply.retry_after_s : -1;
    const auto change = permit_.end(report, now);
    if (change != upstream::state_change::none) {
        const bool is_opened = change == upstream::state_change::opened;
        context_.log.write(is_opened ? base::log_level::warning : base::log_level::info,
                           is_opened ? "an upstream keeps failing and is left alone" : "an upstream answers again",
                           {{"id", context_.request_id}, {"upstream", upstream_.config.key}});
    }
    call_.reset();
}

}  // namespace meta_model::dispatch
