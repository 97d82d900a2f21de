// `steps` of a cascade: `[{ use = "name", accept = { … } }, …]`.
#pragma once

#include "config/field.hpp"

namespace meta_model::config {

void read_cascade_steps(const field& list, std::vector<cascade_step>& into);

}  // namespace meta_model::config
