// What the legs of a MoA are asked: changes to the client's own body.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <string_view>
#include <vector>

namespace meta_model::dispatch {

upstream::body_changes generator_changes(const request_context& context, const upstream::upstream_state& generator);

// `drafts`: their texts, in the order in which they are shown.
upstream::body_changes synthesizer_changes(const request_context& context, const std::vector<std::string_view>& drafts);

}  // namespace meta_model::dispatch
