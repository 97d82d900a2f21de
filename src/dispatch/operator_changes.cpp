#include "dispatch/operator_changes.hpp"

#include "api/json_text.hpp"

namespace meta_model::dispatch {

upstream::body_changes operator_changes(
    const request_context& context, const upstream::upstream_state& upstream
) {
    upstream::body_changes changes;
    const auto& prompt = context.config.server.system_prompt;
    if (!prompt.empty() && context.target.nested_in(upstream) == nullptr) {
        changes.leading_message = R"({"role":"system","content":)";
        api::append_json_string(changes.leading_message, prompt);
        changes.leading_message += '}';
    }
    return changes;
}

}  // namespace meta_model::dispatch
