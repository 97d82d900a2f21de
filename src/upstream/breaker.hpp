// Leaves an upstream alone for a while when most of its calls fail, and finds out with one call whether it is back.
// A pure state machine: time comes from outside. Not thread-safe.
#pragma once

#include "upstream/sliding_counts.hpp"

namespace meta_model::upstream {

// What the end of a call says of its upstream.
enum class call_signal {
    success,
    failure,
    neutral,  // nothing: it was cancelled, or it never began
};

enum class breaker_state {
    closed,     // calls go through
    open,       // none does
    half_open,  // one may find out
};

enum class state_change { none, opened, closed };

struct breaker_rules {
    int failures = 5;  // so many in the window, and more than successes, open it
    base::steady_duration window = std::chrono::seconds(30);
    base::steady_duration open = std::chrono::seconds(15);
    bool counts_rows = false;  // so many in a row open it too, however many succeeded before
};

class breaker {
public:
    enum class permission { granted, probe, refused };

    explicit breaker(const breaker_rules& rules) : rules_(rules), ended_(rules.window) {}

    // Asks for a call. `probe`: it is the one that finds out; its end must be noted as such.
    permission ask(base::steady_time now);
    // Whether ask() would refuse.
    bool refuses(base::steady_time now) const;

    // The end of a call that was granted. Ends of calls that began before the breaker opened change nothing.
    state_change note(call_signal signal, permission granted_as, base::steady_time now);

    // Whether it refuses, or most calls failed lately, though too few to open it. One that is due to find out is not failing.
    bool is_failing(base::steady_time now) const;

    breaker_state state(base::steady_time now) const;
    // While it refuses: when it is worth asking again.
    base::steady_time ask_again_at(base::steady_time now) const;

private:
    enum kind : std::size_t { failed, succeeded };

    void open(base::steady_time now);

    breaker_rules rules_;
    sliding_counts<2> ended_;
    int row_ = 0;  // of failures
    bool is_open_ = false;
    bool is_probing_ = false;
    base::steady_time open_until_{};
};

}  // namespace meta_model::upstream
