#include "upstream/test_call.hpp"

#include "api/request_shape.hpp"
#include "upstream/test_data_replies.hpp"
#include "upstream/test_replies.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace meta_model::upstream {

using std::chrono::steady_clock;

test_call::test_call(net::event_loop& loop, upstream_state& upstream)
    : upstream_(upstream), wake_(loop.get_executor()) {
    upstream_.in_flight.fetch_add(1, std::memory_order_relaxed);
}

test_call::~test_call() {
    upstream_.in_flight.fetch_sub(1, std::memory_order_relaxed);
}

void test_call::on_cancel(base::cancel_reason reason) {
    if (reason == base::cancel_reason::deadline) {
        error_ = {call_fault::deadline, "the request's deadline passed"};
    }
    cancel();
}

void test_call::cancel() {
    if (!error_) {
        error_ = {call_fault::cancelled, "cancelled"};
    }
    wake_.notify();
}

net::task<call_error> test_call::start(const call_options& options) {
    if (options.cancel != nullptr) {
        options.cancel->attach(*this);
    }
    const auto& limits = upstream_.config.timeouts;
    deadline_ = options.deadline;
    std::string request;
    if (options.body != nullptr) {
        for (const auto part : *options.body) {
            request += part;
        }
    }
    prepare(options.path, request);
    apply_fault();
    // The head comes with the first token, as it does from most model servers.
    const auto due = steady_clock::now() + upstream_.config.test.first_token;
    const auto limit =
        steady_clock::now() + std::chrono::duration_cast<base::steady_duration>(limits.first_byte);
    const bool is_silent = upstream_.config.test.fail == config::test_fault::hang;
    const auto until = std::min({is_silent ? base::no_deadline : due, deadline_, limit});
    while (!error_ && steady_clock::now() < until) {
        co_await wake_.wait_until(until);
    }
    if (!error_ && steady_clock::now() >= deadline_) {
        error_ = {call_fault::deadline, "the request's deadline passed"};
    } else if (!error_ && (is_silent || (limit < due && steady_clock::now() >= limit))) {
        error_ = {call_fault::timeout, "first byte timeout"};
    }
    head_time_ = next_due_ = steady_clock::now();
    co_return error_;
}

void test_call::prepare(std::string_view path, const std::string& request) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch()
    );
    const test_request asked{
        .key = upstream_.config.key,
        .model_id = upstream_.config.model_id,
        .body = request,
        .created = now.count()
    };
    auto made = path == api::shape_of(api::request_kind::chat).upstream_path
                    ? make_test_reply(asked)
                    : make_test_data_reply(path, asked);
    reply_.status = made.status;
    reply_.kind = made.is_stream ? body_kind::event_stream : body_kind::json;
    parts_ =
        made.is_stream ? std::move(made.events) : std::vector<std::string>{std::move(made.body)};
}

void test_call::apply_fault() {
    const auto& test = upstream_.config.test;
    if (test.fail == config::test_fault::status) {
        reply_.status = test.status;
        reply_.kind = body_kind::json;
        parts_ = {test_error_body(upstream_.config.key, test.status)};
    } else if (test.fail == config::test_fault::garbage) {
        reply_.kind = body_kind::other;
        parts_ = {"<html>this is no chat completion</html>"};
    } else if (test.fail == config::test_fault::cut) {
        is_cut_ = true;
        if (parts_.size() > 1) {
            parts_.resize(std::max<std::size_t>(1, parts_.size() / 2));
        } else {
            parts_.front().resize(parts_.front().size() / 2);
        }
    }
}

read_state test_call::try_read(char* into, std::size_t room, std::size_t& got) {
    if (error_) {
        return read_state::failed;
    }
    if (next_part_ == parts_.size()) {
        if (is_cut_) {
            error_ = {call_fault::cut, "closed in the middle of the reply"};
            return read_state::failed;
        }
        return read_state::end;
    }
    if (steady_clock::now() < next_due_) {
        return read_state::would_block;
    }
    const auto& part = parts_[next_part_];
    got = std::min(room, part.size() - offset_);
    std::memcpy(into, part.data() + offset_, got);
    offset_ += got;
    if (offset_ == part.size()) {
        offset_ = 0;
        ++next_part_;
        next_due_ += upstream_.config.test.chunk;
    }
    return got > 0 ? read_state::data : read_state::would_block;
}

net::task<> test_call::wait() {
    if (!error_ && steady_clock::now() < next_due_) {
        co_await wake_.wait_until(std::min(next_due_, deadline_));
    }
    if (!error_ && steady_clock::now() >= deadline_) {
        error_ = {call_fault::deadline, "the request's deadline passed"};
    }
}

}  // namespace meta_model::upstream
