#include "dispatch/guarded_call.hpp"

#include "base/text.hpp"
#include "dispatch/body_reader.hpp"
#include "dispatch/nested_call.hpp"
#include "dispatch/upstream_errors.hpp"
#include "net/signal.hpp"
#include "upstream/retry.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>

namespace meta_model::dispatch {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;
using telemetry::call_outcome;
using upstream::call_signal;

double random_share() {
    thread_local std::minstd_rand engine(std::random_device{}());
    return std::uniform_real_distribution<double>(0, 1)(engine);
}

class wake_on_cancel final : public base::cancel_hook {
public:
    explicit wake_on_cancel(net::signal& wake) : wake_(wake) {}
    void on_cancel(base::cancel_reason) override { wake_.notify(); }

private:
    net::signal& wake_;
};

// False: cancelled before.
net::task<bool> sleep_until(
    net::event_loop& loop, base::cancel_source* cancel, base::steady_time until
) {
    net::signal wake(loop.get_executor());
    wake_on_cancel hook(wake);
    if (cancel != nullptr) {
        cancel->attach(hook);
    }
    const auto is_cancelled = [cancel] { return cancel != nullptr && cancel->is_cancelled(); };
    while (!is_cancelled() && steady_clock::now() < until) {
        co_await wake.wait_until(until);
    }
    co_return !is_cancelled();
}

// Whether a failure with this status (0: no reply came) is that of one server. Refusals below 500 speak of the account, or of
// what all of them are asked.
bool is_of_server(int status) {
    return status == 0 || status >= 500;
}

}  // namespace

bool is_upstream_fault(int status) {
    constexpr std::array own{401, 403, 407, 408, 429};
    return status < 400 || status > 499 || std::ranges::find(own, status) != own.end();
}

guarded_call::guarded_call(request_context& context, upstream::upstream_state& upstream)
    : context_(context), upstream_(upstream), call_(make_call()) {
}

std::unique_ptr<upstream::call> guarded_call::make_call() {
    const auto* const profile = context_.target.nested_in(upstream_);
    if (profile == nullptr) {
        return context_.client.make_call(upstream_);
    }
    auto call = std::make_unique<nested_call>(context_, *profile);
    nested_ = call.get();
    return call;
}

std::shared_ptr<const ledger> guarded_call::take_nested_ledger() {
    return nested_ != nullptr ? nested_->take_ledger() : nullptr;
}

guarded_call::~guarded_call() {
    end({.outcome = call_outcome::cancelled});
}

microseconds guarded_call::since_start(base::steady_time t) const {
    return std::chrono::duration_cast<microseconds>(t - started_);
}

net::task<upstream::call_error> guarded_call::start(
    const upstream::call_options& options, retries again
) {
    for (int made = 1;; ++made) {
        auto fault = admit(made == 1);
        if (!fault) {
            fault = co_await call_->start(options);
        }
        const bool is_answered = !fault && call_->reply().status < 400;
        if (is_answered || again == retries::none) {
            co_return fault;
        }
        const auto wait = wait_before_next(fault, made, options.deadline);
        if (!wait) {
            co_return fault;
        }
        co_await leave_attempt(fault);
        const bool is_awake =
            co_await sleep_until(context_.loop, options.cancel, steady_clock::now() + *wait);
        call_ = make_call();
        call_->avoid(failed_servers_);
        if (!is_awake) {
            const bool is_late = options.cancel->reason() == base::cancel_reason::deadline;
            co_return upstream::call_error{
                is_late ? upstream::call_fault::deadline : upstream::call_fault::cancelled,
                "while waiting to try again"
            };
        }
    }
}

std::optional<base::steady_duration> guarded_call::wait_before_next(
    const upstream::call_error& fault, int made, base::steady_time deadline
) const {
    const auto& reply = call_->reply();
    const bool is_elsewhere = is_of_server(reply.status) && call_->others_can_serve();
    const upstream::attempt_end end{
        .fault = fault.fault,
        .status = reply.status,
        .retry_after_s = is_elsewhere ? -1 : reply.retry_after_s
    };
    const auto now = steady_clock::now();
    const auto left = deadline == base::no_deadline ? base::steady_duration::max() : deadline - now;
    auto wait = upstream::retry_wait(upstream_.config.retry, end, made, random_share(), left);
    if (!wait || !upstream_.availability.take_retry(now)) {
        return std::nullopt;
    }
    return is_elsewhere ? base::steady_duration::zero() : *wait;
}

