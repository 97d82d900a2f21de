#include "upstream/endpoint_lease.hpp"

#include <algorithm>
#include <chrono>

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
        note_end(call_signal::neutral);
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

server_end endpoint_lease::note_end(call_signal signal) {
    if (current_ == nullptr || !is_noted()) {
        return {};
    }
    const auto now = steady_clock::now();
    server_end out{.name = current_->where.host_header};
    if (!has_ended_) {
        has_ended_ = true;
        out.change = current_->breaker.note(signal, permission_, now);
    }
    out.others_can_serve = std::ranges::any_of(upstream_.endpoints, [&](const auto& e) {
        return (tried_ & e->bit()) == 0 && e->can_serve(now);
    });
    return out;
}

}  // namespace meta_model::upstream
