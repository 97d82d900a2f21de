#include "dispatch/ensemble_request.hpp"

#include "api/tool_fields.hpp"

#include <string>

namespace meta_model::dispatch {

using base::error_code_id;

base::maybe_error judge_ensemble_request(
    const api::chat_request& request, const content_scan& content
) {
    if (const auto judged = api::judge_tools(request); !judged) {
        return judged.error();
    }
    const auto* n = request.find("n");
    if (n != nullptr && n->value != "1") {
        return base::make_error(
            error_code_id::unsupported_v1, "This model gives one choice only; 'n' must be 1.", "n"
        );
    }
    if (content.media_count > max_media_parts) {
        return base::make_error(
            error_code_id::unsupported_content_part,
            "There are more than " + std::to_string(max_media_parts) + " parts with media.",
            "messages"
        );
    }
    if (content.labels.empty()) {
        return std::nullopt;
    }
    std::string message = "Content parts cannot be used: ";
    bool is_first = true;
    for (const auto& label : content.labels) {
        message.append(is_first ? "" : ", ").append(label);
        is_first = false;
    }
    message += '.';
    return base::make_error(
        error_code_id::unsupported_content_part, std::move(message), "messages"
    );
}

}  // namespace meta_model::dispatch
