// A client of another wire, seen by a strategy as the client of a chat.
#pragma once

#include "api/reply_translator.hpp"
#include "api/sse_events.hpp"
#include "dispatch/answer_sink.hpp"

#include <memory>
#include <string>

namespace meta_model::routes {

class translated_sink final : public dispatch::answer_sink {
public:
    // `client` outlives it. `body`: of the chat request that the strategy serves; it is given back with the request's.
    translated_sink(
        dispatch::answer_sink& client,
        std::string body,
        std::unique_ptr<api::reply_translator> replies
    )
        : client_(&client), body_(std::move(body)), replies_(std::move(replies)) {}

    std::string_view body() const { return body_; }

    // Before anything was written: the client is another one, which outlives it.
    void redirect(dispatch::answer_sink& client) { client_ = &client; }

    dispatch::write_state send(const dispatch::answer_head& head, const api::pieces& body) override;
    dispatch::write_state begin(
        const dispatch::answer_head& head,
        std::optional<std::uint64_t> content_length,
        const api::pieces& first
    ) override;
    dispatch::write_state write(const api::pieces& more) override;
    dispatch::write_state end(const api::pieces& last) override;
    void abort() override { client_->abort(); }
    net::task<bool> drain() override { return client_->drain(); }
    bool is_committed() const override { return client_->is_committed(); }
    bool has_pending() const override { return client_->has_pending(); }
    bool may_commit_early() const override { return client_->may_commit_early(); }
    base::steady_time last_write() const override { return client_->last_write(); }
    void release_request() override;

private:
    // Of the chat's stream: whole replies, told as one event by some, are larger than what upstreams may send.
    static constexpr std::size_t max_event_bytes = 64u << 20;

    // Sets `out_`. False: the stream cannot go on.
    bool translate(const api::pieces& chunks);

    dispatch::answer_sink* client_;
    std::string body_;
    std::unique_ptr<api::reply_translator> replies_;
    api::event_splitter events_{max_event_bytes};
    std::string out_;  // what a write becomes
    // A whole reply that comes in parts: its length is known at its end only.
    bool is_whole_ = false;
    std::string whole_;
    std::string header_lines_;
};

}  // namespace meta_model::routes
