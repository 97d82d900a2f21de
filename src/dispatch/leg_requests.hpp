// What every leg of an ensemble is asked with, whatever its part: changes to the client's own body.
#pragma once

#include "dispatch/request_context.hpp"
#include "upstream/prepare.hpp"

#include <string>

namespace meta_model::dispatch {

// The operator's prompt; streamed or not as the upstream is set; one choice; no tools where the profile strips them.
upstream::body_changes leg_changes(const request_context& c, const upstream::upstream_state& u);

// Lowers an explicit wish for output to what the upstream can write.
void cap_output(const request_context& c, upstream::body_changes& changes, int max_output);

std::string number_json(double value);

}  // namespace meta_model::dispatch
