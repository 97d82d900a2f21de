// Tools of a Messages request as functions of a chat.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace meta_model::api {

// Appends the function that the raw element `index` of `tools` stands for, behind a comma unless it is the first. The error: a
// 400 that names the field, as in "tools.0.input_schema"; `out` is then of no use.
base::maybe_error append_function(std::string& out, std::string_view raw, std::size_t index);

}  // namespace meta_model::api
