#include "dispatch/moa.hpp"

#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/agreement.hpp"
#include "dispatch/candidate_text.hpp"
#include "dispatch/draft_rank.hpp"
#include "dispatch/draft_reply.hpp"
#include "dispatch/judge_choice.hpp"
#include "dispatch/live_answer.hpp"
#include "dispatch/moa_panel.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/shown_usage.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/synthesis_calls.hpp"
#include "dispatch/token_estimate.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/verdict.hpp"

#include <algorithm>
#include <chrono>

namespace meta_model::dispatch {

namespace {

using base::error;
using base::error_code_id;
using base::maybe_error;
using std::chrono::duration_cast;
using std::chrono::steady_clock;

// One MoA request.
class moa {
public:
    explicit moa(request_context& c)
        : c_(c),
          profile_(*c.target.profile),
          synthesizer_(*c.target.synthesizer),
          prompts_(c),
          panel_(c, prompts_),
          calls_(c, prompts_, panel_) {}

    net::task<maybe_error> run();

    // After run() threw: nothing may use this object any more when it goes.
    net::task<> stop() { return panel_.join(); }

private:
    net::task<maybe_error> decide();
    void note_agreement();
    net::task<maybe_error> settle_without_synthesis(std::size_t chosen, std::string_view decision);
    net::task<maybe_error> choose_best();
    net::task<maybe_error> synthesize();
    net::task<maybe_error> synthesize_live(leg& synth, const upstream::body_changes& changes);
    net::task<maybe_error> after_live(leg& synth, live_answer& live);
    net::task<maybe_error> after_synthesis(leg& synth);
    net::task<maybe_error> mend_form(api::draft d);
    net::task<maybe_error> fall_back(const leg_result& failed);
    net::task<maybe_error> answer(verdict v);
    void note_decision(std::string_view reason, std::string_view decision, bool fastpath);
    bool may_stream_live() const;
    bool is_best_of() const { return profile_.synthesis_mode == config::synthesis_mode::best_of; }
    bool is_client_gone() const { return c_.cancel.reason() == base::cancel_reason::client_gone; }

