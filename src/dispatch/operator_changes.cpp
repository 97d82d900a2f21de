#include "dispatch/operator_changes.hpp"

#include "api/json_text.hpp"

namespace meta_model::dispatch {

upstream::body_changes operator_changes(const config::gateway_config& config) {
    upstream::body_changes changes;
    if (!config.server.system_prompt.empty()) {
        changes.leading_message = R"({"role":"system","content":)";
        api::append_json_string(changes.leading_message, config.server.system_prompt);
        changes.leading_message += '}';
    }
    return changes;
}

}  // namespace meta_model::dispatch
