// The X-MetaModel-… header lines of a reply (spec §2.5).
#pragma once

#include "dispatch/request_context.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::dispatch {

void append_header(std::string& lines, std::string_view name, std::string_view value);
void append_header(std::string& lines, std::string_view name, std::int64_t value);

// Profile, Compacted-N, Prompt-Tokens-In, Prompt-Tokens-Out and Tools-Tokens: facts that are known before any call.
// Nothing is compacted yet, so In and Out are equal.
void append_plan_headers(request_context& context);

}  // namespace meta_model::dispatch
