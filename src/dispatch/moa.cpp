#include "dispatch/moa.hpp"

#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/agreement.hpp"
#include "dispatch/draft_rank.hpp"
#include "dispatch/draft_reply.hpp"
#include "dispatch/draft_stats.hpp"
#include "dispatch/live_answer.hpp"
#include "dispatch/moa_requests.hpp"
#include "dispatch/panel.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/upstream_errors.hpp"

#include <algorithm>
#include <chrono>

namespace meta_model::dispatch {

namespace {

using base::error;
using base::error_code_id;
using base::maybe_error;
using std::chrono::duration_cast;
using std::chrono::steady_clock;

base::steady_duration to_steady(config::seconds_f s) {
    return duration_cast<base::steady_duration>(s);
}

bool has_calls(const api::draft& d) {
    return !d.tool_calls.empty() || d.function_call.has_value();
}

// One MoA request.
class moa {
public:
    explicit moa(request_context& c)
        : c_(c), profile_(*c.target.profile), synthesizer_(*c.target.synthesizer), panel_(c) {}

    net::task<maybe_error> run();

    // After run() threw: nothing may use this object any more when it goes.
    net::task<> stop() { return panel_.join(); }

private:
    panel_limits limits() const;

    net::task<maybe_error> decide(panel_action action);
    error panel_failure(panel_action action) const;
    void collect_usable();
    void append_panel_headers();

    net::task<maybe_error> synthesize();
    net::task<maybe_error> synthesize_live(leg& synth, const upstream::body_changes& changes);
    net::task<maybe_error> after_synthesis(leg& synth, live_answer* live);
    net::task<maybe_error> fall_back(const leg_result& failed);
    net::task<maybe_error> answer(
        api::draft d, std::string_view reason, std::string_view decision, bool fastpath
    );
    std::optional<api::token_usage> shown_usage(const api::draft& d) const;
    void note_decision(std::string_view reason, std::string_view decision, bool fastpath);
    bool may_stream_live() const;
    std::size_t best_draft() const;

