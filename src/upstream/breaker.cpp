#include "upstream/breaker.hpp"

#include <algorithm>

namespace meta_model::upstream {

breaker::permission breaker::ask(base::steady_time now) {
    if (!is_open_) {
        return permission::granted;
    }
    if (refuses(now)) {
        return permission::refused;
    }
    is_probing_ = true;
    return permission::probe;
}

bool breaker::refuses(base::steady_time now) const {
    return is_open_ && (is_probing_ || now < open_until_);
}

void breaker::note(call_signal signal, permission granted_as, base::steady_time now) {
    if (granted_as == permission::probe) {
        is_probing_ = false;
        if (signal == call_signal::failure) {
            open(now);
        } else if (signal == call_signal::success) {
            is_open_ = false;
            ended_.clear();
        }
        return;
    }
    if (is_open_ || signal == call_signal::neutral) {
        return;
    }
    ended_.add(signal == call_signal::failure ? failed : succeeded, now);
    const auto failures = ended_.sum(failed, now);
    if (signal == call_signal::failure && failures >= static_cast<std::uint64_t>(rules_.failures)
        && failures > ended_.sum(succeeded, now)) {
        open(now);
    }
}

void breaker::open(base::steady_time now) {
    is_open_ = true;
    open_until_ = now + rules_.open;
}

breaker_state breaker::state(base::steady_time now) const {
    if (!is_open_) {
        return breaker_state::closed;
    }
    return is_probing_ || now >= open_until_ ? breaker_state::half_open : breaker_state::open;
}

base::steady_time breaker::ask_again_at(base::steady_time now) const {
    // A probe may end at any moment.
    return std::max(
        open_until_, now + (is_probing_ ? std::chrono::seconds(1) : std::chrono::seconds(0))
    );
}

}  // namespace meta_model::upstream
