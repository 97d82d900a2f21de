#include "dispatch/ensemble_request.hpp"

#include "api/chat_wire.hpp"
#include "api/tool_fields.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace meta_model::dispatch {

namespace {

using base::error_code_id;

struct media {
    std::vector<std::string> labels{
    };  // of parts that cannot be understood, in the order they were seen
    bool image = false;
    bool video = false;
    bool audio = false;
};

bool has_text(std::string_view object, std::string_view key) {
    const auto value = api::find_member(object, key);
    return value.size() > 2 && value.front() == '"';
}

// Spec §6.1. The label of a part that cannot be used, or empty.
std::string judge_part(std::string_view part, media& found) {
    std::string type;
    const auto raw_type = api::find_member(part, "type");
    if (raw_type.empty() || raw_type.front() != '"') {
        return "missing_type";
    }
    if (!api::append_string_value(type, raw_type) || type.empty()) {
        return "missing_type";
    }
    const auto payload = api::find_member(part, type);
    const bool is_object = !payload.empty() && payload.front() == '{';
    if (type == "text") {
        return !payload.empty() && payload.front() == '"' ? "" : "text_malformed";
    }
    if (type == "image_url" || type == "video_url") {
        (type == "image_url" ? found.image : found.video) = true;
        return is_object && has_text(payload, "url")
                   ? ""
                   : type.append(is_object ? "_missing_url" : "_malformed");
    }
    if (type == "input_audio") {
        found.audio = true;
        const bool is_there = has_text(payload, "data") || has_text(payload, "url");
        return !is_object ? "input_audio_malformed" : is_there ? "" : "input_audio_missing_payload";
    }
    return type;
}

media scan(const api::chat_request& request) {
    media found;
    for (const auto& m : request.messages()) {
        if (m.content_type != api::json_type::array) {
            continue;
        }
        api::json_cursor in(m.content, api::json_cursor::depth_limit);
        std::string_view part;
        in.enter_array();
        while (in.next_element() && in.skip(part)) {
            auto label = judge_part(part, found);
            if (!label.empty() && std::ranges::find(found.labels, label) == found.labels.end()) {
                found.labels.push_back(std::move(label));
            }
        }
    }
    return found;
}

}  // namespace

base::maybe_error judge_ensemble_request(const request_context& context) {
    if (const auto judged = api::judge_tools(context.request); !judged) {
        return judged.error();
    }
    const auto* n = context.request.find("n");
    if (n != nullptr && n->value != "1") {
        return base::make_error(
            error_code_id::unsupported_v1, "This model gives one choice only; 'n' must be 1.", "n"
        );
    }
    const auto found = scan(context.request);
    if (!found.labels.empty()) {
        std::string message = "Content parts cannot be used: ";
        bool is_first = true;
        for (const auto& label : found.labels) {
            message.append(is_first ? "" : ", ").append(label);
            is_first = false;
        }
        message += '.';
        return base::make_error(
            error_code_id::unsupported_content_part, std::move(message), "messages"
        );
    }
    const auto refuse = [](error_code_id id, const char* table) {
        std::string message = "This kind of content is not served: ";
        message.append(table).append(" is empty or not available yet.");
        return base::make_error(id, std::move(message));
    };
    if (found.image) {
        return refuse(error_code_id::vision_not_supported, "[vision].endpoints");
    }
    if (found.video) {
        return refuse(error_code_id::video_not_supported, "[video].endpoints");
    }
    if (found.audio) {
        return refuse(error_code_id::audio_not_supported, "[audio].endpoints");
    }
    return std::nullopt;
}

}  // namespace meta_model::dispatch
