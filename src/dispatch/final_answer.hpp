// Where an answer that reasons in its text says what it comes to.
#pragma once

#include <optional>
#include <string_view>

namespace meta_model::dispatch {

// What the last `\boxed{…}` holds, else the rest of the line behind the last "answer:" or "answer is" (of the next line
// that is not empty, when nothing is left of it). Nothing without such a mark. Without white space around it. Views `text`.
std::optional<std::string_view> marked_answer(std::string_view text);

// What stands in the only code fence of `text`, without the fence's language; empty when there is none, or several.
std::string_view fenced_text(std::string_view text);

// Without white space, quotes and Markdown's marks around it, and without full stops at its end.
std::string_view bare(std::string_view text);

}  // namespace meta_model::dispatch