    request_context& c_;
    const config::profile& profile_;
    upstream::upstream_state& synthesizer_;
    moa_prompts prompts_;
    moa_panel panel_;
    synthesis_calls calls_;
    std::optional<leg> synth_;
    std::optional<leg> repair_;  // of an answer that was not in the form that was asked for
    base::steady_time synth_start_{};
    std::int64_t synth_tokens_ = 0;  // estimate of its messages
};

net::task<maybe_error> moa::run() {
    if (auto refusal = prompts_.plan()) {
        co_return std::move(refusal);
    }
    const stream_keepalive keepalive(c_, c_.request.stream());
    auto failure = co_await panel_.run();
    if (!failure) {
        failure = co_await decide();
    }
    co_await panel_.finish();
    if (repair_) {
        c_.record.legs.push_back(repair_->record());
    }
    if (synth_) {
        c_.record.legs.push_back(synth_->record());
        prompts_.learn(synthesizer_, synth_tokens_, synth_->result().usage);
    }
    co_return co_await end_committed(c_, std::move(failure));
}

net::task<maybe_error> moa::decide() {
    const auto& drafts = panel_.drafts();
    if (drafts.size() == 1) {
        // One that is not in the form that was asked for is the synthesizer's to put into it.
        if (is_best_of() || panel_.form().is_met_by(*drafts.front())) {
            co_return co_await settle_without_synthesis(0, "single_success");
        }
        co_return co_await synthesize();
    }
    if (all_agree(drafts, profile_.agreement)) {
        const bool is_exact = profile_.agreement == config::agreement_rule::exact;
        const auto chosen = is_exact ? 0 : medoid_index(drafts);
        if (panel_.form().is_met_by(*drafts[chosen])) {
            co_return co_await settle_without_synthesis(chosen, "fastpath_consensus");
        }
    }
    if (is_best_of()) {
        co_return co_await choose_best();
    }
    co_return co_await synthesize();
}

// Tells the ledger what the synthesis would have cost: the conversation, the drafts, and an answer of their mean length.
void moa::note_agreement() {
    std::size_t bytes = 0;
    for (const auto* d : panel_.drafts()) {
        bytes += candidate_text(*d).size();
    }
    ledger_line spared{.upstream = synthesizer_.config.key, .role = leg_role::synthesizer};
    const api::token_usage guess{
        .prompt_tokens = prompts_.of(panel_.asked().drafts().front().upstream()).tokens
                         + estimate_text_tokens(bytes),
        .completion_tokens = estimate_text_tokens(bytes / panel_.drafts().size())
    };
    price(spared, {.reported = &guess, .was_billed = true}, synthesizer_.config.pricing);
    spared.is_estimated = true;
    c_.ledger.note_spared(spared);
    c_.shard.counters.add(telemetry::counter::syntheses_spared);
}

// The answer without a synthesizer, unless it does not call what the request asks for (spec §3.8.5).
net::task<maybe_error> moa::settle_without_synthesis(
    std::size_t chosen, std::string_view decision
) {
    auto from = panel_.as_candidates();
    if (from.drafts.size() == 1) {
        from.reason = panel_.lone_reason();
    }
    auto v = settle_early(from, chosen, decision);
    if (!v.answer && v.fault == final_fault::unmet && !is_best_of()) {
        co_return co_await synthesize();
    }
    if (from.drafts.size() > 1) {
        note_agreement();
    }
    if (!v.answer) {
        v = settle_by_pick(from, v.fault, decision);
    }
    co_return co_await answer(std::move(v));
}

// best-of: calls are voted on by the gateway, texts are chosen among by the judge.
net::task<maybe_error> moa::choose_best() {
    constexpr std::string_view decision = "best_of_picked";
    if (needs_arbitration(panel_.as_candidates())) {
        auto v = settle_by_pick(panel_.as_candidates(), final_fault::none, decision);
        co_return co_await answer(std::move(v));
    }
    synth_start_ = steady_clock::now();
    panel_.release_synthesis();
    const auto call = calls_.judge();
    synth_tokens_ = call.tokens;
    synth_.emplace(c_, synthesizer_);
    co_await synth_->run(call.changes, c_.deadline);
    if (is_client_gone()) {
        co_return client_closed();
    }
    const auto& reply = synth_->result();
    std::optional<std::size_t> chosen;
    if (reply.is_answered() && reply.draft.content) {
        chosen =
            read_choice(api::strip_in_band_reasoning(*reply.draft.content), calls_.shown_count());
    }
    if (!chosen) {
        co_return co_await fall_back(reply);
    }
    auto v =
        settle_on(panel_.as_candidates(), calls_.draft_at(*chosen), panel_.base_reason(), decision);
    co_return co_await answer(std::move(v));
}

// Only plain text can go out before it is complete.
bool moa::may_stream_live() const {
    if (!c_.request.stream() || needs_arbitration(panel_.as_candidates())) {
        return false;
    }
    const auto* format = c_.request.find("response_format");
    return format == nullptr || api::is_string(api::find_member(format->value, "type"), "text");
}

net::task<maybe_error> moa::synthesize() {
    synth_start_ = steady_clock::now();
    panel_.release_synthesis();
    const auto call = calls_.merge();
    synth_tokens_ = call.tokens;
    synth_.emplace(c_, synthesizer_);
    if (may_stream_live()) {
        co_return co_await synthesize_live(*synth_, call.changes);
    }
    co_await synth_->run(call.changes, c_.deadline);
    co_return co_await after_synthesis(*synth_);
}

net::task<maybe_error> moa::synthesize_live(leg& synth, const upstream::body_changes& changes) {
    const auto header_bytes = c_.header_lines.size();
    append_header(c_.header_lines, "X-MetaModel-Fallback-Reason", panel_.base_reason());
    append_header(c_.header_lines, "X-MetaModel-Fastpath", "false");
    append_header(c_.header_lines, "X-MetaModel-Synth-Decision", "merged");
    live_answer live(c_);
    std::function<net::task<bool>()> flush = [&live, &synth] {
        if (live.has_begun()) {
            synth.forget_text();
        }
        return live.flush();
    };
    co_await synth.run(changes, c_.deadline, &live, std::move(flush));
    if (live.has_begun()) {
        co_return co_await after_live(synth, live);
    }
    c_.header_lines.resize(header_bytes);
    co_return co_await after_synthesis(synth);
}

// The end of an answer whose beginning the client has.
net::task<maybe_error> moa::after_live(leg& synth, live_answer& live) {
    auto& result = synth.result();
    if (is_client_gone()) {
        co_return client_closed();
    }
    if (!result.is_answered()) {
        const auto e = error_of(
            c_,
            {result.reason == telemetry::call_outcome::timeout ? upstream::call_fault::timeout
                                                               : upstream::call_fault::cut,
             result.detail}
        );
        c_.was_cut = true;
        c_.record.outcome = telemetry::outcome_of(e.id);
        c_.error_detail = result.detail;
        co_await live.fail(e);
        co_return std::nullopt;
    }
    auto last = finalise(std::move(result.draft), tool_policy{});  // calls did not go out
    auto& d = last.answer;
    d.usage = shown_usage(c_, d.usage);
    note_decision(panel_.base_reason(), "merged", false);
    record_answer(c_, d.usage, result.content_bytes);
    co_await live.close(d.finish_reason, d.usage);
    co_return std::nullopt;
}

net::task<maybe_error> moa::after_synthesis(leg& synth) {
    auto& result = synth.result();
    if (is_client_gone()) {
        co_return client_closed();
    }
    if (!result.is_answered()) {
        co_return co_await fall_back(result);
    }
    auto d = std::move(result.draft);
    api::separate_reasoning(d);
    panel_.form().unwrap(d);
    // Where calls are wanted it is them that count.
    const bool is_text = !needs_arbitration(panel_.as_candidates()) && api::has_visible_content(d);
    if (is_text && !panel_.form().is_met_by(d)) {
        co_return co_await mend_form(std::move(d));
    }
    auto v = settle_synthesis(panel_.as_candidates(), std::move(d));
    if (!v.answer && v.fault == final_fault::none) {
        co_return co_await fall_back(result);
    }
    co_return co_await answer(std::move(v));
}

// An answer that is not in the form that was asked for: the synthesizer is asked once more, then a draft that is in it
// answers, then it goes out as it is.
net::task<maybe_error> moa::mend_form(api::draft d) {
    const auto& form = panel_.form();
    const auto problem = form.problem_of(d);
    c_.log.write(
        base::log_level::warning,
        "an answer is not in the form that was asked for",
        {{"id", c_.request_id}, {"profile", c_.target.name}, {"problem", base::clip(problem, 200)}}
    );
    if (d.finish_reason != "length") {
        const auto call = calls_.repair(*d.content, problem);
        repair_.emplace(c_, synthesizer_);
        repair_->set_role(leg_role::repair);
        co_await repair_->run(call.changes, c_.deadline);
        if (is_client_gone()) {
            co_return client_closed();
        }
        auto mended =
            repair_->result().is_answered() ? std::move(repair_->result().draft) : api::draft();
        api::separate_reasoning(mended);
        form.unwrap(mended);
        if (api::has_visible_content(mended) && form.is_met_by(mended)) {
            auto f = finalise(std::move(mended), tool_policy{});
            verdict v;
            v.answer = std::move(f.answer);
            v.reason = "schema_repaired";
            v.decision = "merged_with_repair";
            co_return co_await answer(std::move(v));
        }
    }
    auto v = settle_on_form(panel_.as_candidates());
    if (!v) {
        v = settle_synthesis(panel_.as_candidates(), std::move(d));
    }
    co_return co_await answer(std::move(*v));
}

net::task<maybe_error> moa::fall_back(const leg_result& failed) {
    const auto elapsed =
        duration_cast<std::chrono::milliseconds>(steady_clock::now() - synth_start_).count();
    c_.log.write(
        base::log_level::warning,
        "the synthesizer failed; a draft answers",
        {{"id", c_.request_id},
         {"profile", c_.target.name},
         {"upstream", synthesizer_.config.key},
         {"reason", failed.is_answered() ? "unusable" : telemetry::to_string(failed.reason)},
         {"detail", base::clip(failed.detail, 200)},
         {"elapsed_ms", std::to_string(elapsed)}}
    );
    auto v = settle_on(
        panel_.as_candidates(),
        best_candidate(panel_.as_candidates()),
        "synth_failed_picked_primary",
        "fallback_primary"
    );
    co_return co_await answer(std::move(v));
}

void moa::note_decision(std::string_view reason, std::string_view decision, bool fastpath) {
    c_.record.fallback_reason = reason;
    c_.record.synth_decision = decision;
    c_.record.fastpath = fastpath;
}

net::task<maybe_error> moa::answer(verdict v) {
    if (!v.answer) {
        co_return synthesis_failed(unmet_reason(v.fault, panel_.policy()));
    }
    append_header(c_.header_lines, "X-MetaModel-Fallback-Reason", v.reason);
    append_header(c_.header_lines, "X-MetaModel-Fastpath", v.is_fastpath ? "true" : "false");
    append_header(c_.header_lines, "X-MetaModel-Synth-Decision", v.decision);
    if (panel_.form().is_asked()) {
        const bool is_met = panel_.form().is_met_by(*v.answer);
        append_header(c_.header_lines, "X-MetaModel-Schema-Valid", is_met ? "true" : "false");
    }
    v.answer->usage = shown_usage(c_, v.answer->usage);
    note_decision(v.reason, v.decision, v.is_fastpath);
    co_await send_draft(c_, std::move(*v.answer));
    co_return std::nullopt;
}

}  // namespace

net::task<maybe_error> run_moa(request_context& context) {
    moa request(context);
    co_return co_await run_to_end(request);
}

}  // namespace meta_model::dispatch
