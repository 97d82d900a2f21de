// Which draft speaks for the panel when there is no synthesis: the best one, not the first one.
#pragma once

#include "api/message.hpp"

#include <vector>

namespace meta_model::dispatch {

struct rank_input {
    const api::draft* draft = nullptr;
    bool is_schema_valid = true;  // true when no schema was asked for
    bool is_partial = false;      // what was there when its leg was cancelled
};

// Lexicographic: schema-valid; finish stop or tool_calls before length before others; whole before partial; mean 3-gram
// Jaccard similarity to the other drafts (rounded to 0.05); distance of the length from the median; position.
// `inputs` must not be empty. Text and calls both count; only the first 8 KiB of a draft are compared.
std::size_t best_draft_index(const std::vector<rank_input>& inputs);

// The draft that is most like the others (mean 3-gram Jaccard similarity), the first of several. `drafts` must not be empty.
std::size_t medoid_index(const std::vector<const api::draft*>& drafts);

}  // namespace meta_model::dispatch
