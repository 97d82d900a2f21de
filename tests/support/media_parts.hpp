// Content parts of user messages as chat requests write them: text, images, video, audio.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace meta_model::support {

inline nlohmann::json text_part(const std::string& text) {
    return {{"type", "text"}, {"text", text}};
}

inline nlohmann::json image_part(const std::string& url = "data:image/png;base64,AAAA") {
    return {{"type", "image_url"}, {"image_url", {{"url", url}}}};
}

inline nlohmann::json video_part() {
    return {{"type", "video_url"}, {"video_url", {{"url", "http://x/1.mp4"}}}};
}

inline nlohmann::json audio_part() {
    return {{"type", "input_audio"}, {"input_audio", {{"data", "AAAA"}, {"format", "wav"}}}};
}

inline nlohmann::json user_parts(const std::vector<nlohmann::json>& parts) {
    return {{"role", "user"}, {"content", parts}};
}

}  // namespace meta_model::support
