// When a call is tried again on the same upstream: pure decisions, and a budget that keeps retries from becoming a
// storm. Only before anything of the answer went to the client.
#pragma once

#include "config/config.hpp"
#include "upstream/call.hpp"
#include "upstream/sliding_counts.hpp"

#include <optional>

namespace meta_model::upstream {

// How one attempt ended, as far as its head tells.
struct attempt_end {
    call_fault fault{};
    int status = 0;          // 0: no reply came
    int retry_after_s = -1;  // of the reply; negative: it named none
};

// Refused connections, 408, 409, 429 and 5xx. What was silent, cut or cancelled is not tried again.
bool may_be_repeated(const attempt_end& end);

// How long to wait before the next attempt: what the reply asks for, else a random part of a time that doubles with
// each attempt. Empty: it is not tried again, because attempts or time (`left`) are used up or the wait would be longer
// than the cap. `made`: attempts so far, at least 1. `random`: 0..1.
std::optional<base::steady_duration> retry_wait(
    const config::upstream_retry& rules,
    const attempt_end& end,
    int made,
    double random,
    base::steady_duration left
);

// Retries are fewer than a share of the newest requests; a few are always allowed. Not thread-safe.
class retry_budget {
public:
    static constexpr std::chrono::seconds window{10};
    static constexpr std::uint64_t always = 3;  // in the window

    explicit retry_budget(double ratio) : ratio_(ratio), counts_(window) {}

    void note_request(base::steady_time now) { counts_.add(requests, now); }
    // True: one more retry is allowed, and counted.
    bool take(base::steady_time now);

private:
    enum kind : std::size_t { requests, retries };

    double ratio_;
    sliding_counts<2> counts_;
};

}  // namespace meta_model::upstream
