// The lists of those who take part in a panel: generators of a moa, upstreams of a vote.
#pragma once

#include "config/field.hpp"

#include <string>
#include <vector>

namespace meta_model::config {

enum class panel_kind { drafts, votes };

// `["a", { upstream = "b", weight = 2.0, samples = 3 }, …]` into the two lists, which stay equally long. Returns how many
// calls a request makes; more than max_panel_calls are reported.
int read_members(
    const field& list,
    panel_kind kind,
    std::vector<std::string>& upstreams,
    std::vector<panel_member>& members
);

}  // namespace meta_model::config
