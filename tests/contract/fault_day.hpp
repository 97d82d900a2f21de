// One broken upstream beside good ones behind one gateway, in every role that an upstream has, and what a client and the
// process must look like afterwards.
#pragma once

#include "contract/fault_table.hpp"
#include "contract/panel.hpp"
#include "support/stall_meter.hpp"

#include <string>

namespace meta_model::contract {

// Beyond the configured time, and beyond what the machine held everybody up.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr milliseconds fault_slack{1000};
#else
inline constexpr milliseconds fault_slack{250};
#endif

// Lines for an upstream with this fault: its timeouts, no probes, one attempt for a call and no breaker, so that each
// call is made, and made once.
std::string lines_for(const fault& which, const std::string& key);

void expect_whole(const http_reply& reply, const fault& which);
void expect_streamed(const sse_transcript& result, const fault& which);
void expect_complete_stream(const sse_transcript& result, const std::string& text);
// Some text, one error event, and no end that looks like one.
void expect_broken_stream(const sse_transcript& result);

// What a busy machine adds to a call.
milliseconds held_up(const stall_meter& stalls);

// The gateway's descriptors but for connections that the upstream has the other ends of: idle ones in a pool are no leak.
std::size_t surplus_descriptors(const gateway_process& gateway, const fake_upstream& models);
bool comes_back_to(std::size_t base, const gateway_process& gateway, const fake_upstream& models);

// Where the broken upstream stands. Each place has an upstream of its own: what a call tells the gateway of it (a pause
// that it asked for) must not answer the next one.
enum class role {
    relayed_whole,
    relayed_stream,
    generator,
    synthesizer_whole,
    synthesizer_stream,
    step_whole,
    step_stream,
    resumed_step,  // of a cascade with on_cut = "resume"
    voter,         // the first of three, each with an answer of its own
    judge,         // of three voters who are tied
    best_of_judge,
    arbiter_whole,  // the synthesizer of a panel one of whose drafts makes the call that is required
    arbiter_stream,
    sight_whole,   // the first of [vision]
    sight_stream,  // the first of [video]
};
inline constexpr std::size_t role_count = 15;

// A broken upstream in each role beside the good a, b, c and s.
class bad_day {
public:
    explicit bad_day(const fault& one);

    fake_upstream& models() { return good_.models; }

    // Asks what the role stands in, and checks what holds for every fault: in time, with one call, on a connection that is
    // not used again where it must not be, and nothing of it is left in the process.
    http_reply whole(role as);
    sse_transcript streamed(role as);

    // The upstream's key.
    static std::string name_of(role as);

private:
    std::string config();
    json request_to(role as) const;
    void expect_day_is_over(role as, clock::time_point start, const stall_meter& stalls);
    void expect_connection_rule(const std::string& name);

    const fault& which_;
    panel good_{};
    gateway_process gateway_;
    std::size_t base_;  // surplus descriptors
};

// Table rows with and without a configured time, as test names.
std::vector<std::string> fault_names(bool is_timed);

}  // namespace meta_model::contract
