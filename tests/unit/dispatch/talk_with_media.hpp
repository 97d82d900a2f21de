// Conversations with images, video and audio.
#pragma once

#include "unit/dispatch/planned_talk.hpp"

#include <string>

namespace meta_model::dispatch {

inline json text_part(const std::string& text) {
    return {{"type", "text"}, {"text", text}};
}

inline json image_part(const std::string& url = "http://x/1.png") {
    return {{"type", "image_url"}, {"image_url", {{"url", url}}}};
}

inline json video_part() {
    return {{"type", "video_url"}, {"video_url", {{"url", "http://x/1.mp4"}}}};
}

inline json audio_part() {
    return {{"type", "input_audio"}, {"input_audio", {{"data", "AAAA"}, {"format", "wav"}}}};
}

inline json user_parts(const std::vector<json>& parts) {
    return {{"role", "user"}, {"content", parts}};
}

}  // namespace meta_model::dispatch
