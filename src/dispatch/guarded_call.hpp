// A call to one upstream as strategies make it: with the upstream's permission, counted, reported to its state, and tried
// again where that is free.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/call.hpp"

#include <memory>
#include <optional>

namespace meta_model::dispatch {

class nested_call;

// What the one who read the reply knows of it.
struct call_end {
    telemetry::call_outcome outcome{};
    int status = 0;  // HTTP, or what an error object in a 2xx reply stands for; 0: no reply came
    bool is_own_pace =
        false;  // the reply was read as fast as it came, so that its time says how fast the upstream is
};

// Whether a refusal with this status speaks of the upstream. Other 4xx are the caller's mistakes: they come from a server
// that works.
bool is_upstream_fault(int status);

// Whether an attempt that was refused may be made again.
enum class retries {
    none,     // somebody else can take over: another step, another leg
    allowed,  // as the upstream's retry rules and budget say
};

class guarded_call {
public:
    // `context` outlives the call.
    guarded_call(request_context& context, upstream::upstream_state& upstream);
    ~guarded_call();
    guarded_call(const guarded_call&) = delete;
    guarded_call& operator=(const guarded_call&) = delete;

    // Fault `unavailable` when the upstream must not be called now. `options` must live until it returned.
    net::task<upstream::call_error> start(const upstream::call_options& options, retries again);

    // Counts and reports the call, and closes it. Without it the call ends as cancelled.
    void end(const call_end& how);

    // Of a call that a profile served: what its own calls cost. Null: of any other. Once start() returned.
    std::shared_ptr<const ledger> take_nested_ledger();

    upstream::call& operator*() const { return *call_; }
    upstream::call* operator->() const { return call_.get(); }

private:
    std::unique_ptr<upstream::call> make_call();
    // Asks for the right to make a call now and counts it. A fault: there is none.
    upstream::call_error admit(bool is_first);
    std::optional<base::steady_duration> wait_before_next(
        const upstream::call_error& fault, int made, base::steady_time deadline
    ) const;
    net::task<> leave_attempt(const upstream::call_error& fault);
    upstream::call_signal signal_of(const call_end& how) const;
    void note_server(const call_end& how, upstream::call_report& report);
    std::chrono::microseconds since_start(base::steady_time t) const;

    request_context& context_;
    upstream::upstream_state& upstream_;
    nested_call* nested_ = nullptr;  // `call_`, when it is one
    std::unique_ptr<upstream::call> call_;
    upstream::call_permit permit_;
    base::steady_time started_{};
    std::uint64_t failed_servers_ = 0;  // of attempts before
};

}  // namespace meta_model::dispatch
