// A call to an upstream that speaks Anthropic's Messages API: it takes a chat completion request and answers in the bytes of
// the chat wire, so that everything above the transport is the same for every upstream. Other paths and methods pass as
// they are.
#pragma once

#include "api/anthropic_request.hpp"
#include "api/anthropic_stream.hpp"
#include "upstream/call.hpp"
#include "upstream/http_call.hpp"
#include "upstream/registry.hpp"

#include <memory>
#include <optional>
#include <string>

namespace meta_model::upstream {

// The upstream's configuration as the translation takes it. Views `config`.
api::messages_options messages_options_of(const config::upstream& config);

class anthropic_call final : public call {
public:
    anthropic_call(std::unique_ptr<http_call> inner, const upstream_state& upstream);

    net::task<call_error> start(const call_options& options) override;
    const reply_facts& reply() const override { return reply_; }
    read_state try_read(char* into, std::size_t room, std::size_t& got) override;
    net::task<> wait() override;
    void note_first_token() override { inner_->note_first_token(); }
    void expect_end() override { inner_->expect_end(); }
    const call_error& error() const override { return error_ ? error_ : inner_->error(); }
    void cancel() override { inner_->cancel(); }
    base::steady_time head_time() const override { return inner_->head_time(); }
    server_change note_end(call_signal signal) override { return inner_->note_end(signal); }
    bool others_can_serve() const override { return inner_->others_can_serve(); }
    std::uint64_t servers() const override { return inner_->servers(); }
    void avoid(std::uint64_t servers) override { inner_->avoid(servers); }
    const api::token_usage* usage() const override { return usage_ ? &*usage_ : nullptr; }

private:
    void adopt_reply();
    void take(std::string_view bytes);
    void translate_whole();
    void note_usage(const api::messages_usage& usage);
    bool has_unread() const { return offset_ < out_.size(); }
    read_state hand_out(char* into, std::size_t room, std::size_t& got);

    std::unique_ptr<http_call> inner_;
    const config::upstream& config_;
    api::messages_request request_;
    reply_facts reply_;
    call_error error_;
    std::optional<api::anthropic_stream> stream_;
    std::optional<api::token_usage> usage_;
    std::string whole_;  // of a reply that is no stream, until it is complete
    std::string out_;    // that is ready to be read, from `offset_` on
    std::size_t offset_ = 0;
    api::thinking_telling telling_ = api::thinking_telling::in_one;
    bool is_translated_ = false;
    bool has_ended_ = false;  // the upstream's reply
};

}  // namespace meta_model::upstream
