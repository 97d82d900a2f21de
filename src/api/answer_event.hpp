// The typed events an answer is made of. Strategies produce them, encoders turn them into a wire format, and upstream
// decoders make them from an upstream's reply. Within one answer: one `start`, then deltas in order, then `finish`,
// then `usage` if known; or `failure` at any point, which is the last.
#pragma once

#include "api/message.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <string_view>

namespace meta_model::api {

enum class answer_event_kind {
    start,            // id, model: what the upstream wrote; may be empty
    text_delta,       // text
    reasoning_delta,  // text; `name` is the member it came in: "reasoning_content" or "reasoning"
    reasoning_list,  // text: a JSON list of objects, or of pieces of them, that seals what was thought; `name`:
                     // "thinking_blocks" or "reasoning_details"
    refusal_delta,    // text
    tool_call_delta,  // index (dense, from 0), id, name, text (arguments), extra; id and name may come once or be repeated
    function_delta,   // legacy function_call: name, text (arguments)
    finish,           // text: finish_reason
    usage,            // usage
    failure,          // error; text: what the upstream told, whole, as JSON; may be empty
};

// Views die when the callback that was given the event returns.
struct answer_event {
    answer_event_kind kind{};
    std::string_view text{};
    std::string_view id{};
    std::string_view name{};
    std::string_view model{};
    std::string_view extra{};  // `extra_content` of a call, a JSON object; empty: none
    int index = 0;
    const token_usage* usage = nullptr;
    const base::error* error = nullptr;
    int choice =
        0;  // of several that one call asked for; `start`, `usage` and `failure` are of all
};

// Receives the events of one answer.
class answer_listener {
public:
    virtual ~answer_listener() = default;
    virtual void on_event(const answer_event& event) = 0;
};

}  // namespace meta_model::api
