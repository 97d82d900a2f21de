#include "dispatch/step_result.hpp"

#include "api/chat_wire.hpp"
#include "api/json_cursor.hpp"
#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/cascade_rule.hpp"
#include "dispatch/upstream_errors.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

// Content that is a list of parts does not count as text here. Streams have none.
bool has_list_content(std::string_view body) {
    api::chat_object object;
    api::chat_message_fields fields;
    return api::read_chat_object(body, object) && api::read_message_fields(object.message, fields)
           && fields.content.starts_with('[');
}

bool is_filled(std::string_view text) {
    return !base::trim(text).empty();
}

}  // namespace

int status_of(const leg_result& result) {
    return result.error_status != 0 ? result.error_status : result.status;
}

bool is_answer(const leg_result& result, bool hides_reasoning) {
    const auto& d = result.draft;
    if (!d.tool_calls.empty() || d.function_call || is_filled(d.refusal)
        || d.finish_reason == "content_filter") {
        return true;
    }
    if (d.content && !has_list_content(result.body)
        && is_filled(hides_reasoning ? api::strip_in_band_reasoning(*d.content) : *d.content)) {
        return true;
    }
    return is_filled(d.reasoning_content) || is_filled(d.reasoning);
}

base::error failure_of(const request_context& c, const leg_result& result) {
    if (c.cancel.reason() == base::cancel_reason::shutdown) {
        return server_draining();
    }
    if (result.reason == telemetry::call_outcome::non_2xx) {
        auto e = error_of_status(status_of(result), std::max(0, result.retry_after_s), {});
        e.detail = result.detail;
        return e;
    }
    return error_of(result);
}

base::error rejection_of(std::string_view step, std::string_view part) {
    const auto why = "not accepted: " + std::string(part);
    auto e = base::make_error(
        base::error_code_id::cascade_exhausted,
        "The answer of '" + std::string(step) + "' was " + why + '.'
    );
    e.detail = why;
    return e;
}

bool wants_logprobs(const api::chat_request& request) {
    const auto* member = request.find("logprobs");
    return member != nullptr && member->value == "true";
}

void remove_logprobs(leg_result& result) {
    result.draft.logprobs.clear();
    const auto choices = api::find_member(result.body, "choices");
    api::json_cursor in(choices);
    std::string_view choice;
    if (choices.empty() || !in.enter_array() || !in.next_element() || !in.skip(choice)) {
        return;
    }
    if (const auto value = api::find_member(choice, "logprobs"); !value.empty()) {
        result.body.replace(
            static_cast<std::size_t>(value.data() - result.body.data()), value.size(), "null"
        );
    }
}

bool is_interrupted(const leg_result& result) {
    switch (result.reason) {
        case telemetry::call_outcome::cut:
        case telemetry::call_outcome::transport:
        case telemetry::call_outcome::timeout: return true;
        case telemetry::call_outcome::non_2xx:
            return judge_refusal(status_of(result), result.body) == refusal_kind::passing;
        default: return false;
    }
}

std::optional<contract_breach> judge_step(leg_result& result, const step_rules& rules) {
    const auto fail = [&](telemetry::call_outcome reason, const char* detail) {
        result.outcome = leg_outcome::failed;
        result.reason = reason;
        result.detail = detail;
    };
    if (!result.is_answered()) {
        return std::nullopt;
    }
    auto kept = keep_declared_calls(result.draft, rules.policy);
    if (rules.has_begun) {
        return std::move(kept.breach);
    }
    if (!rules.is_streamed && result.body.empty()) {
        fail(telemetry::call_outcome::non_json, "a stream was not asked for");
    } else if (!is_answer(result, rules.hides_reasoning)) {
        const bool is_breach = kept.breach.has_value();
        fail(
            is_breach ? telemetry::call_outcome::undeclared_tool
                      : telemetry::call_outcome::unusable,
            is_breach ? "a call that is not declared" : "the answer has no visible content"
        );
    } else if (kept.is_changed) {
        result.body.clear();
        if (rules.hides_reasoning) {
            api::separate_reasoning(result.draft);
        }
    }
    return std::move(kept.breach);
}

}  // namespace meta_model::dispatch
