// What a MoA answers with and how its headers call that (spec §3.8 and §3.11): pure decisions over drafts that the
// contract check let pass, and over the synthesizer's message.
#pragma once

#include "api/message.hpp"
#include "dispatch/answer_form.hpp"
#include "dispatch/finalisation.hpp"
#include "dispatch/tool_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

struct verdict {
    std::optional<api::draft> answer{};  // absent: `fault` says why
    std::string_view reason{};           // X-MetaModel-Fallback-Reason
    std::string_view decision{};         // X-MetaModel-Synth-Decision
    bool is_fastpath = false;
    final_fault fault = final_fault::none;
};

// The usable drafts of a panel in the order of configuration, never empty.
struct candidates {
    const std::vector<const api::draft*>& drafts;
    const std::vector<std::int64_t>& weights;  // theirs, where calls are voted on
    const tool_policy& policy;
    std::string_view reason{};  // what the headers say when nothing had to be done
    answer_form form{};         // that the request asks for
};

// True when calls must be reasoned about: the request needs one, or may have one and a draft makes one (spec §5.4).
bool needs_arbitration(const candidates& from);

// True when more than half of the drafts, by weight, make calls.
bool most_call(
    const std::vector<const api::draft*>& drafts, const std::vector<std::int64_t>& weights
);

// One draft as the answer, because it is alone or all agree. `decision` says which.
verdict settle_early(const candidates& from, std::size_t chosen, std::string_view decision);

// The deterministic pick. `fault`: what it repairs; none: it is the decision itself.
verdict settle_by_pick(const candidates& from, final_fault fault, std::string_view decision);

// One draft as it is, or repaired by a pick.
verdict settle_on(
    const candidates& from, std::size_t chosen, std::string_view reason, std::string_view decision
);

// The draft that speaks for the panel when there is no synthesis: the best one, of those with text where calls are not
// wanted.
std::size_t best_candidate(const candidates& from);

// The best of the drafts that keep to the form, in place of an answer that does not; nothing when none does.
std::optional<verdict> settle_on_form(const candidates& from);

// The synthesizer's message. No answer and no fault: it is none (blank, or a call that its output limit cut), a draft has
// to answer.
verdict settle_synthesis(const candidates& from, api::draft message);

}  // namespace meta_model::dispatch
