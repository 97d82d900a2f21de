#include "dispatch/moa_panel.hpp"

#include "dispatch/breach_log.hpp"
#include "dispatch/call_names.hpp"
#include "dispatch/contract_check.hpp"
#include "dispatch/draft_stats.hpp"
#include "dispatch/moa_costs.hpp"
#include "dispatch/moa_requests.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/tally.hpp"
#include "dispatch/upstream_errors.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

namespace meta_model::dispatch {

using base::error;
using base::error_code_id;
using base::maybe_error;
using std::chrono::duration_cast;
using std::chrono::steady_clock;

namespace {

base::steady_duration to_steady(config::seconds_f s) {
    return duration_cast<base::steady_duration>(s);
}

}  // namespace

base::error synthesis_failed(std::string_view inner_reason) {
    return base::make_error(
        error_code_id::synthesis_failed,
        "No answer could be made of the drafts: " + std::string(inner_reason) + '.'
    );
}

moa_panel::moa_panel(request_context& c, const moa_prompts& prompts)
    : c_(c),
      profile_(*c.target.profile),
      prompts_(prompts),
      policy_(resolve_tool_policy(c.request, c.target.profile->strip_tools)),
      form_(form_of(c.request)),
      panel_(c) {
}

std::string_view moa_panel::base_reason() const {
    return drafts_.size() < panel_.drafts().size() ? "reduced_quorum" : "none";
}

std::string_view moa_panel::lone_reason() const {
    if (is_lone_stripped_) {
        return repaired_label(final_fault::undeclared, policy_);
    }
    return panel_.drafts().size() > 1 ? "single_success" : "none";
}

panel_limits moa_panel::limits() const {
    const auto now = steady_clock::now();
    const auto whole = c_.deadline - now;
    const auto share =
        duration_cast<base::steady_duration>(whole * (1.0 - profile_.synthesis_share));
    const auto wish = c_.request.envelope().min_drafts;
    const auto n = static_cast<int>(c_.target.upstreams.size());
    panel_limits out;
    out.start = now;
    out.deadline = now + std::min(to_steady(profile_.panel_timeout), share);
    out.grace = to_steady(profile_.grace.value_or(c_.config.default_grace));
    out.min_drafts = wish ? static_cast<int>(std::min<std::int64_t>(*wish, n))
                          : profile_.min_drafts.value_or(quorum(n));
    out.required_drafts = profile_.required_drafts;
    return out;
}

// Decides which generators a cost limit lets begin. The error: 402, too few of them for any answer.
maybe_error moa_panel::plan_costs() {
    if (c_.purse == nullptr) {
        return std::nullopt;
    }
    choice_ =
        choose_panel(bound_moa(c_, prompts_, policy_, panel_.sharing()).costs(), c_.purse->left());
    if (begins_too_few(choice_, profile_.required_drafts)) {
        return over_cost_limit(c_, choice_.cheapest);
    }
    if (!c_.purse->take(choice_.held)) {
        choice_.held = {};
    }
    return std::nullopt;
}

void moa_panel::release_synthesis() {
    if (c_.purse != nullptr) {
        c_.purse->settle(std::exchange(choice_.held, {}));
    }
}

net::task<maybe_error> moa_panel::run() {
    c_.record.generators = static_cast<std::uint16_t>(c_.target.upstreams.size());
    if (auto refusal = plan_costs()) {
        co_return std::move(refusal);
    }
    panel::seat_changes changes = [this](std::size_t i) {
        return generator_changes(c_, prompts_, i);
    };
    panel_hooks hooks;
    hooks.judge = [this](std::size_t i, leg_result& result) {
        judge_draft(panel_.drafts()[i].upstream(), result);
    };
    if (c_.purse != nullptr) {
        hooks.may_start = [this](std::size_t i) { return choice_.starts[i]; };
    }
    co_await panel_.run(std::move(changes), limits(), std::move(hooks));
    collect_usable();
    if (c_.is_unwanted()) {
        co_return client_closed();
    }
    const bool is_enough = static_cast<int>(usable_.size()) >= std::max(1, profile_.required_drafts)
                           && missing_.empty();
    if (is_enough || (usable_.empty() && panel_.drafts().size() > 1)) {
        append_panel_headers();
    }
    if (!is_enough) {
        co_return failure();
    }
    append_draft_headers();
    co_return std::nullopt;
}

net::task<> moa_panel::finish() {
    release_synthesis();  // where it was decided without one
    co_await panel_.join();
    for (const auto& call : panel_.calls()) {
        auto& u = call->upstream();
        c_.record.legs.push_back(call->record());
        prompts_.learn(u, prompts_.tokens_for(u), call->result().usage);
    }
}

// The contract check (spec §3.7): what a draft calls must be declared. One of several drafts fails over it; a lone one
// stays without these calls when there is anything else to it.
void moa_panel::judge_draft(const upstream::upstream_state& u, leg_result& result) {
    auto& d = result.draft;
    const bool is_lone = c_.target.upstreams.size() == 1;
    auto breach = result.is_answered() ? find_breach(d, policy_) : std::nullopt;
    if (is_lone && breach) {
        // Calls in two shapes, and calls that the client asked not to be made, are finalisation's.
        const bool strips = !policy_.is_none_asked && remove_undeclared_calls(d, policy_);
        is_lone_stripped_ = strips;
        if (!strips) {
            breach.reset();
        }
    }
    clean_call_names(d);
    panel_.judge_draft(result);
    if (result.is_answered()) {
        form_.unwrap(d);
    }
    if (!breach) {
        return;
    }
    has_breach_ = true;
    log_breach(c_, u, *breach);
    if (!is_lone || !result.is_answered()) {
        result.outcome = leg_outcome::failed;
        result.reason = breach->reason;
        result.detail = "a call that is not declared";
        d = {};
    }
}

void moa_panel::collect_usable() {
    for (std::size_t i = 0; i < panel_.drafts().size(); ++i) {
        const auto& l = panel_.drafts()[i];
        const auto& member = *c_.target.seats[i].member;
        const auto& result = l.result();
        if (result.is_answered()) {
            usable_.push_back(&l);
            drafts_.push_back(&result.draft);
            weights_.push_back(std::llround(member.weight * static_cast<double>(weight_unit)));
            continue;
        }
        if (member.is_required && missing_.empty()) {
            missing_ = l.upstream().config.key;
        }
        const auto reason = l.is_running() ? telemetry::call_outcome::cancelled : result.reason;
        c_.record.failures.push_back({.upstream = l.upstream().metric_id, .reason = reason});
    }
    c_.record.quorum = static_cast<std::uint16_t>(usable_.size());
}

void moa_panel::append_panel_headers() {
    auto& lines = c_.header_lines;
    append_header(
        lines, "X-MetaModel-Generators", static_cast<std::int64_t>(panel_.drafts().size())
    );
    append_header(lines, "X-MetaModel-Quorum", static_cast<std::int64_t>(usable_.size()));
    if (const auto failures = panel_.failures(); !failures.empty()) {
        append_header(lines, "X-MetaModel-Degraded", "true");
        append_header(lines, "X-MetaModel-Failed-Generators", failures);
    }
}

error moa_panel::failure() const {
    const auto& legs = panel_.drafts();
    if (c_.cancel.reason() == base::cancel_reason::shutdown) {
        return server_draining();
    }
    // Others had a draft, or were ended because this one was not to be had.
    const auto is_ended = [](const auto& l) {
        return l.is_running() || l.result().reason == telemetry::call_outcome::cancelled;
    };
    if (!missing_.empty() && (!usable_.empty() || std::ranges::any_of(legs, is_ended))) {
        return base::make_error(
            error_code_id::insufficient_drafts,
            "The draft of '" + std::string(missing_) + "', which is required, could not be had."
        );
    }
    if (!usable_.empty()) {
        return base::make_error(
            error_code_id::insufficient_drafts,
            "Only " + std::to_string(usable_.size()) + " of "
                + std::to_string(profile_.required_drafts) + " required drafts could be had."
        );
    }
    if (has_breach_ && legs.size() == 1) {
        return synthesis_failed(unmet_reason(final_fault::undeclared, policy_));
    }
    if (has_breach_) {
        return base::make_error(
            error_code_id::no_quorum_after_constraint,
            "No draft is left that calls only what the request declares."
        );
    }
    // Replies that were no answers are another matter than servers that gave none.
    const auto is_reply = [](const auto& l) {
        return l.result().is_misshapen || l.result().reason == telemetry::call_outcome::unusable;
    };
    if (std::ranges::any_of(legs, is_reply)) {
        return base::make_error(
            error_code_id::synthesis_failed, "No draft could be used: malformed_responses."
        );
    }
    if (legs.size() == 1) {
        return error_of(legs.front().result());
    }
    auto e = base::make_error(error_code_id::all_generators_failed, "All generators failed.");
    e.detail = panel_.failures();
    return e;
}

void moa_panel::append_draft_headers() {
    const auto stats = draft_statistics(drafts_);
    append_header(c_.header_lines, "X-MetaModel-Draft-Lengths", lengths_header(stats));
    append_header(c_.header_lines, "X-MetaModel-Draft-Hashes", hashes_header(stats));
    for (std::size_t i = 0; i < usable_.size(); ++i) {
        c_.record.drafts.push_back(
            {.upstream = usable_[i]->upstream().metric_id,
             .bytes = static_cast<std::uint32_t>(stats[i].bytes)}
        );
    }
}

}  // namespace meta_model::dispatch
