// What the request's `response_format` asks of an answer, and whether a draft or a synthesis keeps to it.
#pragma once

#include "api/chat_request.hpp"
#include "api/json_schema.hpp"
#include "api/message.hpp"

#include <string>
#include <string_view>

namespace meta_model::dispatch {

class answer_form {
public:
    // No form: every answer keeps to it.
    answer_form() = default;
    // `response_format` as JSON text, which outlives the form. Empty, null, and types that are no JSON ask for none.
    explicit answer_form(std::string_view response_format);

    bool is_asked() const { return is_asked_; }

    // Empty for an answer that keeps to the form; else what is wrong with it, for a repair and for logs, without text of
    // the model. Calls and refusals are no JSON and need not be. A schema that cannot be decided asks for JSON only.
    std::string problem_of(const api::draft& answer) const;
    bool is_met_by(const api::draft& answer) const { return problem_of(answer).empty(); }

    // Models like to put JSON into a code fence. Takes it out where only that makes it keep to the form.
    void unwrap(api::draft& answer) const;

    // The form in words and, with a schema, as JSON, for the one who writes the answer. Empty: none was asked for.
    std::string rules() const;

private:
    std::string text_problem(std::string_view text) const;

    api::json_schema schema_{};
    bool is_asked_ = false;
};

answer_form form_of(const api::chat_request& request);

// True when `text` certainly is what `response_format` asks for: what a gate wants to know.
bool has_wished_form(std::string_view text, std::string_view response_format);

}  // namespace meta_model::dispatch
