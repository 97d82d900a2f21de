#include "dispatch/voting.hpp"

#include "api/json_text.hpp"
#include "api/reasoning.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "dispatch/ballot_number.hpp"
#include "dispatch/breach_log.hpp"
#include "dispatch/call_cost.hpp"
#include "dispatch/draft_rank.hpp"
#include "dispatch/draft_reply.hpp"
#include "dispatch/election.hpp"
#include "dispatch/finalisation.hpp"
#include "dispatch/json_election.hpp"
#include "dispatch/live_answer.hpp"
#include "dispatch/moa_costs.hpp"
#include "dispatch/panel.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/seat_bounds.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/upstream_errors.hpp"
#include "dispatch/voting_requests.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

namespace meta_model::dispatch {

namespace {

using base::error_code_id;
using base::maybe_error;
using config::ballot_kind;
using config::vote_aggregation;
using std::chrono::duration_cast;
using std::chrono::steady_clock;

std::string_view name_of(ballot_kind kind) {
    switch (kind) {
        case ballot_kind::yes_no: return "yes_no";
        case ballot_kind::label: return "label";
        case ballot_kind::number: return "number";
        case ballot_kind::json: return "json";
        case ballot_kind::tool_call: return "tool_call";
        case ballot_kind::text: return "text";
    }
    return "";
}

std::string_view name_of(vote_aggregation aggregation) {
    switch (aggregation) {
        case vote_aggregation::any_yes: return "any_yes";
        case vote_aggregation::all_yes: return "all_yes";
        case vote_aggregation::majority: return "majority";
        case vote_aggregation::plurality: return "plurality";
        case vote_aggregation::weighted: return "weighted";
    }
    return "";
}

// One request to a voting profile.
class voting {
public:
    explicit voting(request_context& c);

    net::task<maybe_error> run();

    // After run() threw: nothing may use this object any more when it goes.
    net::task<> stop() { return panel_.join(); }

private:
    panel_limits limits() const;
    void plan_costs();
    void read_vote(std::size_t i, leg_result& result);
    void close_poll();
    net::task<maybe_error> decide();
    base::error no_votes() const;
    base::error too_expensive() const;

    net::task<std::optional<std::size_t>> ask_judge(const std::vector<std::size_t>& tied);
    std::optional<std::size_t> chosen_candidate(std::size_t count);

    api::draft answer_of(const election& result) const;
    void append_vote_headers(const election& result);
    std::string account(const election& result) const;

