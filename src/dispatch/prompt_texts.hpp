// Every text that the gateway itself says to a model. Plain substitution, no templates: model text never becomes
// instruction.
#pragma once

#include <string_view>

namespace meta_model::dispatch::prompt_texts {

extern const std::string_view task;              // opens the synthesizer's added message
extern const std::string_view grounded_rules;    // the conversation holds results of tools
extern const std::string_view ungrounded_rules;  // it does not
extern const std::string_view drafts_heading;
extern const std::string_view contract;         // closes it
extern const std::string_view calls_rules;      // candidates propose tool calls
extern const std::string_view calls_free;       // what the request allows: calls or text
extern const std::string_view calls_needed;     // at least one call
extern const std::string_view calls_forced;     // only calls of the tool whose name follows
extern const std::string_view calls_single;     // one call at most
extern const std::string_view calls_contract;   // closes it in place of `contract`
extern const std::string_view form_rules;       // the answer has to be JSON
extern const std::string_view form_object;      // and an object
extern const std::string_view form_schema;      // and keep to the schema that follows
extern const std::string_view repair_task;      // opens the message that asks for a repair of one
extern const std::string_view repair_problem;   // before what is wrong with it
extern const std::string_view repair_contract;  // closes it
extern const std::string_view judge_task;       // opens the message for the judge of best-of
extern const std::string_view judge_contract;   // closes it
extern const std::string_view tie_task;         // opens the message for the judge of a tied vote
extern const std::string_view tie_contract;     // closes it
extern const std::string_view grade_task;  // opens the message that asks for a grade of one answer
extern const std::string_view grade_contract;  // closes it
extern const std::string_view continuation;    // behind an answer that was cut

}  // namespace meta_model::dispatch::prompt_texts
