// Where the answer of a request goes that is part of another one: kept whole, for whoever asked.
#pragma once

#include "dispatch/answer_sink.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace meta_model::dispatch {

class captured_answer final : public answer_sink {
public:
    // An answer of more bytes is given up.
    explicit captured_answer(std::size_t most_bytes) : most_bytes_(most_bytes) {}

    write_state send(const answer_head& head, const api::pieces& body) override;
    write_state begin(
        const answer_head& head,
        std::optional<std::uint64_t> content_length,
        const api::pieces& first
    ) override;
    write_state write(const api::pieces& more) override;
    write_state end(const api::pieces& last) override;
    void abort() override { is_whole_ = false; }

    net::task<bool> drain() override { co_return !is_too_large_; }
    bool is_committed() const override { return status_ != 0; }
    bool has_pending() const override { return false; }
    bool may_commit_early() const override { return false; }
    base::steady_time last_write() const override { return last_write_; }
    void release_request() override {}

    int status() const { return status_; }
    bool is_json() const { return is_json_; }
    bool is_whole() const { return is_whole_ && !is_too_large_; }
    bool is_too_large() const { return is_too_large_; }
    std::string take_body() { return std::move(body_); }

private:
    const std::size_t most_bytes_;
    std::string body_;
    std::optional<std::uint64_t> expected_bytes_;
    base::steady_time last_write_ = std::chrono::steady_clock::now();
    int status_ = 0;  // 0: nothing was sent
    bool is_json_ = false;
    bool is_whole_ = false;
    bool is_too_large_ = false;
};

}  // namespace meta_model::dispatch
