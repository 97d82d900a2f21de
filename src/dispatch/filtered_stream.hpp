// A stream that is decoded and written anew, because reasoning in it must not be shown. Calls that the request does not
// declare are left out; an answer of nothing else is an error.
#pragma once

#include "api/answer_event.hpp"
#include "api/chat_stream_decoder.hpp"
#include "api/chat_stream_encoder.hpp"
#include "api/reasoning.hpp"
#include "dispatch/call_filter.hpp"
#include "dispatch/relay_account.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/call.hpp"

#include <optional>
#include <string>

namespace meta_model::dispatch {

class filtered_stream final : private api::answer_listener {
public:
    // `account` (may be null): its books go out with the last chunk.
    filtered_stream(
        request_context& context, upstream::call& call, relay_account* account = nullptr
    );

    // An error is returned only while nothing was committed.
    net::task<base::maybe_error> run();

private:
    void on_event(const api::answer_event& event) override;
    void end_text();
    void judge_calls();
    net::task<bool> flush();

    request_context& context_;
    upstream::call& call_;
    relay_account* account_;
    std::string out_;
    std::optional<api::chat_stream_encoder> encoder_;
    const tool_policy policy_;
    call_filter declared_;
    api::chat_stream_decoder decoder_;
    api::leading_reasoning_filter filter_;
    std::string held_reasoning_;  // shown as content if the answer has nothing else
    std::string finish_reason_;
    std::optional<api::token_usage> usage_;
    base::maybe_error failure_;
    bool has_visible_ = false;
    bool has_calls_ = false;
    bool has_refusal_ = false;
};

}  // namespace meta_model::dispatch
