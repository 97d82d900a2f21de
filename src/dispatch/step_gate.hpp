// Whether a cascade takes a step's answer (design §4.6): by what the answer itself shows, then by what others say of it.
#pragma once

#include "dispatch/catalog.hpp"
#include "dispatch/leg.hpp"
#include "dispatch/request_context.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// The parts of a gate, by their keys in the configuration.
namespace gate_part {
inline constexpr std::string_view finish_reasons = "finish_reasons";
inline constexpr std::string_view json_schema = "json_schema";
inline constexpr std::string_view pattern = "pattern";
inline constexpr std::string_view min_mean_logprob = "min_mean_logprob";
inline constexpr std::string_view agree_with = "agree_with";
inline constexpr std::string_view judge = "judge";
}  // namespace gate_part

// The part that fails among those that ask nobody; empty: none does. `response_format`: the request's, as JSON text;
// empty: it has none, and then any answer is of the wished form.
std::string_view failed_part(
    const config::step_gate& gate, const api::draft& answer, std::string_view response_format
);

// Of the tokens in choices[0].logprobs, natural logarithms; nothing when there are none.
std::optional<double> mean_logprob(std::string_view logprobs);

// The most that the calls of a gate can cost when a step with these changes has answered.
base::money gate_ceiling(
    const request_context& context,
    const step_gate_target& target,
    const upstream::upstream_state& step,
    const upstream::body_changes& step_changes
);

// One answer before its gate.
class gate_check {
public:
    gate_check(request_context& context, const step_gate_target& target)
        : context_(context), target_(target) {}

    // The part that fails, empty when the answer is taken. `changes`: of the step's own request, for who must agree.
    // Whoever is asked and gives no answer has not agreed.
    net::task<std::string_view> run(
        const api::draft& answer, const upstream::body_changes& agree_changes
    );

    // Of those who were asked.
    const std::vector<telemetry::leg_record>& legs() const { return legs_; }

private:
    void note(const leg& asked);
    net::task<bool> is_agreed(const api::draft& answer, const upstream::body_changes& changes);
    net::task<bool> is_judged_good(const api::draft& answer);

    request_context& context_;
    const step_gate_target& target_;
    std::vector<telemetry::leg_record> legs_;
};

}  // namespace meta_model::dispatch
