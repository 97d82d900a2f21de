// Puts into the store what becomes of a response, before its client is told.
#pragma once

#include "api/responses_reply.hpp"
#include "base/cancel.hpp"
#include "http/counted_bytes.hpp"
#include "store/response_store.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace meta_model::routes {

class response_writer final : public api::response_listener {
public:
    enum class keeping : std::uint8_t {
        result,  // once there is one, while its client waits
        state,   // from its beginning on: it is made in the background
        events   // and what its stream tells
    };

    // `store` outlives it. `input_items`: a JSON list.
    response_writer(
        store::response_store& store,
        std::uint64_t owner,
        api::response_facts facts,
        std::string input_items,
        keeping what
    );
    response_writer(const response_writer&) = delete;
    response_writer& operator=(const response_writer&) = delete;

    // What it keeps of the request counts among the bytes of all requests as long as it lives.
    void count_in(http::service& s) { held_.emplace(s, input_items_->size()); }

    const api::response_facts& facts() const { return facts_; }
    store::response_key key() const { return {.owner = owner_, .id = facts_.id}; }
    bool has_events() const { return what_ == keeping::events; }

    // --- For what a client waits for ---
    // When this one was cancelled because the client has left, nothing is kept. It outlives the writer.
    void watch(const base::cancel_source& client) { client_ = &client; }

    // --- For what is made in the background ---
    // Puts the response, queued, and returns it. Empty: there is no room.
    std::string begin();
    void go_on();  // in progress
    // Nothing more will be told. A response without an end has failed, for this reason.
    void close(const api::response_failure& failure);

    void on_event(std::uint64_t sequence, std::string_view event_bytes) override;
    void on_final(api::response_status status, std::string_view response_json) override;

private:
    std::string snapshot(
        api::response_status status, const api::response_failure* failure = nullptr
    ) const;
    void tell_end();
    bool is_unwanted() const {
        return client_ != nullptr && client_->reason() == base::cancel_reason::client_gone;
    }

    store::response_store& store_;
    std::uint64_t owner_;
    api::response_facts facts_;
    store::shared_text input_items_;
    std::optional<http::counted_bytes> held_;
    keeping what_;
    const base::cancel_source* client_ = nullptr;
    std::int64_t last_event_ = 0;
    bool has_ended_ = false;
    bool is_overruled_ = false;  // it was cancelled or deleted before
    bool has_told_end_ = false;  // by an event
};

}  // namespace meta_model::routes
