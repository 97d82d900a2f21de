#include "dispatch/cascade_rule.hpp"

#include "api/json_cursor.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace meta_model::dispatch {

namespace {

// `code` or `type` of OpenAI, Azure, llama.cpp and others, lower-cased.
constexpr std::array<std::string_view, 3> context_codes{
    "context_length_exceeded",
    "exceed_context_size_error",
    "context_window_exceeded",
};
constexpr std::array<std::string_view, 4> filter_codes{
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "moderation_blocked",
};
// Parts of the messages that servers without such codes write, lower-cased.
constexpr std::array<std::string_view, 13> context_phrases{
    "context length",
    "context window",
    "context size",
    "maximum context",
    "maximum model length",
    "max_model_len",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "input length",
    "too many tokens",
    "exceeds the maximum number of tokens",
    "reduce the length of the messages",
};
constexpr std::array<std::string_view, 5> filter_phrases{
    "content management policy",
    "content filter",
    "content policy",
    "input was flagged",
    "safety system",
};

// Statuses of refusals that are not about the request: credentials, payment, rights, time, conflict, quota.
constexpr std::array passing_statuses{401, 402, 403, 407, 408, 409, 425, 429};
// Of these, the ones that never speak of the prompt, whatever their message says ("too many tokens per minute").
constexpr std::array never_about_prompt{401, 402, 407, 408, 409, 425, 429};

template <std::size_t N>
bool contains_any(std::string_view text, const std::array<std::string_view, N>& parts) {
    return std::ranges::any_of(parts, [&](auto part) {
        return text.find(part) != std::string_view::npos;
    });
}

template <std::size_t N>
bool is_one_of(std::string_view raw_json_string, const std::array<std::string_view, N>& words) {
    if (raw_json_string.size() < 2 || raw_json_string.front() != '"') {
        return false;
    }
    const auto word = base::ascii_lower(raw_json_string.substr(1, raw_json_string.size() - 2));
    return std::ranges::find(words, word) != words.end();
}

// The object that holds message, code and type: `error`, or the body itself where a server writes them at the top.
std::string_view error_object(std::string_view body) {
    const auto error = api::find_member(body, "error");
    return error.starts_with('{') ? error : body;
}

}  // namespace

std::string_view refusal_text(std::string_view body) {
    const auto text_of = [](std::string_view raw) {
        return raw.size() > 2 && raw.front() == '"' ? raw.substr(1, raw.size() - 2)
                                                    : std::string_view{};
    };
    const auto object = error_object(body);
    for (const auto raw :
         {api::find_member(object, "message"),
          api::find_member(body, "error"),
          api::find_member(body, "detail")}) {
        if (const auto text = text_of(raw); !text.empty()) {
            return text;
        }
    }
    return {};
}

refusal_kind judge_refusal(int status, std::string_view body) {
    const auto object = error_object(body);
    const auto code = api::find_member(object, "code");
    const auto type = api::find_member(object, "type");
    const auto inner = api::find_member(api::find_member(object, "innererror"), "code");
    if (is_one_of(code, context_codes) || is_one_of(type, context_codes)) {
        return refusal_kind::context_length;
    }
    if (is_one_of(code, filter_codes) || is_one_of(type, filter_codes)
        || is_one_of(inner, filter_codes)) {
        return refusal_kind::content_filter;
    }
    const bool may_be_about_prompt =
        std::ranges::find(never_about_prompt, status) == never_about_prompt.end();
    if (may_be_about_prompt) {
        constexpr std::size_t most_text_bytes = 4096;
        const auto text = base::ascii_lower(refusal_text(body).substr(0, most_text_bytes));
        if (contains_any(text, context_phrases)) {
            return refusal_kind::context_length;
        }
        if (contains_any(text, filter_phrases)) {
            return refusal_kind::content_filter;
        }
    }
    const bool is_client_error = status >= 400 && status <= 499;
    const bool is_passing = std::ranges::find(passing_statuses, status) != passing_statuses.end();
    return is_client_error && !is_passing ? refusal_kind::caller : refusal_kind::passing;
}

std::size_t next_step(const std::vector<step_facts>& steps, std::size_t from, int refused_context) {
    while (from < steps.size()
           && (!steps[from].is_available || steps[from].context <= refused_context)) {
        ++from;
    }
    return std::min(from, steps.size());
}

}  // namespace meta_model::dispatch
