// Relays an upstream's stream in whole events, as the bytes it wrote.
#pragma once

#include "api/chat_event_inspector.hpp"
#include "api/message_event_inspector.hpp"
#include "api/response_event_inspector.hpp"
#include "dispatch/relay_account.hpp"
#include "dispatch/request_context.hpp"
#include "upstream/call.hpp"

#include <optional>
#include <string>

namespace meta_model::dispatch {

// `Inspector` is the one of the stream's wire: a template, because it is asked about every event.
template <class Inspector>
class raw_stream {
public:
    // `model`: JSON string that replaces `model` in each event; empty: the events pass unchanged.
    // `max_event_bytes`: up to which a trailing partial event may wait for its rest. `account` (may be null): its books go
    // out with the last event.
    raw_stream(
        request_context& context,
        upstream::call& call,
        std::string model,
        std::size_t max_event_bytes,
        relay_account* account = nullptr
    );

    // An error is returned only while nothing was committed.
    net::task<base::maybe_error> run();

    // The status of an error that was the whole stream and was passed on as the reply; 0: none was.
    int refused_with() const { return refused_with_; }

    // Whether something of ours was thrown in the middle of the stream, which the upstream has no part in.
    bool has_own_fault() const { return has_own_fault_; }

private:
    enum class progress { go_on, answered, failed, refused };
    enum class step {
        go_on,
        wait,
        drain,
        finished,
        failed,
        refused,
        ended_by_error_event,
        client_left
    };

    progress take(std::string_view buffer, std::size_t searched);
    step take_read(std::string_view bytes, std::size_t searched);
    step fail_as_too_large();
    void take_event(std::string_view event);
    std::optional<api::token_usage> known_usage() const;
    std::string with_books(std::string_view last_event, std::string_view state = "done");
    std::string with_books_of_failure(std::string_view last_event);
    // An error as the first event is the whole reply; behind content it is told where it came.
    bool is_refusal() const { return !has_data_ && !context_.sink.is_committed(); }
    bool is_spliced() const { return !model_.empty() || account_ != nullptr; }
    void flush_run(std::string_view buffer);
    step pump();
    step pump_or_fail();
    step judge_end(upstream::read_state state);
    void take_failure(std::string_view event, progress outcome);
    step judge_refusal();
    net::task<> refuse();
    write_state write();
    void release_request();
    write_state end(step how);
    bool is_cut_by_failure() const;
    std::string error_event(const base::error& e) const;
    void account();

    request_context& context_;
    upstream::call& call_;
    std::string model_;
    const std::size_t max_event_bytes_;
    relay_account* account_;
    const bool has_one_choice_;  // asked for
    Inspector inspector_;
    std::string carry_;             // a partial event
    api::pieces out_;               // what the events taken so far become
    std::string spliced_;           // their text, when it had to be changed
    std::size_t run_begin_ = 0;     // of the events that go out together
    bool is_done_ = false;          // the last event went out
    bool has_ended_empty_ = false;  // the mark of the end came, and nothing before it
    bool is_released_ = false;
    bool has_data_ = false;  // an event of the answer was seen
    std::string failure_{};  // raw `error` value of an error event
    std::string refusal_{};  // the reply that it becomes in front of everything else; empty: ours
    int refused_with_ = 0;
    bool has_own_fault_ = false;
    base::maybe_error error_{};
};

using raw_chat_stream = raw_stream<api::chat_event_inspector>;
using raw_message_stream = raw_stream<api::message_event_inspector>;
using raw_response_stream = raw_stream<api::response_event_inspector>;

}  // namespace meta_model::dispatch
