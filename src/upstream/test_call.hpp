// A call to a simulated upstream (protocol = "test"): deterministic replies in OpenAI wire bytes, at a configured pace
// and with a configured fault, so that everything above the transport runs as it does with real servers.
#pragma once

#include "net/event_loop.hpp"
#include "net/signal.hpp"
#include "upstream/call.hpp"
#include "upstream/registry.hpp"

#include <string>
#include <vector>

namespace meta_model::upstream {

class test_call final : public call, private base::cancel_hook {
public:
    test_call(net::event_loop& loop, upstream_state& upstream);
    ~test_call() override;

    net::task<call_error> start(const call_options& options) override;
    const reply_facts& reply() const override { return reply_; }
    read_state try_read(char* into, std::size_t room, std::size_t& got) override;
    net::task<> wait() override;
    void note_first_token() override {}
    void expect_end() override {}
    const call_error& error() const override { return error_; }
    void cancel() override;
    base::steady_time head_time() const override { return head_time_; }

private:
    void on_cancel(base::cancel_reason reason) override;
    void prepare(std::string_view path, const std::string& request);
    void apply_fault();

    upstream_state& upstream_;
    net::signal wake_;
    std::vector<std::string> parts_;  // of the body, each due one chunk time after the one before
    reply_facts reply_;
    call_error error_;
    base::steady_time deadline_ = base::no_deadline;
    base::steady_time head_time_{};
    base::steady_time next_due_{};
    std::size_t next_part_ = 0;
    std::size_t offset_ = 0;  // in the part that is being read
    bool is_cut_ = false;     // ends without its end
};

}  // namespace meta_model::upstream
