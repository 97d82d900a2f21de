// The one message that is added for the synthesizer: task, evidence rules, fenced drafts, answer contract. The
// conversation in front of it stays byte for byte what the generators got, so that prompt caches hit.
#pragma once

#include "config/prompt_template.hpp"
#include "dispatch/tool_policy.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

struct synthesis_prompt_options {
    std::string fence{
    };  // random per request; a draft that holds it cannot close its fence all the same
    std::vector<std::size_t> unfinished{
    };  // positions of drafts that were cut off before their end
    bool is_grounded = false;  // results of tools are in the conversation
    std::string tool_rules{};  // empty: text only, no calls
    std::string form_rules{};  // empty: no form is asked for
    // The operator's text in place of the gateway's, for synthesis_prompt() and judge_prompt(); null: there is none. The
    // drafts have their marks and the heading that says what they are all the same.
    const config::prompt_template* own_text = nullptr;
    std::size_t max_draft_bytes = 96 * 1024;  // of one draft; more is cut in the middle
    std::size_t max_total_bytes =
        384 * 1024;  // of all drafts; what short ones leave is for long ones
};

// The rules for tool calls when they have to be reasoned about.
std::string tool_rules(const tool_policy& policy);

// `drafts` in configuration order; names of upstreams never appear. Control tokens of chat templates (`<|im_end|>`,
// `<end_of_turn>`) are broken up: servers that read them inside text would end the message there.
std::string synthesis_prompt(
    const std::vector<std::string_view>& drafts, const synthesis_prompt_options& options
);

// Only the drafts between their marks, each with its number from 1 on.
void append_candidates(
    std::string& out,
    const std::vector<std::string_view>& drafts,
    const synthesis_prompt_options& options
);

// What asks a judge for the number of the best of `drafts`.
std::string judge_prompt(
    const std::vector<std::string_view>& drafts, const synthesis_prompt_options& options
);

// What asks a judge to choose among answers that are tied: the number of one of `answers`.
std::string tie_prompt(
    const std::vector<std::string_view>& answers, const synthesis_prompt_options& options
);

// What asks a judge for a grade of `answer`, from 0 to 10.
std::string grade_prompt(std::string_view answer, const synthesis_prompt_options& options);

// What asks for `answer` in the form of `options.form_rules`; `problem` says what is wrong with it.
std::string repair_prompt(
    std::string_view answer, std::string_view problem, const synthesis_prompt_options& options
);

// Head and tail of `text` with a mark that says how much is missing between them; at most `max_bytes` and the mark.
// Cuts at UTF-8 boundaries.
std::string elide_middle(std::string_view text, std::size_t max_bytes);

}  // namespace meta_model::dispatch
