// A leg that continues another's cut answer: what it is asked, and how its text follows on what the client has.
#pragma once

#include "api/answer_event.hpp"
#include "api/reasoning.hpp"
#include "dispatch/continuation_seam.hpp"
#include "dispatch/live_answer.hpp"

#include <string>
#include <string_view>

namespace meta_model::dispatch {

// The messages behind the conversation that ask for the rest of `sent`, as JSON text: a prefill for upstreams that
// write on from it, else with the request to do so. Empty when nothing was sent.
std::string continuation_messages(std::string_view sent, continuation_seam::kind how);

// Listens to the continuing leg. Text only: reasoning is left out, and calls or a refusal end it.
class continuation final : public api::answer_listener {
public:
    // `answer` outlives it.
    continuation(live_answer& answer, continuation_seam::kind how, bool hides_reasoning);

    void on_event(const api::answer_event& event) override;

    // Sends what followed on. False: the client is gone, or this leg cannot continue the answer.
    net::task<bool> flush();

    // The rest of the text, after the leg's last event. False: it cannot be the rest of the answer.
    bool finish();

private:
    live_answer& answer_;
    continuation_seam seam_;
    api::leading_reasoning_filter filter_;
    bool hides_reasoning_;
    bool has_failed_ = false;
};

}  // namespace meta_model::dispatch
