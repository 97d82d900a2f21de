// The configuration that `--demo` serves: upstreams that answer by themselves and one profile of each kind.
#pragma once

#include <string_view>

namespace meta_model::config {

// TOML text for load(). It names no file, variable or secret, so it loads anywhere.
std::string_view demo_config();

}  // namespace meta_model::config
