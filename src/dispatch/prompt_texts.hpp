// Every text that the gateway itself says to a model. Plain substitution, no templates: model text never becomes
// instruction.
#pragma once

#include <string_view>

namespace meta_model::dispatch::prompt_texts {

extern const std::string_view task;              // opens the synthesizer's added message
extern const std::string_view grounded_rules;    // the conversation holds results of tools
extern const std::string_view ungrounded_rules;  // it does not
extern const std::string_view drafts_heading;
extern const std::string_view contract;      // closes it
extern const std::string_view tie_task;      // opens the message for the judge of a tied vote
extern const std::string_view tie_contract;  // closes it
// Asks for a grade of one answer, which stands between them.
extern const std::string_view grade_task;
extern const std::string_view grade_contract;
extern const std::string_view continuation;  // behind an answer that was cut

}  // namespace meta_model::dispatch::prompt_texts