    request_context& c_;
    const config::profile& profile_;
    upstream::upstream_state& synthesizer_;
    panel panel_;
    std::vector<const leg*> usable_;  // in configuration order
    std::vector<draft_stat> stats_;
    std::optional<leg> synth_;
    base::steady_time synth_start_{};
};

panel_limits moa::limits() const {
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

net::task<maybe_error> moa::run() {
    c_.record.generators = static_cast<std::uint16_t>(c_.target.upstreams.size());
    const stream_keepalive keepalive(c_, c_.request.stream());
    const auto changes = [this](const upstream::upstream_state& u) {
        return generator_changes(c_, u);
    };
    const auto action = co_await panel_.run(c_.target.upstreams, changes, limits());
    auto failure = co_await decide(action);
    co_await panel_.join();
    for (const auto& l : panel_.legs()) {
        c_.record.legs.push_back(l->record());
    }
    if (synth_) {
        c_.record.legs.push_back(synth_->record());
    }
    co_return co_await end_committed(c_, std::move(failure));
}

void moa::collect_usable() {
    for (const auto& l : panel_.legs()) {
        const auto& result = l->result();
        if (result.is_answered()) {
            usable_.push_back(l.get());
            continue;
        }
        const auto reason = l->is_running() ? telemetry::call_outcome::cancelled : result.reason;
        c_.record.failures.push_back({.upstream = l->upstream().metric_id, .reason = reason});
    }
    c_.record.quorum = static_cast<std::uint16_t>(usable_.size());
}

void moa::append_panel_headers() {
    auto& lines = c_.header_lines;
    append_header(lines, "X-MetaModel-Generators", static_cast<std::int64_t>(panel_.legs().size()));
    append_header(lines, "X-MetaModel-Quorum", static_cast<std::int64_t>(usable_.size()));
    if (const auto failures = panel_.failures(); !failures.empty()) {
        append_header(lines, "X-MetaModel-Degraded", "true");
        append_header(lines, "X-MetaModel-Failed-Generators", failures);
    }
}

error moa::panel_failure(panel_action) const {
    const auto& legs = panel_.legs();
    if (c_.cancel.reason() == base::cancel_reason::shutdown) {
        return base::make_error(error_code_id::server_draining, "The gateway is shutting down.");
    }
    if (!usable_.empty()) {
        return base::make_error(
            error_code_id::insufficient_drafts,
            "Only " + std::to_string(usable_.size()) + " of "
                + std::to_string(profile_.required_drafts) + " required drafts could be had."
        );
    }
    // Replies that were no answers are another matter than servers that gave none.
    const auto is_reply = [](const auto& l) {
        return l->result().is_misshapen || l->result().reason == telemetry::call_outcome::unusable;
    };
    if (std::ranges::any_of(legs, is_reply)) {
        return base::make_error(
            error_code_id::synthesis_failed, "No draft could be used: malformed_responses."
        );
    }
    if (legs.size() == 1) {
        return error_of(legs.front()->result());
    }
    auto e = base::make_error(error_code_id::all_generators_failed, "All generators failed.");
    e.detail = panel_.failures();
    return e;
}

net::task<maybe_error> moa::decide(panel_action action) {
    collect_usable();
    if (c_.cancel.reason() == base::cancel_reason::client_gone) {
        co_return base::make_error(error_code_id::client_closed, "The client closed the request.");
    }
    if (static_cast<int>(usable_.size()) < std::max(1, profile_.required_drafts)) {
        if (usable_.empty() && panel_.legs().size() > 1) {
            append_panel_headers();
        }
        co_return panel_failure(action);
    }
    append_panel_headers();
    std::vector<const api::draft*> drafts;
    for (const auto* l : usable_) {
        drafts.push_back(&l->result().draft);
    }
    stats_ = draft_statistics(drafts);
    append_header(c_.header_lines, "X-MetaModel-Draft-Lengths", lengths_header(stats_));
    append_header(c_.header_lines, "X-MetaModel-Draft-Hashes", hashes_header(stats_));
    for (std::size_t i = 0; i < usable_.size(); ++i) {
        c_.record.drafts.push_back(
            {.upstream = usable_[i]->upstream().metric_id,
             .bytes = static_cast<std::uint32_t>(stats_[i].bytes)}
        );
    }
    const bool is_reduced = usable_.size() < panel_.legs().size();
    if (usable_.size() == 1) {
        const auto reason = panel_.legs().size() > 1 ? "single_success" : "none";
        co_return co_await answer(usable_.front()->result().draft, reason, "single_success", true);
    }
    if (profile_.agreement == config::agreement_rule::exact && all_agree(drafts)) {
        co_return co_await answer(
            *drafts.front(), is_reduced ? "reduced_quorum" : "none", "fastpath_consensus", true
        );
    }
    if (std::ranges::any_of(drafts, [](const auto* d) { return has_calls(*d); })) {
        // Calls cannot be merged as text: the best draft speaks for the panel.
        co_return co_await answer(
            *drafts[best_draft()], is_reduced ? "reduced_quorum" : "none", "best_of_picked", false
        );
    }
    co_return co_await synthesize();
}

std::size_t moa::best_draft() const {
    std::vector<rank_input> inputs;
    for (const auto* l : usable_) {
        inputs.push_back({.draft = &l->result().draft});
    }
    return best_draft_index(inputs);
}

// Only plain text can go out before it is complete.
bool moa::may_stream_live() const {
    if (!c_.request.stream()) {
        return false;
    }
    const auto* format = c_.request.find("response_format");
    return format == nullptr || api::is_string(api::find_member(format->value, "type"), "text");
}

net::task<maybe_error> moa::synthesize() {
    synth_start_ = steady_clock::now();
    shown_drafts shown;
    for (const auto& l : panel_.legs()) {
        const auto& result = l->result();
        if (!result.is_answered() && !result.is_partial) {
            continue;
        }
        if (result.is_partial) {
            shown.unfinished.push_back(shown.texts.size());
        }
        shown.texts.push_back(
            result.draft.content ? std::string_view(*result.draft.content) : std::string_view{}
        );
    }
    const auto changes = synthesizer_changes(c_, shown);
    synth_.emplace(c_, synthesizer_);
    if (may_stream_live()) {
        co_return co_await synthesize_live(*synth_, changes);
    }
    co_await synth_->run(changes, c_.deadline);
    co_return co_await after_synthesis(*synth_, nullptr);
}

net::task<maybe_error> moa::synthesize_live(leg& synth, const upstream::body_changes& changes) {
    const auto header_bytes = c_.header_lines.size();
    const bool is_reduced = usable_.size() < panel_.legs().size();
    append_header(
        c_.header_lines, "X-MetaModel-Fallback-Reason", is_reduced ? "reduced_quorum" : "none"
    );
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
    if (!live.has_begun()) {
        c_.header_lines.resize(header_bytes);
    }
    co_return co_await after_synthesis(synth, &live);
}

net::task<maybe_error> moa::after_synthesis(leg& synth, live_answer* live) {
    auto& result = synth.result();
    const bool has_begun = live != nullptr && live->has_begun();
    if (c_.cancel.reason() == base::cancel_reason::client_gone) {
        co_return base::make_error(error_code_id::client_closed, "The client closed the request.");
    }
    const bool is_reduced = usable_.size() < panel_.legs().size();
    const std::string_view reason = is_reduced ? "reduced_quorum" : "none";
    auto& d = result.draft;
    if (has_begun) {
        if (result.is_answered()) {
            d.usage = shown_usage(d);
            note_decision(reason, "merged", false);
            record_answer(c_, d.usage, result.content_bytes);
            co_await live->close(d.finish_reason, d.usage);
            co_return std::nullopt;
        }
        const auto e = error_of(
            c_,
            {result.reason == telemetry::call_outcome::timeout ? upstream::call_fault::timeout
                                                               : upstream::call_fault::cut,
             result.detail}
        );
        c_.was_cut = true;
        c_.record.outcome = telemetry::outcome_of(e.id);
        c_.error_detail = result.detail;
        co_await live->fail(e);
        co_return std::nullopt;
    }
    if (result.is_answered()) {
        if (d.content) {
            d.content = api::strip_in_band_reasoning(*d.content);
        }
        api::rescue_reasoning(d);
        d.tool_calls.clear();
        d.function_call.reset();
        if (d.finish_reason == "tool_calls" || d.finish_reason == "function_call") {
            d.finish_reason = "stop";
        }
        if (api::has_visible_content(d) || !d.refusal.empty()) {
            co_return co_await answer(std::move(d), reason, "merged", false);
        }
    }
    co_return co_await fall_back(result);
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
    co_return co_await answer(
        usable_[best_draft()]->result().draft,
        "synth_failed_picked_primary",
        "fallback_primary",
        false
    );
}

// The answer's own usage, or the sum of what all legs reported.
std::optional<api::token_usage> moa::shown_usage(const api::draft& d) const {
    if (c_.config.server.usage == config::usage_scope::answer) {
        return d.usage;
    }
    return used_tokens(panel_, synth_ ? &*synth_ : nullptr);
}

void moa::note_decision(std::string_view reason, std::string_view decision, bool fastpath) {
    c_.record.fallback_reason = reason;
    c_.record.synth_decision = decision;
    c_.record.fastpath = fastpath;
}

net::task<maybe_error> moa::answer(
    api::draft d, std::string_view reason, std::string_view decision, bool fastpath
) {
    append_header(c_.header_lines, "X-MetaModel-Fallback-Reason", reason);
    append_header(c_.header_lines, "X-MetaModel-Fastpath", fastpath ? "true" : "false");
    append_header(c_.header_lines, "X-MetaModel-Synth-Decision", decision);
    d.usage = shown_usage(d);
    note_decision(reason, decision, fastpath);
    co_await send_draft(c_, std::move(d));
    co_return std::nullopt;
}

}  // namespace

net::task<maybe_error> run_moa(request_context& context) {
    moa request(context);
    co_return co_await run_to_end(request);
}

}  // namespace meta_model::dispatch
