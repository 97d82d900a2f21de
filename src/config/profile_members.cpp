#include "config/profile_members.hpp"

namespace meta_model::config {

std::vector<std::string> member_names(const profile& p) {
    switch (p.type) {
        case profile_type::passthrough: return {};
        case profile_type::moa: return p.generators;
        default: break;
    }
    auto out = p.upstreams;
    for (const auto& step : p.steps) {
        out.push_back(step.use);
    }
    return out;
}

}  // namespace meta_model::config
