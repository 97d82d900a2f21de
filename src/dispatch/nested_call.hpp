// A profile in the place of an upstream (decisions §1.15): the call is served within the gateway, as a request of its own that
// is not streamed and has the deadline, the purse and the cancellation of the one that it is part of.
#pragma once

#include "dispatch/captured_answer.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/call.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace meta_model::dispatch {

// What stands around a request that a profile within another one serves.
struct nested_surroundings {
    answer_sink& sink;
    base::cancel_source& cancel;
    telemetry::request_record& record;
};

// The context of such a request, which ends at `deadline` at the latest. All of them outlive it.
request_context nested_context(
    request_context& outer,
    const nested_profile& profile,
    api::chat_request& request,
    const nested_surroundings& around,
    base::steady_time deadline
);

class nested_call final : public upstream::call {
public:
    // Both outlive the call.
    nested_call(request_context& outer, const nested_profile& profile)
        : outer_(outer), profile_(profile) {}

    net::task<upstream::call_error> start(const upstream::call_options& options) override;
    const upstream::reply_facts& reply() const override { return reply_; }
    upstream::read_state try_read(char* into, std::size_t room, std::size_t& got) override;
    net::task<> wait() override { co_return; }
    void note_first_token() override {}
    void expect_end() override {}
    const upstream::call_error& error() const override { return error_; }
    void cancel() override;
    base::steady_time head_time() const override { return head_time_; }

    // Its own calls, once start() returned.
    std::shared_ptr<const ledger> take_ledger() { return std::move(ledger_); }

private:
    net::task<base::maybe_error> serve(
        api::chat_request& request, const upstream::call_options& options, captured_answer& answer
    );
    void keep_record(const telemetry::request_record& inner);
    upstream::call_error fail(upstream::call_fault fault, std::string detail);

    request_context& outer_;
    const nested_profile& profile_;
    std::optional<base::child_cancel_source> cancel_;
    std::shared_ptr<const ledger> ledger_;
    upstream::reply_facts reply_;
    upstream::call_error error_;
    std::string body_;
    std::size_t offset_ = 0;
    base::steady_time head_time_{};
};

}  // namespace meta_model::dispatch
