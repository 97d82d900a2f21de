// How much longer the machine took than it was asked to while a test measured time: a loaded machine holds up everybody,
// and what it adds is not the gateway's.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace meta_model::support {

// Watches from its construction on.
class stall_meter {
public:
    stall_meter();
    ~stall_meter();
    stall_meter(const stall_meter&) = delete;
    stall_meter& operator=(const stall_meter&) = delete;

    // The delays so far, added up.
    std::chrono::milliseconds stalled() const;

private:
    std::atomic<bool> is_over_{false};
    std::atomic<std::int64_t> stalled_us_{0};
    std::thread watcher_;
};

}  // namespace meta_model::support
