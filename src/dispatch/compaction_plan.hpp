// Which part of a conversation each upstream of an ensemble gets when not all of it fits (spec §4.3). Pure: the request
// stays as it is, and the result is edits of its bytes.
//
// Everyone gets the same newest messages. Of older history each gets what its window holds. System text at the start is
// everyone's too, and whole, unless nothing else is left to be cut. Media of the current turn are never left out.
#pragma once

#include "api/chat_request.hpp"
#include "dispatch/content_parts.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace meta_model::dispatch {

struct prompt_window {
    std::int64_t budget = 0;      // estimated tokens for all messages, the operator's too
    bool demotes_system = false;  // the upstream takes a system message in front only
    media_set hidden{};           // media of the conversation that the upstream must not be sent
};

struct leg_prompt {
    bool fits = true;          // false: not even with everything cut; the rest says nothing
    std::int64_t tokens = 0;   // estimate of all messages, the operator's too
    int compacted_chunks = 0;  // groups of messages that were left out
    std::shared_ptr<const upstream::message_edits> edits{};  // null: the client's own bytes
};

struct prompt_plan {
    std::int64_t tokens_in = 0;         // as the client sent it, with the operator's message
    bool is_empty = false;              // nothing was left after cleaning
    leg_prompt whole{};                 // with nothing left out, whatever its size
    std::vector<leg_prompt> prompts{};  // one per window
};

// `operator_tokens`: of the message that is put in front of the client's, 0 for none. `whole_hidden`: what prompt_plan::whole
// does not show.
prompt_plan plan_prompts(
    const api::chat_request& request,
    std::int64_t operator_tokens,
    std::span<const prompt_window> windows,
    media_set whole_hidden = {}
);

}  // namespace meta_model::dispatch
