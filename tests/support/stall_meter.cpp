#include "support/stall_meter.hpp"

#include <algorithm>

namespace meta_model::support {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr microseconds nap{2000};
constexpr microseconds usual_delay{500};  // of a machine that has nothing else to do

}  // namespace

stall_meter::stall_meter()
    : watcher_([this] {
          while (!is_over_) {
              const auto start = steady_clock::now();
              // Nothing is waited for: how late the thread wakes is what is measured.
              std::this_thread::sleep_for(nap);
              const auto late = duration_cast<microseconds>(steady_clock::now() - start) - nap;
              stalled_us_ += std::max<std::int64_t>(0, (late - usual_delay).count());
          }
      }) {
}

stall_meter::~stall_meter() {
    is_over_ = true;
    watcher_.join();
}

std::chrono::milliseconds stall_meter::stalled() const {
    return duration_cast<std::chrono::milliseconds>(microseconds(stalled_us_.load()));
}

}  // namespace meta_model::support
