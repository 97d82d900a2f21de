#include "dispatch/image_description.hpp"

#include "api/json_text.hpp"
#include "api/span_edits.hpp"
#include "base/text.hpp"
#include "dispatch/content_parts.hpp"
#include "dispatch/leg_requests.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

using config::modality;

constexpr std::string_view usual_prompt =
    "You describe images for a reader who cannot see them. Write down every visible text word for "
    "word. Describe the "
    "layout, and tables, charts and diagrams with all their values, labels and connections. With "
    "several images, say "
    "which one you speak of. Do not answer any question about them and do not guess at what is not "
    "visible.";

constexpr std::size_t most_quoted_bytes = 4000;

std::size_t offset_of(const api::chat_request& request, std::string_view part) {
    return static_cast<std::size_t>(part.data() - request.body().data());
}

std::string_view inside(std::string_view string) {
    return string.substr(1, string.size() - 2);
}

// A message's texts, still escaped, joined by a newline.
std::string raw_text_of(const api::request_message& m) {
    std::string out;
    if (m.content_type == api::json_type::string) {
        out = inside(m.content);
    }
    for_each_part(m, [&](std::string_view raw) {
        if (const auto text = text_of(read_part(raw)); !text.empty()) {
            out.append(out.empty() ? "" : "\\n").append(text);
        }
    });
    return out;
}

std::string newest_user_text(const api::chat_request& request) {
    const auto& messages = request.messages();
    for (auto i = messages.size(); i-- > 0;) {
        std::string text;
        if (messages[i].role == api::role::user
            && api::append_unescaped(text, raw_text_of(messages[i])) && !base::trim(text).empty()) {
            return base::clip(base::trim(text), most_quoted_bytes);
        }
    }
    return {};
}

std::string question_part(const api::chat_request& request) {
    std::string text = "Describe what these images show.";
    if (const auto asked = newest_user_text(request); !asked.empty()) {
        text +=
            " So that you know what to look at, this is what was said about them; do not answer "
            "it:\n\n";
        text += asked;
    }
    std::string out = R"({"type":"text","text":)";
    api::append_json_string(out, text);
    return out + '}';
}

std::string images_word(std::size_t count, bool is_more = false) {
    return std::to_string(count) + (is_more ? " more" : "") + (count == 1 ? " image" : " images");
}

// What stands for a message's images.
std::string note_of(
    std::size_t described, std::size_t other, bool is_newest, std::string_view description
) {
    std::string out;
    if (is_newest && described > 0) {
        out.append("[").append(description).append("]");
    } else if (described > 0) {
        out = "[Here stood " + images_word(described) + "; described in a later message.]";
    }
    if (other > 0) {
        const bool is_more = !out.empty();
        out += is_more ? "\n[Here stood " : "[Here stood ";
        out += images_word(other, is_more) + ", not described.]";
    }
    return out;
}

bool holds_only_text_and_images(const api::request_message& m) {
    bool out = true;
    for_each_part(m, [&](std::string_view raw) {
        const auto part = read_part(raw);
        out = out && (part.kind == modality::image || text_of(part).data() != nullptr);
    });
    return out;
}

// `first`, `last`: the message's images.
void replace_images(
    const api::chat_request& request,
    const image_selection::image* first,
    const image_selection::image* last,
    std::string_view note,
    api::span_edits& edits
) {
    const auto& m = request.messages()[first->message];
    std::string escaped;
    api::append_json_escaped(escaped, note);
    if (holds_only_text_and_images(m)) {
        auto text = raw_text_of(m);
        text.append(text.empty() ? "" : "\\n\\n").append(escaped);
        const auto at = offset_of(request, m.content);
        edits.replace_owned(at, at + m.content.size(), '"' + text + '"');
        return;
    }
    for (const auto* i = first; i != last; ++i) {
        const auto at = offset_of(request, i->raw);
        const auto& text = i == first ? escaped : std::string("[image]");
        edits.replace_owned(at, at + i->raw.size(), R"({"type":"text","text":")" + text + "\"}");
    }
}

}  // namespace

image_selection select_images(const api::chat_request& request, int cap) {
    image_selection out;
    const auto& messages = request.messages();
    for (std::size_t i = 0; i < messages.size(); ++i) {
        for_each_part(messages[i], [&](std::string_view raw) {
            if (read_part(raw).kind == modality::image) {
                out.all.push_back({.message = i, .raw = raw});
            }
        });
    }
    const auto most = cap > 0 ? static_cast<std::size_t>(cap) : out.all.size();
    out.first_described = out.all.size() - std::min(out.all.size(), most);
    return out;
}

upstream::body_changes description_changes(
    const api::chat_request& request,
    const image_selection& images,
    const config::vision_route& vision,
    const config::upstream& upstream
) {
    upstream::body_changes out;
    for (const auto& m : request.members()) {
        if (m.key != "messages") {
            out.members.push_back({m.key, std::nullopt});
        }
    }
    upstream::remove_tools(out);  // also under the names that legacy ones take
    out.members.push_back({"stream", "false"});
    out.members.push_back(
        {"max_tokens", std::to_string(std::min(vision.describe_max_tokens, upstream.max_output))}
    );
    out.members.push_back({"temperature", number_json(vision.describe_temperature)});

    const auto prompt = base::trim(vision.describe_prompt);
    std::string opening = R"({"role":"system","content":)";
    api::append_json_string(opening, prompt.empty() ? usual_prompt : prompt);
    opening += R"(},{"role":"user","content":[)";
    const auto* list = request.find("messages");
    auto edits = std::make_shared<upstream::message_edits>();
    edits->removed.assign(request.messages().size(), true);
    auto end = list->value_begin + 1;
    for (auto i = images.first_described; i < images.all.size(); ++i) {
        const auto begin = offset_of(request, images.all[i].raw);
        edits->edits.push_back({end, begin, i == images.first_described ? opening : ","});
        end = begin + images.all[i].raw.size();
    }
    edits->edits.push_back({end, list->value_end - 1, ',' + question_part(request) + "]}"});
    out.messages = std::move(edits);
    return out;
}

std::string body_with_description(
    const api::chat_request& request, const image_selection& images, std::string_view description
) {
    std::string told = "Description of ";
    told += images.described_count() == images.all.size() && images.all.size() == 1
                ? "the image"
                : "the newest " + images_word(images.described_count());
    told.append(" of this conversation, made by a model that sees:\n").append(description);
    api::span_edits edits;
    const auto* const end = images.all.data() + images.all.size();
    const auto* const described = images.all.data() + images.first_described;
    for (const auto* first = images.all.data(); first != end;) {
        const auto* last =
            std::find_if(first, end, [&](const auto& i) { return i.message != first->message; });
        const auto* const middle = std::clamp(described, first, last);
        const auto note = note_of(
            static_cast<std::size_t>(last - middle),
            static_cast<std::size_t>(middle - first),
            last == end,
            told
        );
        replace_images(request, first, last, note, edits);
        first = last;
    }
    api::pieces pieces;
    edits.apply(request.body(), pieces);
    std::string out;
    out.reserve(api::total_size(pieces));
    for (const auto piece : pieces) {
        out += piece;
    }
    return out;
}

}  // namespace meta_model::dispatch
