// A client's connection as dispatch sees it.
#pragma once

#include "dispatch/answer_sink.hpp"
#include "http/connection.hpp"

namespace meta_model::routes {

class http_answer_sink final : public dispatch::answer_sink {
public:
    explicit http_answer_sink(http::connection& c) : c_(c) {}

    dispatch::write_state send(const dispatch::answer_head& head, const api::pieces& body) override;
    dispatch::write_state begin(
        const dispatch::answer_head& head,
        std::optional<std::uint64_t> content_length,
        const api::pieces& first
    ) override;
    dispatch::write_state write(const api::pieces& more) override;
    dispatch::write_state end(const api::pieces& last) override;
    void abort() override { c_.abort(); }
    net::task<bool> drain() override { return c_.flush(); }
    bool is_committed() const override { return c_.is_committed(); }
    bool has_pending() const override { return c_.has_pending(); }
    bool may_commit_early() const override { return !c_.is_http_1_0(); }
    base::steady_time last_write() const override { return c_.last_write(); }
    void release_request() override { c_.release_request(); }

private:
    http::connection& c_;
};

}  // namespace meta_model::routes
