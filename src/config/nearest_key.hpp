// Finds what a misspelt key was probably meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace meta_model::config {

// "; did you mean 'context'?" with the nearest of `known`, or nothing when none is close enough to be a slip.
std::string did_you_mean(std::string_view written, std::span<const std::string_view> known);

}  // namespace meta_model::config
