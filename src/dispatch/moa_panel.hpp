// The panel of a MoA: what its generators are asked and which of their drafts count.
#pragma once

#include "api/message.hpp"
#include "dispatch/cost_plan.hpp"
#include "dispatch/moa_prompts.hpp"
#include "dispatch/panel.hpp"
#include "dispatch/tool_policy.hpp"
#include "dispatch/verdict.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

class moa_panel {
public:
    // Both outlive the panel, and the prompts are planned before run(); join() before it is destroyed.
    moa_panel(request_context& context, const moa_prompts& prompts);

    // Asks the generators, writes the headers that tell of them, and returns why there are not enough drafts, or nothing.
    net::task<base::maybe_error> run();

    // Ends what run() kept of the request's money for the synthesizer: its call is about to be made.
    void release_synthesis();

    // Waits for the last call's coroutine and puts all of them into the record.
    net::task<> finish();

    // After a throw in place of finish().
    net::task<> join() { return panel_.join(); }

    const panel& asked() const { return panel_; }
    const tool_policy& policy() const { return policy_; }
    // That the request asks of the answer.
    const answer_form& form() const { return form_; }
    // The usable drafts in the order of configuration; not empty after a run() without failure.
    const std::vector<const api::draft*>& drafts() const { return drafts_; }
    candidates as_candidates() const { return {drafts_, weights_, policy_, base_reason(), form_}; }
    // What the headers say of an answer that nothing had to be done for: of a synthesis, and of the only draft.
    std::string_view base_reason() const;
    std::string_view lone_reason() const;

private:
    panel_limits limits() const;
    base::maybe_error plan_costs();
    void judge_draft(const upstream::upstream_state& u, leg_result& result);
    void collect_usable();
    void append_panel_headers();
    void append_draft_headers();
    base::error failure() const;

    request_context& c_;
    const config::profile& profile_;
    const moa_prompts& prompts_;
    const tool_policy policy_;
    const answer_form form_;
    panel panel_;
    std::vector<const panel_draft*> usable_;  // in configuration order
    std::vector<const api::draft*> drafts_;   // theirs
    std::vector<std::int64_t> weights_;       // theirs
    std::string_view missing_;       // the first generator that is required and has no draft
    panel_choice choice_;            // with a cost limit
    bool has_breach_ = false;        // a draft called what it may not call
    bool is_lone_stripped_ = false;  // and it was the only one: it stays without these calls
};

// 502 with its inner reason (spec §2.3).
base::error synthesis_failed(std::string_view inner_reason);

}  // namespace meta_model::dispatch
