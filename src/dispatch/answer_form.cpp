#include "dispatch/answer_form.hpp"

#include "api/json_cursor.hpp"
#include "api/json_schema.hpp"
#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/final_answer.hpp"
#include "dispatch/prompt_texts.hpp"

namespace meta_model::dispatch {

namespace {

constexpr std::string_view any_object = R"({"type":"object"})";
constexpr std::size_t most_shown_schema = 64u << 10;  // bytes in a prompt; more is not restated

bool is_json(std::string_view text) {
    api::json_cursor in(text, api::json_cursor::depth_limit);
    std::string_view raw;
    return in.skip(raw) && in.at_end();
}

// Empty: no JSON is asked for.
std::string_view schema_within(std::string_view response_format) {
    const auto type = api::find_member(response_format, "type");
    if (api::is_string(type, "json_object")) {
        return any_object;
    }
    if (api::is_string(type, "json_schema")) {
        return api::find_member(api::find_member(response_format, "json_schema"), "schema");
    }
    return {};
}

bool is_json_asked(std::string_view response_format) {
    const auto type = api::find_member(response_format, "type");
    return api::is_string(type, "json_object") || api::is_string(type, "json_schema");
}

}  // namespace

bool has_wished_form(std::string_view text, std::string_view response_format) {
    return !is_json_asked(response_format)
           || api::json_schema(schema_within(response_format)).check(text).verdict
                  == api::schema_verdict::valid;
}

answer_form::answer_form(std::string_view response_format)
    : schema_(schema_within(response_format)), is_asked_(is_json_asked(response_format)) {
}

answer_form form_of(const api::chat_request& request) {
    const auto* format = request.find("response_format");
    return format != nullptr ? answer_form(format->value) : answer_form();
}

std::string answer_form::text_problem(std::string_view text) const {
    if (!is_json(text)) {
        return "not JSON";
    }
    auto checked = schema_.check(text);
    if (checked.verdict != api::schema_verdict::invalid) {
        return {};
    }
    return checked.problem.empty() ? "not what the schema allows" : std::move(checked.problem);
}

std::string answer_form::problem_of(const api::draft& answer) const {
    const bool has_calls = !answer.tool_calls.empty() || answer.function_call;
    const bool is_refused = !answer.refusal.empty() && !api::has_visible_content(answer);
    if (!is_asked_ || has_calls || is_refused) {
        return {};
    }
    return text_problem(base::trim(answer.content.value_or("")));
}

void answer_form::unwrap(api::draft& answer) const {
    if (!is_asked_ || !answer.content || is_met_by(answer)) {
        return;
    }
    const auto inside = fenced_text(*answer.content);
    if (!inside.empty() && text_problem(inside).empty()) {
        answer.content = std::string(inside);
    }
}

std::string answer_form::rules() const {
    if (!is_asked_) {
        return {};
    }
    std::string out(prompt_texts::form_rules);
    const auto schema = schema_.text();
    if (schema == any_object) {
        out += prompt_texts::form_object;
    } else if (!schema.empty() && schema.size() <= most_shown_schema) {
        out += prompt_texts::form_schema;
        out += schema;
        out += '\n';
    }
    out += '\n';
    return out;
}

}  // namespace meta_model::dispatch
