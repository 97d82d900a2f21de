// One broken upstream beside good ones behind one gateway, in every role that an upstream has, and what a client and the
// process must look like afterwards.
#pragma once

#include "contract/fault_table.hpp"
#include "contract/panel.hpp"

#include <string>

namespace meta_model::contract {

// Beyond the configured time.
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

// The gateway's descriptors but for connections that the upstream has the other ends of: idle ones in a pool are no leak.
std::size_t surplus_descriptors(const gateway_process& gateway, const fake_upstream& models);
bool comes_back_to(std::size_t base, const gateway_process& gateway, const fake_upstream& models);

// The upstream `bad` beside the good a, b, c and s, as a generator, a synthesizer and a step.
class bad_day {
public:
    static constexpr auto as_generator = "generator.v1";
    static constexpr auto as_synthesizer = "synthesizer.v1";
    static constexpr auto as_step = "step.v1";
    static constexpr auto as_resumed_step = "resumed.v1";

    explicit bad_day(const fault& one);

    const gateway_process& gateway() const { return gateway_; }
    fake_upstream& models() { return good_.models; }

    http_reply whole(const std::string& model) const;
    sse_transcript streamed(const std::string& model) const;

    // Counted from the construction.
    void expect_in_time() const;
    void expect_one_call() const;
    // Of the next call after the one that failed.
    void expect_connection_rule();
    // Good upstreams answer, and nothing of the fault is left in the process.
    void expect_good_service() const;

private:
    std::string config();

    const fault& which_;
    panel good_{};
    gateway_process gateway_;
    std::size_t base_;  // surplus descriptors
    clock::time_point start_ = clock::now();
};

// Table rows with and without a configured time, as test names.
std::vector<std::string> fault_names(bool is_timed);

}  // namespace meta_model::contract
