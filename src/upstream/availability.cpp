#include "upstream/availability.hpp"

#include <algorithm>
#include <utility>

namespace meta_model::upstream {

breaker_rules rules_of(const config::upstream_breaker& configured) {
    const auto to_steady = [](config::seconds_f s) {
        return std::chrono::duration_cast<base::steady_duration>(s);
    };
    return {
        .failures = configured.failures,
        .window = to_steady(configured.window),
        .open = to_steady(configured.open)
    };
}

void cool_down::extend(base::steady_time until) {
    const auto wish = until.time_since_epoch().count();
    auto known = until_.load(std::memory_order_relaxed);
    while (known < wish && !until_.compare_exchange_weak(known, wish, std::memory_order_relaxed)) {
    }
}

call_permit& call_permit::operator=(call_permit&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(as_, other.as_);
    return *this;
}

call_permit::~call_permit() {
    if (owner_ != nullptr) {
        owner_->end(as_, {}, {});
    }
}

state_change call_permit::end(const call_report& report, base::steady_time now) {
    auto* const owner = std::exchange(owner_, nullptr);
    return owner == nullptr ? state_change::none : owner->end(as_, report, now);
}

availability::availability(const config::upstream_breaker& rules, double retry_ratio)
    : cool_down_(std::make_shared<cool_down>()), breaker_(rules_of(rules)), budget_(retry_ratio) {
}

call_permit availability::ask(base::steady_time now) {
    const std::lock_guard lock(mutex_);
    auto out = permit(now);
    if (out) {
        budget_.note_request(now);
    }
    return out;
}

call_permit availability::ask_for_retry(base::steady_time now) {
    const std::lock_guard lock(mutex_);
    return permit(now);
}

bool availability::take_retry(base::steady_time now) {
    const std::lock_guard lock(mutex_);
    return budget_.take(now);
}

call_permit availability::permit(base::steady_time now) {
    if (now < cool_down_->until()) {
        return {};
    }
    const auto permission = breaker_.ask(now);
    if (permission == breaker::permission::refused) {
        return {};
    }
    in_flight_.fetch_add(1, std::memory_order_relaxed);
    return {*this, permission};
}

bool availability::may_be_called(base::steady_time now) const {
    if (now < cool_down_->until()) {
        return false;
    }
    const std::lock_guard lock(mutex_);
    return !breaker_.refuses(now);
}

base::steady_time availability::ask_again_at(base::steady_time now) const {
    const std::lock_guard lock(mutex_);
    const auto by_breaker = breaker_.refuses(now) ? breaker_.ask_again_at(now) : now;
    return std::max(by_breaker, cool_down_->until());
}

state_change availability::end(
    breaker::permission as, const call_report& report, base::steady_time now
) {
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    if (report.retry_after_s > 0) {
        cool_down_->extend(
            now
            + std::min<base::steady_duration>(
                std::chrono::seconds(report.retry_after_s), cool_down::longest
            )
        );
    }
    const std::lock_guard lock(mutex_);
    if (report.first_byte.count() >= 0) {
        first_byte_.add(report.first_byte, now);
    }
    // A call that was cut short says something only when it outlasted what is known; else short patience would teach
    // itself to be shorter still.
    if (report.total.count() >= 0
        && (!report.is_cut_short
            || (total_.count(now) >= least_samples && report.total >= total_.quantile(0.9, now)))) {
        total_.add(report.total, now);
    }
    return breaker_.note(report.signal, as, now);
}

std::optional<std::chrono::microseconds> availability::patience(base::steady_time now) const {
    const std::lock_guard lock(mutex_);
    if (total_.count(now) < least_samples) {
        return std::nullopt;
    }
    return total_.quantile(0.9, now);
}

availability::view availability::look(base::steady_time now) const {
    const std::lock_guard lock(mutex_);
    return {
        .in_flight = in_flight_.load(std::memory_order_relaxed),
        .breaker = breaker_.state(now),
        .cool_until = cool_down_->until(),
        .samples = total_.count(now),
        .first_byte_p50 = first_byte_.quantile(0.5, now),
        .first_byte_p90 = first_byte_.quantile(0.9, now),
        .first_byte_mean = first_byte_.mean(),
        .total_p50 = total_.quantile(0.5, now),
        .total_p90 = total_.quantile(0.9, now),
        .total_mean = total_.mean()
    };
}

}  // namespace meta_model::upstream
