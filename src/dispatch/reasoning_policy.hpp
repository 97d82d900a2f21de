// Hides reasoning in a whole chat completion that is otherwise passed on as it is (spec §5.6.4).
#pragma once

#include "api/span_edits.hpp"

#include <string_view>

namespace meta_model::dispatch {

// Adds the edits that strip in-band reasoning, move reasoning into a content that would be empty, and remove the
// reasoning members of every choice's message. A body without choices is left alone.
void hide_reasoning(std::string_view body, api::span_edits& edits);

}  // namespace meta_model::dispatch
