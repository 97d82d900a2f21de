#include "dispatch/cascade.hpp"

#include "api/chat_stream_encoder.hpp"
#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/attempt_list.hpp"
#include "dispatch/breach_log.hpp"
#include "dispatch/call_cost.hpp"
#include "dispatch/call_filter.hpp"
#include "dispatch/cascade_end.hpp"
#include "dispatch/cascade_requests.hpp"
#include "dispatch/cascade_rule.hpp"
#include "dispatch/continuation.hpp"
#include "dispatch/draft_reply.hpp"
#include "dispatch/leg.hpp"
#include "dispatch/live_answer.hpp"
#include "dispatch/media_route.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/shown_usage.hpp"
#include "dispatch/step_costs.hpp"
#include "dispatch/step_gate.hpp"
#include "dispatch/step_result.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/whole_reply.hpp"

#include <chrono>

namespace meta_model::dispatch {

namespace {

using base::error;
using base::maybe_error;
using std::chrono::steady_clock;
using telemetry::call_outcome;

// One cascade request.
class cascade {
public:
    explicit cascade(request_context& c)
        : c_(c),
          profile_(*c.target.profile),
          policy_(resolve_tool_policy(c.request, profile_.strip_tools)),
          attempts_(c.target.route),
          costs_(c) {}

    net::task<maybe_error> run();

private:
    enum class verdict { answered, refused, go_on };

    const step_gate_target* gate_of(std::size_t i) const;
    std::vector<step_facts> facts() const;
    std::size_t next_from(std::size_t from);
    net::task<bool> may_begin(
        upstream::upstream_state& u, const step_request& asked, const step_gate_target* gate
    );
    void note_fit(const window_fit& fit);
    net::task<maybe_error> run_steps();
    net::task<verdict> try_step(std::size_t i);
    net::task<> run_leg(leg& step, const upstream::body_changes& changes, live_answer* live);
    net::task<std::string_view> pass_gate(const step_gate_target& gate, leg& step);
    net::task<bool> flush_live(leg& step, live_answer& live);
    net::task<verdict> finish_live(std::size_t i, leg& step, live_answer& live);
    net::task<bool> resume(std::size_t i, const leg& cut, live_answer& live);
    bool may_resume(const leg_result& result, const live_answer& live) const;
    net::task<> answer(leg& step);
    verdict judge_failure(std::size_t i, const leg_result& result);
    net::task<maybe_error> refuse();
    void note_step(const leg& step);
    void note_answer(const leg_result& result);
    bool is_route() const { return c_.target.route != config::modality::text; }