// Reads the refusal's body, so that its connection can be used again, and counts the attempt.
net::task<> guarded_call::leave_attempt(const upstream::call_error& fault) {
    constexpr std::size_t most_body_bytes = 64u << 10;
    const auto status = call_->reply().status;
    std::string body;
    if (!fault) {
        call_->expect_end();
        co_await read_body(context_.loop, *call_, most_body_bytes, body);
    }
    const auto outcome = fault ? outcome_of(fault.fault) : call_outcome::non_2xx;
    const auto detail =
        fault ? fault.detail : "status " + std::to_string(status) + ' ' + loggable(context_, body);
    context_.log.write(
        base::log_level::warning,
        "an upstream call failed and is tried again",
        {{"id", context_.request_id},
         {"upstream", upstream_.config.key},
         {"reason", telemetry::to_string(outcome)},
         {"detail", base::clip(detail, 200)}}
    );
    end({.outcome = outcome, .status = status});
}

upstream::call_error guarded_call::admit(bool is_first) {
    auto& state = upstream_.availability;
    started_ = steady_clock::now();
    permit_ = is_first ? state.ask(started_) : state.ask_for_retry(started_);
    if (!permit_) {
        context_.shard.counters.call_refused(upstream_.metric_id, call_outcome::breaker_open);
        const auto wait = upstream_.availability.ask_again_at(started_) - started_;
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
        return {
            upstream::call_fault::unavailable,
            "not called: it failed or asked to wait",
            static_cast<int>(std::max<std::int64_t>(1, seconds))
        };
    }
    context_.shard.counters.call_started(upstream_.metric_id);
    return {};
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
            const bool is_silent =
                call_->reply().status == 0 && !context_.request.envelope().deadline_ms
                && !context_.is_time_shortened && steady_clock::now() >= context_.deadline;
            const bool is_own = call_->error().fault == upstream::call_fault::timeout;
            return is_own || is_silent ? call_signal::failure : call_signal::neutral;
        }
        default: return call_signal::neutral;
    }
}

// A failure of one server of several is the upstream's own only when none of the others can serve.
void guarded_call::note_server(const call_end& how, upstream::call_report& report) {
    const auto signal = report.signal;
    const bool is_failure = signal == call_signal::failure;
    const bool is_its_own = how.outcome != call_outcome::non_2xx || is_of_server(how.status);
    if (is_failure && is_its_own && call_->others_can_serve()) {
        report.signal = call_signal::neutral;
        report.retry_after_s = -1;
    }
    failed_servers_ |= call_->servers();
    const auto server = call_->note_end(is_failure && !is_its_own ? call_signal::neutral : signal);
    if (server.change != upstream::state_change::none) {
        const bool is_opened = server.change == upstream::state_change::opened;
        context_.log.write(
            is_opened ? base::log_level::warning : base::log_level::info,
            is_opened ? "an endpoint keeps failing and is left alone" : "an endpoint answers again",
            {{"id", context_.request_id},
             {"upstream", upstream_.config.key},
             {"endpoint", server.name}}
        );
    }
}

void guarded_call::end(const call_end& how) {
    if (!permit_) {
        return;
    }
    const auto now = steady_clock::now();
    const auto& reply = call_->reply();
    const auto first_byte =
        reply.status != 0 ? since_start(call_->head_time()) : telemetry::not_reached;
    context_.shard.counters.call_ended(
        upstream_.metric_id, how.outcome, first_byte, since_start(now)
    );
    upstream::call_report report;
    report.signal = signal_of(how);
    const bool is_refusal = how.outcome == call_outcome::non_2xx;
    const bool was_left =
        how.outcome == call_outcome::cancelled || how.outcome == call_outcome::timeout;
    if (!is_refusal) {
        report.first_byte = first_byte;
    }
    if (how.is_own_pace && (how.outcome == call_outcome::ok || was_left)) {
        report.total = since_start(now);
        report.is_cut_short = was_left;
    }
    report.retry_after_s = is_refusal ? reply.retry_after_s : -1;
    note_server(how, report);
    const auto change = permit_.end(report, now);
    if (change != upstream::state_change::none) {
        const bool is_opened = change == upstream::state_change::opened;
        context_.log.write(
            is_opened ? base::log_level::warning : base::log_level::info,
            is_opened ? "an upstream keeps failing and is left alone" : "an upstream answers again",
            {{"id", context_.request_id}, {"upstream", upstream_.config.key}}
        );
    }
    call_.reset();
}

}  // namespace meta_model::dispatch