    request_context& c_;
    const config::profile& profile_;
    election_rules rules_;
    ballot_rules ballot_rules_;
    const tool_policy policy_;  // of what the voters may call
    std::vector<voter_report> reports_;
    std::vector<bool> starts_;  // by voter, where a cost limit decides before the calls begin
    moa_prompts prompts_;
    panel panel_;
    std::optional<leg> judge_;
    std::string_view tie_break_;  // who broke the tie; empty: there was none
};

voting::voting(request_context& c)
    : c_(c),
      profile_(*c.target.profile),
      rules_{profile_.ballot, profile_.aggregation, profile_.failure_vote},
      ballot_rules_{.kind = profile_.ballot, .labels = profile_.labels},
      policy_(resolve_tool_policy(c.request, profile_.ballot != ballot_kind::tool_call)),
      prompts_(c),
      panel_(c) {
    ballot_rules_.tools = policy_.declared;
    for (const auto& seat : c.target.seats) {
        voter_report report;
        report.weight = std::llround(seat.member->weight * static_cast<double>(weight_unit));
        reports_.push_back(std::move(report));
    }
}

// Nobody is cut off by a quorum: all are waited for until the result is certain, or the time is over.
panel_limits voting::limits() const {
    const auto now = steady_clock::now();
    auto whole = c_.deadline - now;
    if (!profile_.judge.empty()) {
        whole = duration_cast<base::steady_duration>(whole * (1.0 - profile_.synthesis_share));
    }
    const auto longest = duration_cast<base::steady_duration>(profile_.panel_timeout);
    panel_limits out;
    out.start = now;
    out.deadline = now + std::min(longest, whole);
    out.min_drafts = static_cast<int>(reports_.size());
    return out;
}

net::task<maybe_error> voting::run() {
    c_.record.generators = static_cast<std::uint16_t>(reports_.size());
    if (auto refusal = prompts_.plan()) {
        co_return std::move(refusal);
    }
    const stream_keepalive keepalive(c_, c_.request.stream());
    panel::seat_changes changes = [this](std::size_t i) { return voter_changes(c_, prompts_, i); };
    panel_hooks hooks;
    hooks.judge = [this](std::size_t i, leg_result& result) { read_vote(i, result); };
    hooks.is_decided = [this] { return is_settled(reports_, rules_); };
    if (c_.purse != nullptr && !panel_.sharing().empty()) {
        plan_costs();
        hooks.may_start = [this](std::size_t i) { return starts_[i]; };
    }
    co_await panel_.run(std::move(changes), limits(), std::move(hooks));
    close_poll();
    auto failure = co_await decide();
    co_await panel_.join();
    for (const auto& call : panel_.calls()) {
        auto& u = call->upstream();
        c_.record.legs.push_back(call->record());
        prompts_.learn(u, prompts_.of(u).tokens, call->result().usage);
    }
    if (judge_) {
        c_.record.legs.push_back(judge_->record());
    }
    co_return co_await end_committed(c_, std::move(failure));
}

// How many ballots a call may bring is known before it is made.
void voting::plan_costs() {
    const auto changes = [this](std::size_t i) { return voter_changes(c_, prompts_, i); };
    const auto bounds = bound_seats(c_, panel_.sharing(), changes);
    starts_ = choose_panel(costs_of(bounds, panel_.sharing()), c_.purse->left()).starts;
}

// Reasoning is no vote: it is taken away, and never stands in for text that is missing.
void voting::read_vote(std::size_t i, leg_result& result) {
    auto& report = reports_[i];
    if (!result.is_answered()) {
        report.state = result.reason == telemetry::call_outcome::cancelled ? voter_state::cancelled
                                                                           : voter_state::failed;
        return;
    }
    auto& d = result.draft;
    if (d.content) {
        d.content = api::strip_in_band_reasoning(*d.content);
    }
    report.state = voter_state::answered;
    if (const auto breach = find_breach(d, policy_)) {
        log_breach(c_, panel_.drafts()[i].upstream(), *breach);
    }
    // What cannot go out as an answer is no vote either.
    auto lawful = finalise(std::move(d), policy_);
    d = std::move(lawful.answer);
    if (lawful.fault == final_fault::none) {
        report.vote = read_ballot(d, ballot_rules_);
    }
}

// The votes as they stand now are counted; what comes later is too late.
void voting::close_poll() {
    for (std::size_t i = 0; i < reports_.size(); ++i) {
        auto& report = reports_[i];
        if (report.state == voter_state::pending) {
            report.state = voter_state::cancelled;
        }
        if (report.state == voter_state::answered) {
            ++c_.record.quorum;
            continue;
        }
        const auto& leg = panel_.drafts()[i];
        const auto reason =
            leg.is_running() ? telemetry::call_outcome::cancelled : leg.result().reason;
        c_.record.failures.push_back({.upstream = leg.upstream().metric_id, .reason = reason});
    }
}

base::error voting::no_votes() const {
    const auto is_answered = [](const auto& r) { return r.state == voter_state::answered; };
    if (std::ranges::any_of(reports_, is_answered)) {
        return base::make_error(
            error_code_id::insufficient_drafts,
            "No answer of the voters could be read as a ballot of type "
                + std::string(name_of(profile_.ballot)) + '.'
        );
    }
    auto e = base::make_error(error_code_id::all_generators_failed, "All voters failed.");
    e.detail = panel_.failures();
    return e;
}

// What the calls within a profile cost is not told.
base::error voting::too_expensive() const {
    std::optional<base::money> cheapest;
    for (std::size_t i = 0; i < reports_.size(); ++i) {
        const auto& u = *c_.target.upstreams[i];
        if (c_.target.nested_in(u) == nullptr) {
            const auto cost = bound_call(c_, u, voter_changes(c_, prompts_, i)).ceiling;
            cheapest = std::min(cheapest.value_or(cost), cost);
        }
    }
    return cheapest ? over_cost_limit(c_, *cheapest) : error_of({upstream::call_fault::unpaid, {}});
}

net::task<maybe_error> voting::decide() {
    if (c_.is_unwanted()) {
        co_return client_closed();
    }
    if (c_.cancel.reason() == base::cancel_reason::shutdown && !is_settled(reports_, rules_)) {
        co_return server_draining();
    }
    const auto is_too_dear = [](const auto& l) {
        return l.result().reason == telemetry::call_outcome::cost;
    };
    if (c_.purse != nullptr && std::ranges::all_of(panel_.drafts(), is_too_dear)) {
        co_return too_expensive();  // not even failure votes: nobody could be asked
    }
    auto result = elect(reports_, rules_);
    if (!result.has_result) {
        co_return no_votes();
    }
    if (!result.tied.empty()) {
        tie_break_ = "first";
    }
    if (!result.tied.empty() && profile_.tie_break == config::tie_break::judge) {
        const auto preferred = co_await ask_judge(result.tied);
        if (c_.cancel.reason() == base::cancel_reason::client_gone) {
            co_return client_closed();
        }
        if (preferred) {
            result = elect(reports_, rules_, preferred);
            tie_break_ = "judge";
        }
    }
    append_vote_headers(result);
    auto d = answer_of(result);
    auto extension = account(result);
    co_await send_draft(c_, std::move(d), std::move(extension));
    co_return std::nullopt;
}

// The voter whose answer the judge chose. Shown in an order of chance: models prefer places.
net::task<std::optional<std::size_t>> voting::ask_judge(const std::vector<std::size_t>& tied) {
    auto order = tied;
    for (auto i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[base::random_u64() % i]);
    }
    std::vector<std::string> texts;
    for (const auto voter : order) {
        const auto& vote = reports_[voter].vote;
        if (!vote) {
            texts.push_back(profile_.failure_vote == config::vote::yes ? "yes" : "no");
        } else if (profile_.ballot == ballot_kind::tool_call && !vote->key.empty()) {
            texts.push_back("calls " + vote->key);
        } else {
            texts.push_back(vote->text);
        }
    }
    const std::vector<std::string_view> shown(texts.begin(), texts.end());
    const auto call = judge_changes(c_, prompts_, shown);
    judge_.emplace(c_, *c_.target.synthesizer);
    judge_->allow_retries();
    co_await judge_->run(call.changes, c_.deadline);
    prompts_.learn(*c_.target.synthesizer, call.tokens, judge_->result().usage);
    const auto chosen = chosen_candidate(order.size());
    if (!chosen) {
        c_.log.write(
            base::log_level::warning,
            "the judge broke no tie; the first voter's answer wins",
            {{"id", c_.request_id},
             {"profile", c_.target.name},
             {"upstream", judge_->upstream().config.key},
             {"detail", base::clip(judge_->result().detail, 200)}}
        );
        co_return std::nullopt;
    }
    co_return order[*chosen];
}

std::optional<std::size_t> voting::chosen_candidate(std::size_t count) {
    auto& result = judge_->result();
    if (!result.is_answered() || !result.draft.content) {
        return std::nullopt;
    }
    const auto text = api::strip_in_band_reasoning(*result.draft.content);
    const auto number = read_number_ballot(text, result.draft.finish_reason == "length");
    if (!number || !number->is_integer || number->value < 1
        || number->value > static_cast<double>(count)) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(number->value) - 1;
}

// Of texts and calls the best draft among those that say the same; else the verdict alone.
api::draft voting::answer_of(const election& result) const {
    api::draft d;
    const bool is_draft =
        profile_.ballot == ballot_kind::text || profile_.ballot == ballot_kind::tool_call;
    if (is_draft && !result.supporters.empty()) {
        std::vector<rank_input> inputs;
        for (const auto voter : result.supporters) {
            inputs.push_back({.draft = &panel_.drafts()[voter].result().draft});
        }
        d = *inputs[best_draft_index(inputs)].draft;
    } else {
        d.content = result.verdict;
        d.finish_reason = "stop";
    }
    d.id = "metamodel-vote-" + base::random_hex(24);
    d.created =
        duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    d.usage = c_.ledger.reported();
    return d;
}

void voting::append_vote_headers(const election& result) {
    const auto failed = std::ranges::count(reports_, voter_state::failed, &voter_report::state);
    auto& lines = c_.header_lines;
    append_header(lines, "X-MetaModel-Voters", static_cast<std::int64_t>(reports_.size()));
    append_header(lines, "X-MetaModel-Vote-Failures", static_cast<std::int64_t>(failed));
    const bool is_word = profile_.ballot == ballot_kind::yes_no
                         || profile_.ballot == ballot_kind::label
                         || profile_.ballot == ballot_kind::number;
    if (is_word) {
        append_header(lines, "X-MetaModel-Verdict", result.verdict);
    }
}

// `x_meta_model` of the reply. Of any_yes only what it always was.
std::string voting::account(const election& result) const {
    std::string out = R"({"votes":)" + votes_json(reports_, rules_);
    if (profile_.ballot == ballot_kind::json) {
        out += R"(,"verdict":)" + result.verdict;
    } else if (profile_.ballot == ballot_kind::tool_call) {
        const auto& key = result.supporters.empty() ? std::string()
                                                    : reports_[result.supporters.front()].vote->key;
        out += R"(,"verdict":)" + (key.empty() ? "null" : key);
    } else {
        out += R"(,"verdict":)";
        api::append_json_string(
            out,
            profile_.ballot == ballot_kind::text
                ? base::clip(reports_[result.supporters.front()].vote->key, 256)
                : result.verdict
        );
    }
    if (profile_.aggregation == vote_aggregation::any_yes) {
        return out + '}';
    }
    out += R"(,"ballot":")";
    out += name_of(profile_.ballot);
    out += R"(","aggregation":")";
    out += name_of(profile_.aggregation);
    out += R"(","tally":)" + result.tally + R"(,"margin":)";
    append_weight(out, result.margin);
    if (!tie_break_.empty()) {
        out += R"(,"tie_break":")";
        out += tie_break_;
        out += '"';
    }
    return out + '}';
}

}  // namespace

net::task<maybe_error> run_voting(request_context& context) {
    voting request(context);
    co_return co_await run_to_end(request);
}

}  // namespace meta_model::dispatch
