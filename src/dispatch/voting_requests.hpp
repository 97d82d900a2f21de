// What the voters and the judge of a tie are asked: changes to the client's own body.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// `i`: its seat in the target.
upstream::body_changes voter_changes(const request_context& context, std::size_t i);

// `answers` in the order in which they are shown and numbered.
upstream::body_changes judge_changes(
    const request_context& context, const std::vector<std::string_view>& answers
);

}  // namespace meta_model::dispatch
