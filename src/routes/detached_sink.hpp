// A client that nobody waits behind: it takes everything at once and keeps none of it, but for an error.
#pragma once

#include "dispatch/answer_sink.hpp"

#include <chrono>
#include <string>

namespace meta_model::routes {

class detached_sink final : public dispatch::answer_sink {
public:
    using write_state = dispatch::write_state;

    write_state send(const dispatch::answer_head& head, const api::pieces& body) override {
        status_ = head.status;
        if (status_ >= 300) {
            for (const auto part : body) {
                error_ += part;
            }
        }
        return write_state::done;
    }
    write_state
    begin(const dispatch::answer_head& head, std::optional<std::uint64_t>, const api::pieces&)
        override {
        status_ = head.status;
        return take();
    }
    write_state write(const api::pieces&) override { return take(); }
    write_state end(const api::pieces&) override { return take(); }
    void abort() override { is_aborted_ = true; }
    net::task<bool> drain() override { co_return !is_aborted_; }

    bool is_committed() const override { return status_ != 0; }
    bool has_pending() const override { return false; }
    bool may_commit_early() const override { return true; }
    base::steady_time last_write() const override { return last_write_; }
    void release_request() override {}

    int status() const { return status_; }
    // The body of a reply that was no success.
    const std::string& error_body() const { return error_; }

private:
    write_state take() {
        last_write_ = std::chrono::steady_clock::now();
        return is_aborted_ ? write_state::closed : write_state::done;
    }

    int status_ = 0;
    bool is_aborted_ = false;
    std::string error_;
    base::steady_time last_write_{};
};

}  // namespace meta_model::routes
