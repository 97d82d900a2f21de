#include "dispatch/verdict.hpp"

#include "api/json_cursor.hpp"
#include "api/reasoning.hpp"
#include "dispatch/draft_rank.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

bool has_calls(const api::draft& d) {
    return !d.tool_calls.empty() || d.function_call.has_value();
}

bool is_json(std::string_view text) {
    api::json_cursor in(text, api::json_cursor::depth_limit);
    std::string_view raw;
    return in.skip(raw) && in.at_end();
}

// The output limit came in the middle of the last call's arguments.
bool ends_within_call(const api::draft& d) {
    if (d.finish_reason != "length" || !has_calls(d)) {
        return false;
    }
    return !is_json(
        d.tool_calls.empty() ? d.function_call->arguments : d.tool_calls.back().arguments
    );
}

verdict answer_with(finalised f, std::string_view reason, std::string_view decision) {
    verdict out;
    out.answer = std::move(f.answer);
    out.reason = f.label.empty() ? reason : f.label;
    out.decision = decision;
    return out;
}

// The calls of the panel stand against the synthesizer's text.
verdict preserve_calls(const candidates& from) {
    std::vector<const api::draft*> calling;
    std::vector<std::int64_t> weights;
    for (std::size_t i = 0; i < from.drafts.size(); ++i) {
        if (has_calls(*from.drafts[i])) {
            calling.push_back(from.drafts[i]);
            weights.push_back(from.weights[i]);
        }
    }
    return settle_by_pick(
        {calling, weights, from.policy, from.reason, {}}, final_fault::none, "tool_preserved"
    );
}

}  // namespace

bool needs_arbitration(const candidates& from) {
    const auto calls = [](const auto* d) { return has_calls(*d); };
    return from.policy.needs_call()
           || (from.policy.mode == tool_mode::automatic && std::ranges::any_of(from.drafts, calls));
}

bool most_call(
    const std::vector<const api::draft*>& drafts, const std::vector<std::int64_t>& weights
) {
    std::int64_t calling = 0;
    std::int64_t all = 0;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        all += weights[i];
        calling += has_calls(*drafts[i]) ? weights[i] : 0;
    }
    return 2 * calling > all;
}

verdict settle_early(const candidates& from, std::size_t chosen, std::string_view decision) {
    auto f = finalise(*from.drafts[chosen], from.policy);
    if (f.fault != final_fault::none) {
        return {.fault = f.fault};
    }
    auto out = answer_with(std::move(f), from.reason, decision);
    out.is_fastpath = true;
    return out;
}

verdict settle_by_pick(const candidates& from, final_fault fault, std::string_view decision) {
    auto picked = pick_draft(from.drafts, from.weights, from.policy);
    if (!picked) {
        return {.fault = fault == final_fault::none ? final_fault::unmet : fault};
    }
    if (fault != final_fault::none) {
        picked->label = repaired_label(fault, from.policy);
    }
    return answer_with(std::move(*picked), from.reason, decision);
}

verdict settle_on(
    const candidates& from, std::size_t chosen, std::string_view reason, std::string_view decision
) {
    auto f = finalise(*from.drafts[chosen], from.policy);
    if (f.fault != final_fault::none) {
        return settle_by_pick(from, f.fault, decision);
    }
    return answer_with(std::move(f), reason, decision);
}

std::size_t best_candidate(const candidates& from) {
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < from.drafts.size(); ++i) {
        if (from.policy.mode != tool_mode::none || api::has_visible_content(*from.drafts[i])) {
            positions.push_back(i);
        }
    }
    if (positions.empty()) {
        return 0;
    }
    std::vector<rank_input> inputs;
    for (const auto i : positions) {
        inputs.push_back(
            {.draft = from.drafts[i], .is_schema_valid = from.form.is_met_by(*from.drafts[i])}
        );
    }
    return positions[best_draft_index(inputs)];
}

std::optional<verdict> settle_on_form(const candidates& from) {
    const auto chosen = best_candidate(from);
    if (!from.form.is_met_by(*from.drafts[chosen])) {
        return std::nullopt;
    }
    return settle_on(from, chosen, "schema_draft_picked", "fallback_primary");
}

verdict settle_synthesis(const candidates& from, api::draft message) {
    const bool arbitrates = needs_arbitration(from);
    const bool is_filled = api::has_visible_content(message) || !message.refusal.empty();
    // Row 149 of the acceptance table: where the client wants no calls, an answer of calls only is an empty one.
    const bool may_be_empty = from.policy.is_none_asked && has_calls(message);
    const bool is_answer = arbitrates
                               ? (is_filled || has_calls(message)) && !ends_within_call(message)
                               : is_filled || may_be_empty;
    if (!is_answer) {
        return {};
    }
    const bool gives_up_calls = arbitrates && !has_calls(message)
                                && from.policy.mode == tool_mode::automatic
                                && most_call(from.drafts, from.weights);
    if (gives_up_calls) {
        return preserve_calls(from);
    }
    // Without arbitration the synthesizer was asked for no calls.
    auto f = finalise(std::move(message), arbitrates ? from.policy : tool_policy{});
    if (f.fault != final_fault::none) {
        return settle_by_pick(from, f.fault, "merged_with_repair");
    }
    const std::string_view decision = f.label.empty() ? "merged" : "merged_with_repair";
    return answer_with(std::move(f), from.reason, decision);
}

}  // namespace meta_model::dispatch
