// What an upstream's traffic tells of it: whether it may be called now, and how fast it answers. Calls write it,
// strategies read it. Shared by all threads: one short lock when a call begins and one when it ends, none per chunk.
#pragma once

#include "config/config.hpp"
#include "upstream/breaker.hpp"
#include "upstream/latency_window.hpp"
#include "upstream/retry.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace meta_model::upstream {

// When the members of a quota group may be called again, as their provider asked with Retry-After. Atomic.
class cool_down {
public:
    // Longer wishes are not believed: one call finds out.
    static constexpr std::chrono::minutes longest{10};

    void extend(base::steady_time until);
    base::steady_time until() const {
        return base::steady_time(base::steady_duration(until_.load()));
    }

private:
    std::atomic<base::steady_duration::rep> until_{0};
};

breaker_rules rules_of(const config::upstream_breaker& configured);

// How a call ended.
struct call_report {
    call_signal signal = call_signal::neutral;
    std::chrono::microseconds first_byte{-1};  // until the reply's head; negative: none came
    std::chrono::microseconds total{-1
    };  // negative: nothing to learn from, e.g. paced by a slow client
    bool is_cut_short = false;  // `total` is only how long it was waited for
    int retry_after_s = -1;     // of a reply that refused; negative: none
};

class availability;

// The right to make one call. Given back unused, it tells nothing of the upstream.
class call_permit {
public:
    call_permit() = default;
    call_permit(call_permit&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), as_(other.as_) {}
    call_permit& operator=(call_permit&& other) noexcept;
    ~call_permit();

    explicit operator bool() const { return owner_ != nullptr; }

    // The call's end. Once.
    state_change end(const call_report& report, base::steady_time now);

private:
    friend class availability;
    call_permit(availability& owner, breaker::permission as) : owner_(&owner), as_(as) {}

    availability* owner_ = nullptr;
    breaker::permission as_{};
};

class availability {
public:
    struct view {
        std::int64_t in_flight = 0;
        breaker_state breaker{};
        base::steady_time cool_until{};
        std::uint64_t samples = 0;  // of `total`, in the last hour
        std::chrono::microseconds first_byte_p50{}, first_byte_p90{}, first_byte_mean{};
        std::chrono::microseconds total_p50{}, total_p90{}, total_mean{};
    };

    // Fewer samples in the last hour teach nothing.
    static constexpr std::uint64_t least_samples = 20;

    explicit availability(const config::upstream_breaker& rules, double retry_ratio = 0.2);
    availability(const availability&) = delete;
    availability& operator=(const availability&) = delete;

    // Shares the cool-down of a quota group. Before the first call.
    void share(std::shared_ptr<cool_down> group) { cool_down_ = std::move(group); }

    // An empty permit: the upstream must not be called before ask_again_at().
    call_permit ask(base::steady_time now);
    // The same for another attempt of a call that take_retry() allowed.
    call_permit ask_for_retry(base::steady_time now);
    // True: the retry budget allows one more, which is counted.
    bool take_retry(base::steady_time now);
    bool may_be_called(base::steady_time now) const;
    base::steady_time ask_again_at(base::steady_time now) const;

    // How long its answers take at most, nine times out of ten; empty while too little is known.
    std::optional<std::chrono::microseconds> patience(base::steady_time now) const;

    view look(base::steady_time now) const;

private:
    friend class call_permit;
    call_permit permit(base::steady_time now);
    state_change end(breaker::permission as, const call_report& report, base::steady_time now);

    std::shared_ptr<cool_down> cool_down_;
    std::atomic<std::int64_t> in_flight_{0};
    mutable std::mutex mutex_;  // guards what follows
    breaker breaker_;
    retry_budget budget_;
    latency_window first_byte_;
    latency_window total_;
};

}  // namespace meta_model::upstream
