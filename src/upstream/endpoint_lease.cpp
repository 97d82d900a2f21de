#include "upstream/endpoint_lease.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace meta_model::upstream {

using std::chrono::steady_clock;

endpoint_lease::endpoint_lease(upstream_state& upstream, endpoint_state* only)
    : upstream_(upstream), only_(only) {
}

endpoint_lease::~endpoint_lease() {
    release();
}

void endpoint_lease::release() {
    if (current_ != nullptr) {
        note(call_signal::neutral);
        current_->in_flight.fetch_sub(1, std::memory_order_relaxed);
    }
}

bool endpoint_lease::take_next(std::uint64_t affinity) {
    const auto now = is_noted() ? steady_clock::now() : base::steady_time{};
    auto* next = only_ == nullptr ? upstream_.choose_endpoint(tried_, avoided_, affinity, now)
                 : tried_ == 0    ? only_
                                  : nullptr;
    if (next == nullptr) {
        return false;
    }
    release();
    permission_ = is_noted() ? next->breaker.ask(now) : breaker::permission::granted;
    current_ = next;
    current_->in_flight.fetch_add(1, std::memory_order_relaxed);
    tried_ |= current_->bit();
    has_ended_ = false;
    return true;
}

void endpoint_lease::note(call_signal signal) {
    if (has_ended_ || !is_noted()) {
        return;
    }
    has_ended_ = true;
    const auto change = current_->breaker.note(signal, permission_, steady_clock::now());
    if (change != state_change::none) {
        untold_ = {.change = change, .name = current_->where.host_header};
    }
}

server_change endpoint_lease::note_end(call_signal signal) {
    note(signal);
    return std::exchange(untold_, {});
}

bool endpoint_lease::others_can_serve() const {
    if (!is_noted()) {
        return false;
    }
    const auto now = steady_clock::now();
    return std::ranges::any_of(upstream_.endpoints, [&](const auto& e) {
        return ((tried_ | avoided_) & e->bit()) == 0 && e->can_serve(now);
    });
}

}  // namespace meta_model::upstream
