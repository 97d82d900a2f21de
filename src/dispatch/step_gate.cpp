#include "dispatch/step_gate.hpp"

#include "api/json_cursor.hpp"
#include "api/json_text.hpp"
#include "api/reasoning.hpp"
#include "base/ids.hpp"
#include "dispatch/agreement.hpp"
#include "dispatch/answer_form.hpp"
#include "dispatch/ballot_number.hpp"
#include "dispatch/call_cost.hpp"
#include "dispatch/cascade_requests.hpp"
#include "dispatch/cost_plan.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/synthesis_prompt.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace meta_model::dispatch {

namespace {

// Without the reasoning that a model may have put in front.
std::string visible_text(const api::draft& d) {
    return d.content ? api::strip_in_band_reasoning(*d.content) : std::string();
}

// The other half is left for the steps behind.
base::steady_time half_time(const request_context& c) {
    const auto now = std::chrono::steady_clock::now();
    return now + (c.deadline - now) / 2;
}

}  // namespace

std::optional<double> mean_logprob(std::string_view logprobs) {
    const auto tokens = api::find_member(logprobs, "content");
    if (tokens.empty() || tokens.front() != '[') {
        return std::nullopt;
    }
    double sum = 0;
    int count = 0;
    api::json_cursor in(tokens);
    std::string_view token;
    for (in.enter_array(); in.next_element() && in.skip(token);) {
        const auto text = api::find_member(token, "logprob");
        double value = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
        if (text.empty() || read.ec != std::errc()) {
            return std::nullopt;
        }
        sum += value;
        ++count;
    }
    return count > 0 ? std::optional(sum / count) : std::nullopt;
}

std::string_view failed_part(
    const config::step_gate& gate, const api::draft& answer, std::string_view response_format
) {
    if (!gate.finish_reasons.empty()
        && std::ranges::find(gate.finish_reasons, answer.finish_reason)
               == gate.finish_reasons.end()) {
        return gate_part::finish_reasons;
    }
    const auto text = visible_text(answer);
    const bool has_calls = !answer.tool_calls.empty() || answer.function_call.has_value();
    if (gate.json_schema && !has_calls && !has_wished_form(text, response_format)) {
        return gate_part::json_schema;
    }
    if (gate.pattern.is_set() && !gate.pattern.is_found_in(text)) {
        return gate_part::pattern;
    }
    if (gate.min_mean_logprob) {
        const auto mean = mean_logprob(answer.logprobs);
        if (!mean || *mean < *gate.min_mean_logprob) {
            return gate_part::min_mean_logprob;
        }
    }
    return {};
}

base::money gate_ceiling(
    const request_context& c,
    const step_gate_target& target,
    const upstream::upstream_state& step,
    const upstream::body_changes& step_changes
) {
    auto changes = step_changes;
    const auto answer = draft_tokens(limit_output(c.request, step.config, changes));
    base::money out;
    if (target.agree_with != nullptr) {
        auto asked = request_step(c, *target.agree_with, nullptr);
        out += bound_call(c, *target.agree_with, std::move(asked.changes)).ceiling;
    }
    if (target.judge != nullptr) {
        auto question = question_changes(c, *target.judge, 0);
        add_user_message(question, grade_prompt({}, {.fence = std::string(32, '0')}));
        out += bound_call(c, *target.judge, std::move(question)).ceiling;
        out += cost_ceiling(target.judge->config.pricing, answer, 0);
    }
    return out;
}

net::task<std::string_view> gate_check::run(
    const api::draft& answer, const upstream::body_changes& agree_changes
) {
    const auto* format = context_.request.find("response_format");
    const auto failed =
        failed_part(*target_.gate, answer, format != nullptr ? format->value : std::string_view());
    if (!failed.empty()) {
        co_return failed;
    }
    if (target_.agree_with != nullptr) {
        const bool agrees = co_await is_agreed(answer, agree_changes);
        if (!agrees) {
            co_return gate_part::agree_with;
        }
    }
    if (target_.judge != nullptr) {
        const bool is_good = co_await is_judged_good(answer);
        if (!is_good) {
            co_return gate_part::judge;
        }
    }
    co_return std::string_view();
}

void gate_check::note(const leg& asked) {
    legs_.push_back(asked.record());
}

net::task<bool> gate_check::is_agreed(
    const api::draft& answer, const upstream::body_changes& changes
) {
    leg other(context_, *target_.agree_with);
    other.set_role(leg_role::gate);
    co_await other.run(changes, half_time(context_));
    note(other);
    co_return other.result().is_answered()
        && all_agree_canonically({&answer, &other.result().draft});
}

net::task<bool> gate_check::is_judged_good(const api::draft& answer) {
    synthesis_prompt_options options;
    options.fence = base::random_hex(16);
    options.max_total_bytes = std::min(options.max_total_bytes, half_window_bytes(*target_.judge));
    auto shown = visible_text(answer);
    const auto calls = signature_of(answer).calls;
    if (!answer.tool_calls.empty()) {
        shown += "\ncalls " + calls;
    }
    auto changes = question_changes(context_, *target_.judge, 0);
    const auto question = grade_prompt(shown, options);
    const auto fit =
        fit_window(context_, *target_.judge, changes, added_message_tokens(question.size()));
    add_user_message(changes, question);
    leg judge(context_, *target_.judge);
    judge.set_role(leg_role::gate);
    judge.allow_retries();
    co_await judge.run(changes, half_time(context_));
    note(judge);
    learn_tokens(context_, *target_.judge, fit, judge.result().usage);
    const auto& verdict = judge.result();
    if (!verdict.is_answered()) {
        co_return false;
    }
    const auto grade =
        read_number_ballot(visible_text(verdict.draft), verdict.draft.finish_reason == "length");
    constexpr double best = 10;
    co_return grade && grade->value >= 0 && grade->value <= best
        && grade->value / best >= target_.gate->judge_threshold;
}

}  // namespace meta_model::dispatch
