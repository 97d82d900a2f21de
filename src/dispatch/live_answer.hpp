// One leg's events on their way to the client while it still writes. Nothing is committed before the first visible
// character, so that until then a draft or another leg can take its place.
#pragma once

#include "api/answer_event.hpp"
#include "api/chat_stream_encoder.hpp"
#include "api/reasoning.hpp"
#include "dispatch/request_context.hpp"

#include <optional>
#include <string>

namespace meta_model::dispatch {

enum class live_role {
    synthesizer,  // plain text; leading reasoning is never part of it
    step,         // an upstream's whole answer: calls too, and reasoning where the target shows it
};

class live_answer final : public api::answer_listener {
public:
    static constexpr std::size_t most_kept_bytes = 512u << 10;  // of text()

    explicit live_answer(request_context& context, live_role role = live_role::synthesizer);

    void on_event(const api::answer_event& event) override;

    // Sends what was encoded since. False: the client is gone.
    net::task<bool> flush();

    // True once there is something visible: the next flush commits.
    bool has_begun() const { return has_begun_; }

    // The visible text so far, for a role `step` that keep_text() asked to remember it.
    void keep_text() { keeps_text_ = true; }
    const std::string& text() const { return text_; }
    std::size_t text_bytes() const { return text_bytes_; }
    // text() is all that was shown. Not so with tool calls, a refusal, or more than is kept: such an answer has no
    // continuation.
    bool has_text() const { return keeps_text_ && is_plain_text_; }

    // The leg was cut and another goes on: its text is appended as it is.
    void begin_continuation() { filter_ = {}; }
    void append(std::string_view text) { on_text(text); }

    // The clean end: finish, usage, [DONE].
    net::task<> close(std::string_view finish_reason, const std::optional<api::token_usage>& usage);
    // The end of an answer that was cut: one error event.
    net::task<> fail(const base::error& e);

private:
    api::chat_stream_encoder& encoder(std::string_view written_model = {});
    void on_text(std::string_view text);

    request_context& context_;
    live_role role_;
    std::string out_;
    std::optional<api::chat_stream_encoder>
        encoder_;  // made with the first event, which names the model
    api::leading_reasoning_filter filter_;
    std::string text_;
    std::size_t text_bytes_ = 0;
    bool keeps_text_ = false;
    bool is_plain_text_ = true;
    bool has_begun_ = false;
    bool is_over_ = false;
};

// Before anything was committed the caller answers with the failure, which is returned as it is. A stream that a
// heartbeat opened gets it as its only event.
net::task<base::maybe_error> end_committed(request_context& context, base::maybe_error failure);

}  // namespace meta_model::dispatch