    request_context& c_;
    const config::profile& profile_;
    const tool_policy policy_;
    attempt_list attempts_;
    int refused_context_ = 0;  // the largest window that was too small for the conversation
    error last_{};             // of the step that failed last
    std::string last_status_;  // as it is told in a header; empty: no step was called
    leg_result refusal_{};     // with verdict `refused`; of a media route the step that failed last
    bool has_begun_ = false;   // the client has the beginning of an answer
    bool is_too_long_ = false;   // the conversation, for the window of some step
    bool is_compacted_ = false;  // as the headers tell it
    step_costs costs_;
    int unpaid_ = 0;  // steps that were tried and are profiles whose calls cost too much
};

// Null for a step whose answer is taken as it comes.
const step_gate_target* cascade::gate_of(std::size_t i) const {
    const bool has_gate = i < c_.target.gates.size() && c_.target.gates[i].gate != nullptr;
    return has_gate ? &c_.target.gates[i] : nullptr;
}

std::vector<step_facts> cascade::facts() const {
    std::vector<step_facts> out;
    const auto now = steady_clock::now();
    for (const auto* u : c_.target.upstreams) {
        out.push_back(
            {.context = u->config.context, .is_available = u->availability.may_be_called(now)}
        );
    }
    return out;
}

// The next step to try; those that are passed over because they are left alone are noted.
std::size_t cascade::next_from(std::size_t from) {
    const auto steps = facts();
    const auto next = next_step(steps, from, refused_context_);
    for (auto i = from; i < next; ++i) {
        const auto id = c_.target.upstreams[i]->metric_id;
        if (!steps[i].is_available) {
            c_.record.legs.push_back({.upstream = id, .state = telemetry::leg_state::skipped});
            c_.record.failures.push_back({.upstream = id, .reason = call_outcome::breaker_open});
            auto& line = c_.ledger.open(c_.target.upstreams[i]->config.key, leg_role::step);
            line.state = "not_started";
            line.reason = telemetry::to_string(call_outcome::breaker_open);
        }
    }
    return next;
}

net::task<maybe_error> cascade::run() {
    const stream_keepalive keepalive(c_, c_.request.stream());
    auto failure = co_await run_steps();
    c_.record.generators = attempts_.count();
    co_return co_await end_committed(c_, std::move(failure));
}

net::task<maybe_error> cascade::run_steps() {
    const auto steps = c_.target.upstreams.size();
    for (auto i = next_from(0); i < steps; i = next_from(i + 1)) {
        if (c_.cancel.is_cancelled() || steady_clock::now() >= c_.deadline) {
            break;
        }
        const auto outcome = co_await try_step(i);
        if (outcome == verdict::answered) {
            co_return std::nullopt;
        }
        if (outcome == verdict::refused) {
            co_return co_await refuse();
        }
    }
    if (c_.cancel.reason() == base::cancel_reason::client_gone) {
        co_return client_closed();
    }
    if (c_.cancel.reason() == base::cancel_reason::shutdown) {
        co_return server_draining();
    }
    if (attempts_.count() == 0 && costs_.cheapest()) {
        co_return over_cost_limit(c_, *costs_.cheapest());
    }
    if (unpaid_ > 0 && unpaid_ == attempts_.count()) {
        co_return std::move(last_);
    }
    if (attempts_.count() == 0 && is_too_long_) {
        co_return too_long_for_cascade();
    }
    if (is_route()) {
        co_return co_await end_route(c_, attempts_, refusal_);
    }
    co_return exhausted_cascade(c_, attempts_, std::move(last_), last_status_);
}

net::task<cascade::verdict> cascade::try_step(std::size_t i) {
    auto& u = *c_.target.upstreams[i];
    const auto* gate = gate_of(i);
    const auto asked = request_step(c_, u, gate);
    const bool begins = co_await may_begin(u, asked, gate);
    if (!begins) {
        co_return verdict::go_on;
    }
    note_fit(asked.fit);
    attempts_.add(u.config.key);
    leg step(c_, u);
    step.keep_body();
    if (next_step(facts(), i + 1, refused_context_) == c_.target.upstreams.size()) {
        step.allow_retries();
    }
    std::optional<live_answer> live;
    if (c_.request.stream() && gate == nullptr) {
        live.emplace(c_, live_role::step);
    }
    if (live && profile_.on_cut == config::on_cut::resume) {
        live->keep_text();
    }
    co_await run_leg(step, asked.changes, live ? &*live : nullptr);
    auto& result = step.result();
    learn_tokens(c_, u, asked.fit, result.usage);
    const step_rules rules{
        .is_streamed = c_.request.stream(),
        .has_begun = has_begun_,
        .hides_reasoning = !c_.target.expose_reasoning,
        .policy = policy_
    };
    if (const auto breach = judge_step(result, rules)) {
        log_breach(c_, u, *breach);
    }
    attempts_.end(attempt_word(step));
    costs_.release_gate();
    std::string_view failed_part;
    if (gate != nullptr && result.is_answered()) {
        failed_part = co_await pass_gate(*gate, step);
    } else {
        note_step(step);
    }
    if (c_.cancel.reason() == base::cancel_reason::client_gone) {
        co_return verdict::go_on;  // which nobody does
    }
    if (!failed_part.empty()) {
        attempts_.reject(u.config.key, failed_part);
        last_ = rejection_of(u.config.key, failed_part);
        last_status_ = std::to_string(last_.http_status());
        co_return verdict::go_on;
    }
    if (has_begun_) {
        co_return co_await finish_live(i, step, *live);
    }
    if (result.is_answered()) {
        co_await answer(step);
        co_return verdict::answered;
    }
    co_return judge_failure(i, result);
}

// The part of the gate that fails, empty when the answer is taken. What was only asked for on the gate's behalf is taken
// out of it.
net::task<std::string_view> cascade::pass_gate(const step_gate_target& gate, leg& step) {
    gate_check check(c_, gate);
    const auto agree_changes = gate.agree_with != nullptr
                                   ? request_step(c_, *gate.agree_with, nullptr).changes
                                   : upstream::body_changes{};
    const auto failed_part = co_await check.run(step.result().draft, agree_changes);
    if (!failed_part.empty()) {
        step.result().outcome = leg_outcome::failed;
        step.result().reason = call_outcome::unusable;
        step.result().detail = "not accepted: " + std::string(failed_part);
    }
    if (gate.gate->min_mean_logprob && !wants_logprobs(c_.request)) {
        remove_logprobs(step.result());
    }
    note_step(step);
    for (const auto& asked : check.legs()) {
        c_.record.legs.push_back(asked);
    }
    co_return failed_part;
}

// The facts of a step are in the head of its own answer only: if it fails before, they are taken back.
net::task<> cascade::run_leg(leg& step, const upstream::body_changes& changes, live_answer* live) {
    if (live == nullptr) {
        co_await step.run(changes, c_.deadline);
        co_return;
    }
    const auto header_bytes = c_.header_lines.size();
    std::function<net::task<bool>()> flush = [this, &step, live] {
        return flush_live(step, *live);
    };
    call_filter declared(policy_, *live);
    co_await step.run(changes, c_.deadline, &declared, std::move(flush));
    if (!has_begun_) {
        c_.header_lines.resize(header_bytes);
    }
}

net::task<bool> cascade::flush_live(leg& step, live_answer& live) {
    const bool is_first = live.has_begun() && !has_begun_;
    if (is_first) {
        attempts_.append_headers(c_.header_lines, step.upstream().config.key);
        c_.header_lines += step.result().passed_headers;
        has_begun_ = true;
        step.forget_text();
    }
    const bool is_open = co_await live.flush();
    if (is_first && profile_.on_cut == config::on_cut::error) {
        c_.request.release();  // first: it keeps a name that it has only a view of
        c_.sink.release_request();
    }
    co_return is_open;
}

// The end of an answer whose beginning the client has.
net::task<cascade::verdict> cascade::finish_live(std::size_t i, leg& step, live_answer& live) {
    const auto& result = step.result();
    if (result.is_answered()) {
        note_answer(result);
        co_await live.close(result.draft.finish_reason, shown_usage(c_, result.draft.usage));
        co_return verdict::answered;
    }
    if (may_resume(result, live)) {
        const bool is_resumed = co_await resume(i, step, live);
        if (is_resumed) {
            co_return verdict::answered;
        }
    }
    const auto e = failure_of(c_, result);
    c_.was_cut = true;
    c_.record.outcome = telemetry::outcome_of(e.id);
    c_.error_detail = result.detail;
    co_await live.fail(e);
    co_return verdict::answered;
}

bool cascade::may_resume(const leg_result& result, const live_answer& live) const {
    return profile_.on_cut == config::on_cut::resume && is_interrupted(result) && live.has_text()
           && !c_.cancel.is_cancelled();
}

// Lets the next steps bring a cut answer to its end. False: none of them did.
net::task<bool> cascade::resume(std::size_t i, const leg& cut, live_answer& live) {
    const auto steps = c_.target.upstreams.size();
    for (i = next_from(i + 1); i < steps; i = next_from(i + 1)) {
        if (c_.cancel.is_cancelled() || steady_clock::now() >= c_.deadline || !live.has_text()) {
            break;
        }
        auto& u = *c_.target.upstreams[i];
        const auto how = u.config.supports_prefill ? continuation_seam::kind::prefill
                                                   : continuation_seam::kind::followup;
        auto rest_of_text = continuation_messages(live.text(), how);
        auto asked = request_step(c_, u, nullptr, added_message_tokens(rest_of_text.size()));
        asked.changes.trailing_message = std::move(rest_of_text);
        const bool begins = co_await may_begin(u, asked, nullptr);
        if (!begins) {
            continue;
        }
        c_.log.write(
            base::log_level::warning,
            "a cut answer is continued by the next step",
            {{"id", c_.request_id},
             {"upstream", cut.upstream().config.key},
             {"next", u.config.key},
             {"bytes", std::to_string(live.text().size())}}
        );
        attempts_.add(u.config.key);
        live.begin_continuation();
        continuation rest(live, how, !c_.target.expose_reasoning);
        leg step(c_, u);
        step.keep_body();
        std::function<net::task<bool>()> flush = [&rest, &step] {
            step.forget_text();
            return rest.flush();
        };
        co_await step.run(asked.changes, c_.deadline, &rest, std::move(flush));
        auto& result = step.result();
        if (result.is_answered() && !result.body.empty()) {
            api::emit_whole_draft(result.draft, rest);  // it came as a whole
        }
        const bool is_whole = result.is_answered() && rest.finish();
        note_step(step);
        if (is_whole) {
            result.content_bytes = live.text_bytes();
            note_answer(result);
            c_.record.synth_decision = "resumed";
            co_await live.close(result.draft.finish_reason, shown_usage(c_, result.draft.usage));
            co_return true;
        }
    }
    co_return false;
}

// Sends a whole answer of which nothing was sent before.
net::task<> cascade::answer(leg& step) {
    auto& result = step.result();
    attempts_.append_headers(c_.header_lines, step.upstream().config.key);
    if (c_.request.stream() || result.body.empty()) {
        c_.header_lines += result.passed_headers;
        note_answer(result);
        result.draft.usage = shown_usage(c_, result.draft.usage);
        co_await send_draft(c_, std::move(result.draft));
        co_return;
    }
    note_answer(result);
    if (is_total_told(c_)) {
        replace_usage(result.body, *c_.ledger.reported());
    }
    reply_members members;
    read_reply(result.body, members);
    const auto written = send_whole_reply(c_, 200, result.passed_headers, result.body, members);
    if (written == write_state::pending) {
        co_await c_.sink.drain();
    }
}

cascade::verdict cascade::judge_failure(std::size_t i, const leg_result& result) {
    last_ = failure_of(c_, result);
    unpaid_ += result.reason == call_outcome::cost ? 1 : 0;
    last_status_ = std::to_string(
        result.reason == call_outcome::non_2xx ? status_of(result) : last_.http_status()
    );
    if (is_route()) {
        refusal_ = result;
    }
    if (is_route() || result.reason != call_outcome::non_2xx) {
        return verdict::go_on;
    }
    auto kind = judge_refusal(status_of(result), result.body);
    if (kind == refusal_kind::context_length) {
        refused_context_ = std::max(refused_context_, c_.target.upstreams[i]->config.context);
        const bool has_larger =
            next_step(facts(), i + 1, refused_context_) < c_.target.upstreams.size();
        kind = has_larger ? refusal_kind::passing : refusal_kind::caller;
    }
    if (kind == refusal_kind::passing) {
        return verdict::go_on;
    }
    refusal_ = result;
    return verdict::refused;
}

// A refusal that every step would repeat is told as the upstream told it.
net::task<maybe_error> cascade::refuse() {
    attempts_.append_headers(c_.header_lines, {});
    const auto status = status_of(refusal_);
    c_.record.status = static_cast<std::uint16_t>(status);
    c_.error_detail = refusal_.detail;
    const bool may_pass = may_pass_refusal(c_, status, refusal_.body);
    if (may_pass && !c_.sink.is_committed()) {
        if (send_refusal(c_, status, refusal_.passed_headers, refusal_.body)
            == write_state::pending) {
            co_await c_.sink.drain();
        }
        co_return std::nullopt;
    }
    auto e = failure_of(c_, refusal_);
    if (const auto text = refusal_text(refusal_.body); may_pass && !text.empty()) {
        std::string told;
        if (api::append_unescaped(told, text)) {
            e.message = base::clip(told, 512);
        }
    }
    co_return e;
}

// False: not even the newest messages can be cut to its window, or it costs too much. It stands in the books all the same.
net::task<bool> cascade::may_begin(
    upstream::upstream_state& u, const step_request& asked, const step_gate_target* gate
) {
    const bool fits = asked.changes.refusal.empty();
    if (fits && costs_.take(u, asked.changes, gate)) {
        co_return true;
    }
    is_too_long_ = is_too_long_ || !fits;
    leg step(c_, u);
    if (fits) {
        step.leave_out();
    } else {
        co_await step.run(asked.changes, c_.deadline);  // which refuses, and sends nothing
    }
    note_step(step);
    co_return false;
}

// The head tells of the newest step, whose answer it may become.
void cascade::note_fit(const window_fit& fit) {
    const bool is_news = is_compacted_ || fit.tokens != fit.tokens_in;
    is_compacted_ = fit.tokens != fit.tokens_in;
    if (is_news) {
        replace_compaction_headers(c_, fit.tokens, fit.compacted_chunks);
    }
}

void cascade::note_step(const leg& step) {
    const auto& result = step.result();
    auto record = step.record();
    if (has_begun_ && record.state == telemetry::leg_state::failed) {
        record.state = telemetry::leg_state::partial;
    }
    c_.record.legs.push_back(record);
    if (!result.is_answered()) {
        c_.record.failures.push_back(
            {.upstream = step.upstream().metric_id, .reason = result.reason}
        );
    }
}

void cascade::note_answer(const leg_result& result) {
    const auto& d = result.draft;
    c_.record.quorum = 1;
    c_.record.synth_decision = attempts_.count() == 1 ? "first_step" : "later_step";
    c_.record.fallback_reason = "none";
    c_.record.final_tool_call_count = static_cast<std::uint32_t>(d.tool_calls.size());
    record_answer(c_, d.usage, result.content_bytes);
}

}  // namespace

net::task<maybe_error> run_cascade(request_context& context) {
    cascade request(context);
    co_return co_await request.run();
}

}  // namespace meta_model::dispatch
