// What the parts of messages are: media of which kinds, and what cannot be understood (spec §6.1). Pure.
#pragma once

#include "api/chat_request.hpp"
#include "config/config.hpp"
#include "upstream/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::dispatch {

// Kinds of media. Text is everybody's and never one of them.
class media_set {
public:
    constexpr media_set() = default;
    constexpr explicit media_set(config::modality kind) { add(kind); }

    constexpr void add(config::modality kind) {
        bits_ |= kind == config::modality::text ? 0u : 1u << static_cast<unsigned>(kind);
    }
    constexpr void add(media_set other) { bits_ |= other.bits_; }

    constexpr bool has(config::modality kind) const {
        return (bits_ & 1u << static_cast<unsigned>(kind)) != 0;
    }
    constexpr bool has_all(media_set other) const { return (other.bits_ & ~bits_) == 0; }
    constexpr bool is_empty() const { return bits_ == 0; }
    constexpr media_set without(media_set other) const { return media_set(bits_ & ~other.bits_); }
    constexpr media_set common(media_set other) const { return media_set(bits_ & other.bits_); }

    friend constexpr bool operator==(media_set, media_set) = default;

private:
    constexpr explicit media_set(unsigned bits) : bits_(bits) {}

    unsigned bits_ = 0;
};

// In the order in which they choose a route (spec §6.2).
inline constexpr config::modality media_kinds[] = {
    config::modality::image, config::modality::video, config::modality::audio
};

// What an upstream may be sent besides text.
media_set declared_media(const config::upstream& upstream);

// A part as it lies in a message: raw JSON, empty where there is nothing.
struct content_part {
    config::modality kind = config::modality::text;  // text also of a part of no known type
    std::string_view type{};
    std::string_view text{};
    std::string_view media{};  // of a part with media: the member that is named like its type
};

content_part read_part(std::string_view raw);

// The text of a text part, raw between its quotes; `data()` is null when the part is none.
std::string_view text_of(const content_part& part);

// Calls `visit(raw)` for each part of a message whose content is a list.
template <class Visit>
void for_each_part(const api::request_message& message, const Visit& visit) {
    if (message.content_type != api::json_type::array) {
        return;
    }
    api::json_cursor in(message.content, api::json_cursor::depth_limit);
    std::string_view raw;
    in.enter_array();
    while (in.next_element() && in.skip(raw)) {
        visit(raw);
    }
}

// What a conversation's media weigh.
struct media_weight {
    media_set kinds{};
    std::size_t bytes = 0;    // of their parts in the body
    std::int64_t tokens = 0;  // what models are estimated to make of them
};

struct content_scan {
    std::vector<std::string> labels{};  // of parts that cannot be understood, as first seen
    media_weight all{};
    media_set turn{};  // of the current turn
    std::size_t media_count = 0;
};

// More parts with media than anybody sends; each of them costs memory for each call of a panel.
inline constexpr std::size_t max_media_parts = 2000;

// The position of the first message of the current turn: the user's newest messages, up to what somebody else said before
// them, and everything after them. 0 when the user says nothing.
std::size_t turn_start(const std::vector<api::request_message>& messages);

content_scan scan_content(const api::chat_request& request);

// Adds what one message's `content` holds, raw JSON of any type. Returns its kinds of media.
media_set scan_content_value(std::string_view content, content_scan& into);

// What stands for media of this kind where an upstream must not be sent it.
std::string_view media_note(config::modality kind);

// Appends the edits that put notes in the place of `hidden` media. `removed`: messages that are not sent at all.
void append_media_notes(
    const api::chat_request& request,
    const std::vector<bool>& removed,
    media_set hidden,
    std::vector<upstream::message_edits::edit>& edits
);

// The same for a conversation that is sent as it is. Null when nothing is hidden.
std::shared_ptr<const upstream::message_edits> hide_media(
    const api::chat_request& request, media_set hidden
);

// Bytes of text that cost about as much as a body of `bytes` with these media in it.
std::size_t bytes_as_text(std::size_t bytes, const media_weight& media);

}  // namespace meta_model::dispatch
