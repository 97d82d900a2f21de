// The prompts of one request to a panel: what each generator or voter gets of the conversation, and what the synthesizer or
// the judge gets of it and of the drafts. Lives as long as the request.
#pragma once

#include "api/message.hpp"
#include "dispatch/compaction_plan.hpp"
#include "dispatch/request_context.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace meta_model::dispatch {

// The synthesizer's prompt.
struct fitted_synthesis {
    bool fits = true;
    std::shared_ptr<const upstream::message_edits> messages{};  // of the conversation
    std::string text{};                                         // of the added message
    std::int64_t tokens = 0;                                    // estimate of all messages
};

// The operator's text for the generator with this number, from 1 on, of so many; empty: there is none.
std::string generator_text(const config::profile& profile, std::size_t number, std::size_t count);

// Estimate of the message that it is.
std::int64_t generator_text_tokens(const config::profile& profile, std::size_t count);

class moa_prompts {
public:
    explicit moa_prompts(request_context& context) : context_(context) {}

    // Plans the generators' prompts and appends the header lines that tell of them. The errors: 400 when no message is
    // left, 413 when no generator's window can hold even the newest turn.
    base::maybe_error plan();

    const leg_prompt& of(const upstream::upstream_state& generator) const;

    // Estimate of all that a generator is sent: its part of the conversation and the operator's text behind it.
    std::int64_t tokens_for(const upstream::upstream_state& generator) const {
        return of(generator).tokens + generator_text_tokens_;
    }

    // The most that an answer can have when the messages are estimated at `tokens`.
    std::int64_t output_limit(const upstream::upstream_state& u, std::int64_t tokens) const;

    // `write` gives the added message's text with at most so many bytes of drafts; `draft_bytes`: how large they are.
    // Drafts are cut before the conversation is compacted, but not below a quarter of the window.
    fitted_synthesis fit_synthesis(
        const std::function<std::string(std::size_t)>& write,
        const std::vector<std::size_t>& draft_bytes
    ) const;

    // Lets the estimate learn from what an upstream counted for messages estimated at `tokens`.
    void learn(
        upstream::upstream_state& u,
        std::int64_t tokens,
        const std::optional<api::token_usage>& usage
    ) const;

private:
    double ratio_of(const upstream::upstream_state& u) const;

    request_context& context_;
    std::int64_t operator_tokens_ = 0;
    std::int64_t tools_tokens_ = 0;
    std::int64_t generator_text_tokens_ = 0;
    prompt_plan plan_;
};

}  // namespace meta_model::dispatch
