// Something a coroutine waits for until a point in time, and that other code on the same thread sets.
#pragma once

#include "base/timer_wheel.hpp"
#include "net/asio_types.hpp"

namespace meta_model::net {

class signal {
public:
    explicit signal(executor ex) : timer_(ex) {}

    // Wakes the waiter, or the next one to wait. May be called again.
    void notify();

    // Returns when notified, or when `until` has come. One waiter at a time.
    task<> wait_until(base::steady_time until);

private:
    precise_timer timer_;
    bool is_set_ = false;
};

}  // namespace meta_model::net
