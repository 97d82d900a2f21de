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

state_change breaker::note(call_signal signal, permission granted_as, base::steady_time now) {
    if (granted_as == permission::probe) {
        is_probing_ = false;
        if (signal == call_signal::failure) {
            open(now);
        } else if (signal == call_signal::success) {
            is_open_ = false;
            ended_.clear();
            row_ = 0;
            return state_change::closed;
        }
        return state_change::none;
    }
    if (is_open_ || signal == call_signal::neutral) {
        return state_change::none;
    }
    const bool is_failure = signal == call_signal::failure;
    ended_.add(is_failure ? failed : succeeded, now);
    row_ = is_failure ? row_ + 1 : 0;
    const bool is_window_full =
        is_failing(now) && ended_.sum(failed, now) >= static_cast<std::uint64_t>(rules_.failures);
    const bool is_row_full = rules_.counts_rows && row_ >= rules_.failures;
    if (!is_failure || !(is_window_full || is_row_full)) {
        return state_change::none;
    }
    open(now);
    return state_change::opened;
}

bool breaker::is_failing(base::steady_time now) const {
    return is_open_ ? refuses(now) : ended_.sum(failed, now) > ended_.sum(succeeded, now);
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
