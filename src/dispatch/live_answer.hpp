// The synthesizer's events on their way to the client while it still writes. Nothing is committed before the first
// visible character, so that until then a draft can take its place.
#pragma once

#include "api/answer_event.hpp"
#include "api/chat_stream_encoder.hpp"
#include "api/reasoning.hpp"
#include "dispatch/request_context.hpp"

#include <optional>
#include <string>

namespace meta_model::dispatch {

class live_answer final : public api::answer_listener {
public:
    explicit live_answer(request_context& context);

    void on_event(const api::answer_event& event) override;

    // Sends what was encoded since. False: the client is gone.
    net::task<bool> flush();

    // True once a visible character was handed to the client.
    bool has_begun() const { return has_begun_; }

    // The clean end: finish, usage, [DONE].
    net::task<> close(std::string_view finish_reason, const std::optional<api::token_usage>& usage);
    // The end of an answer that was cut: one error event.
    net::task<> fail(const base::error& e);

private:
    request_context& context_;
    std::string out_;
    api::chat_stream_encoder encoder_;
    api::leading_reasoning_filter filter_;
    bool has_begun_ = false;
    bool is_over_ = false;
};

}  // namespace meta_model::dispatch
