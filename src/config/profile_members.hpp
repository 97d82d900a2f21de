// Whom a profile asks for its answers.
#pragma once

#include "config/config.hpp"

#include <string>
#include <vector>

namespace meta_model::config {

// Keys of upstreams and names of profiles: its generators, voters or steps; none of a passthrough, which is no ensemble.
// Generators and voters stand where profile::members has theirs.
std::vector<std::string> member_names(const profile& p);

}  // namespace meta_model::config
