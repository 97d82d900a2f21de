#include "dispatch/content_parts.hpp"

#include "api/chat_wire.hpp"
#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/message_estimate.hpp"

#include <algorithm>
#include <array>

namespace meta_model::dispatch {

namespace {

using api::role;
using config::modality;

// By position in media_kinds.
constexpr std::array<std::string_view, 3> type_names{"image_url", "video_url", "input_audio"};

constexpr std::size_t most_labels = 32;
constexpr std::size_t most_label_bytes = 64;

bool is_text(std::string_view raw) {
    return raw.size() >= 2 && raw.front() == '"';
}

bool has_text(std::string_view object, std::string_view key) {
    const auto value = api::find_member(object, key);
    return is_text(value) && value.size() > 2;
}

std::string label_of_media(const content_part& part) {
    const auto at = std::ranges::find(media_kinds, part.kind) - std::begin(media_kinds);
    std::string name(type_names[static_cast<std::size_t>(at)]);
    if (!part.media.starts_with('{')) {
        return name + "_malformed";
    }
    if (part.kind == modality::audio) {
        const bool is_there = has_text(part.media, "data") || has_text(part.media, "url");
        return is_there ? std::string() : name + "_missing_payload";
    }
    return has_text(part.media, "url") ? std::string() : name + "_missing_url";
}

// Empty for a part that can be used.
std::string label_of(const content_part& part) {
    std::string type;
    if (!is_text(part.type) || !api::append_string_value(type, part.type) || type.empty()) {
        return "missing_type";
    }
    if (type == "text") {
        return is_text(part.text) ? "" : "text_malformed";
    }
    return part.kind == modality::text ? base::clip(type, most_label_bytes) : label_of_media(part);
}

void add_label(std::string label, content_scan& into) {
    auto& all = into.labels;
    if (!label.empty() && all.size() < most_labels && std::ranges::find(all, label) == all.end()) {
        all.push_back(std::move(label));
    }
}

bool is_users_side(role r) {
    return r == role::user || r == role::system || r == role::developer;
}

}  // namespace

media_set declared_media(const config::upstream& upstream) {
    media_set out;
    for (const auto kind : upstream.modalities) {
        out.add(kind);
    }
    return out;
}

content_part read_part(std::string_view raw) {
    content_part out;
    std::array<std::string_view, type_names.size()> media;
    api::json_cursor in(raw, api::json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    if (in.peek() != api::json_type::object) {
        return out;
    }
    in.enter_object();
    while (in.next_member(key) && in.skip(value)) {
        if (api::stands_for(key, "type")) {
            out.type = value;
        } else if (api::stands_for(key, "text")) {
            out.text = value;
        }
        for (std::size_t i = 0; i < media.size(); ++i) {
            if (api::stands_for(key, type_names[i])) {
                media[i] = value;
            }
        }
    }
    for (std::size_t i = 0; i < media.size(); ++i) {
        if (api::is_string(out.type, type_names[i])) {
            out.kind = media_kinds[i];
            out.media = media[i];
        }
    }
    return out;
}

std::string_view text_of(const content_part& part) {
    return api::is_string(part.type, "text") && is_text(part.text)
               ? part.text.substr(1, part.text.size() - 2)
               : std::string_view{};
}

std::size_t turn_start(const std::vector<api::request_message>& messages) {
    auto user = messages.size();
    while (user > 0 && messages[user - 1].role != role::user) {
        --user;
    }
    if (user == 0) {
        return 0;
    }
    auto start = user - 1;
    for (auto i = start; i > 0 && is_users_side(messages[i - 1].role); --i) {
        start = messages[i - 1].role == role::user ? i - 1 : start;
    }
    return start;
}

media_set scan_content_value(std::string_view content, content_scan& into) {
    media_set kinds;
    if (content.empty() || content == "null" || content.front() == '"') {
        return kinds;
    }
    if (content.front() != '[') {
        add_label("malformed_content", into);
        return kinds;
    }
    api::json_cursor in(content, api::json_cursor::depth_limit);
    std::string_view raw;
    in.enter_array();
    while (in.next_element() && in.skip(raw)) {
        if (raw.front() != '{') {
            add_label("malformed_part", into);
            continue;
        }
        const auto part = read_part(raw);
        add_label(label_of(part), into);
        if (part.kind != modality::text) {
            kinds.add(part.kind);
            ++into.media_count;
            into.all.bytes += raw.size();
            into.all.tokens += estimate_part_tokens(part);
        }
    }
    into.all.kinds.add(kinds);
    return kinds;
}

content_scan scan_content(const api::chat_request& request) {
    content_scan out;
    const auto& messages = request.messages();
    const auto start = turn_start(messages);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const auto kinds = scan_content_value(messages[i].content, out);
        if (i >= start) {
            out.turn.add(kinds);
        }
    }
    return out;
}

std::string_view media_note(modality kind) {
    switch (kind) {
        case modality::image: return "[An image was here that this model cannot see.]";
        case modality::video: return "[A video was here that this model cannot see.]";
        case modality::audio: return "[A recording was here that this model cannot hear.]";
        case modality::text: break;
    }
    return {};
}

void append_media_notes(
    const api::chat_request& request,
    const std::vector<bool>& removed,
    media_set hidden,
    std::vector<upstream::message_edits::edit>& edits
) {
    const auto& messages = request.messages();
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (removed[i]) {
            continue;
        }
        for_each_part(messages[i], [&](std::string_view raw) {
            const auto part = read_part(raw);
            if (!hidden.has(part.kind)) {
                return;
            }
            const auto at = static_cast<std::size_t>(raw.data() - request.body().data());
            std::string note = R"({"type":"text","text":")";
            note.append(media_note(part.kind)).append("\"}");
            edits.push_back({at, at + raw.size(), std::move(note)});
        });
    }
}

std::shared_ptr<const upstream::message_edits> hide_media(
    const api::chat_request& request, media_set hidden
) {
    if (hidden.is_empty()) {
        return nullptr;
    }
    auto out = std::make_shared<upstream::message_edits>();
    out->removed.assign(request.messages().size(), false);
    append_media_notes(request, out->removed, hidden, out->edits);
    return out;
}

std::size_t bytes_as_text(std::size_t bytes, const media_weight& media) {
    if (bytes < media.bytes) {
        return bytes;
    }
    return bytes - media.bytes + static_cast<std::size_t>(media.tokens) * 28 / 10;
}

}  // namespace meta_model::dispatch
