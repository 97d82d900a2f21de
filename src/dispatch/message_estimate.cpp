#include "dispatch/message_estimate.hpp"

#include "api/json_text.hpp"
#include "dispatch/text_cut.hpp"
#include "dispatch/token_estimate.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

constexpr std::int64_t message_frame_tokens = 4;
constexpr std::int64_t call_frame_tokens = 10;

// An image of usual size as the larger vision models tile it, and one that is only glanced at.
constexpr std::int64_t image_tokens = 765;
constexpr std::int64_t small_image_tokens = 85;
constexpr std::int64_t video_tokens = 4096;
constexpr std::int64_t unknown_audio_tokens = 600;  // a minute
// Ten tokens a second of sound: wave files at 16 kHz and 16 bits, packed ones at 64 kbit/s.
constexpr std::size_t wave_bytes_a_token = 3200;
constexpr std::size_t packed_bytes_a_token = 800;
constexpr std::int64_t note_tokens = 20;  // what stands for hidden media; no media cost less

// `{"role":,"content":}`, and the shortest member that makes a message more than that.
constexpr std::size_t plain_frame_bytes = 20;
constexpr std::size_t shortest_call_bytes = 17;

std::string_view inside(std::string_view string) {
    return string.substr(1, string.size() - 2);
}

bool is_text(std::string_view raw) {
    return raw.size() >= 2 && raw.front() == '"';
}

template <class Visit>
void for_each_element(std::string_view list, const Visit& visit) {
    api::json_cursor in(list, api::json_cursor::depth_limit);
    std::string_view element;
    if (in.peek() != api::json_type::array) {
        return;
    }
    in.enter_array();
    while (in.next_element() && in.skip(element)) {
        visit(element);
    }
}

struct content_size {
    std::size_t bytes = 0;
    std::int64_t media_tokens = 0;
};

content_size size_of_content(const api::request_message& m, media_set hidden) {
    content_size out;
    if (m.content_type == api::json_type::string) {
        out.bytes = decoded_bytes(inside(m.content));
    }
    bool is_first = true;
    for_each_part(m, [&](std::string_view raw) {
        const auto part = read_part(raw);
        out.media_tokens += hidden.has(part.kind) ? note_tokens : estimate_part_tokens(part);
        if (const auto text = text_of(part); text.data() != nullptr) {
            out.bytes += decoded_bytes(text) + (is_first ? 0 : 1);
            is_first = false;
        }
    });
    return out;
}

std::size_t size_of_arguments(std::string_view arguments) {
    return is_text(arguments) ? decoded_bytes(inside(arguments)) : arguments.size();
}

// The function of a call: name and arguments, raw.
struct function_fields {
    std::string_view name{};
    std::string_view arguments{};
};

function_fields function_of(std::string_view function) {
    return {api::find_member(function, "name"), api::find_member(function, "arguments")};
}

call_shape shape_of_call(std::string_view id, const function_fields& function) {
    call_shape out;
    out.id = is_text(id) ? id : std::string_view{};
    out.name = is_text(function.name) ? function.name : std::string_view{};
    out.name_bytes = out.name.empty() ? 0 : decoded_bytes(inside(out.name));
    out.argument_bytes = size_of_arguments(function.arguments);
    return out;
}

// The raw members that a plain message has not.
struct call_members {
    std::string_view tool_calls{};
    std::string_view function_call{};
    std::string_view tool_call_id{};
};

call_members read_call_members(const api::request_message& m) {
    call_members out;
    if (is_plain(m)) {
        return out;
    }
    api::json_cursor in(m.raw, api::json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    in.enter_object();
    while (in.next_member(key) && in.skip(value)) {
        if (api::stands_for(key, "tool_calls")) {
            out.tool_calls = value;
        } else if (api::stands_for(key, "function_call")) {
            out.function_call = value;
        } else if (api::stands_for(key, "tool_call_id")) {
            out.tool_call_id = value;
        }
    }
    return out;
}

void add_text(std::vector<message_text>& out, std::string_view arguments, std::size_t call) {
    if (is_text(arguments)) {
        const auto raw = inside(arguments);
        out.push_back({message_text::kind::argument_string, raw, decoded_bytes(raw), call});
    } else if (!arguments.empty()) {
        out.push_back({message_text::kind::argument_value, arguments, arguments.size(), call});
    }
}

}  // namespace

std::int64_t estimate_plain_message(std::size_t role_bytes, std::size_t content_bytes) {
    return estimate_text_tokens(content_bytes) + estimate_text_tokens(role_bytes)
           + message_frame_tokens;
}

std::int64_t estimate_message_tokens(const message_shape& shape) {
    auto out = estimate_plain_message(shape.role_bytes, shape.content_bytes) + shape.media_tokens;
    for (const auto& call : shape.calls) {
        out += estimate_text_tokens(call.name_bytes) + estimate_text_tokens(call.argument_bytes)
               + call_frame_tokens;
    }
    return out;
}

bool is_plain(const api::request_message& m) {
    return m.content_type != api::json_type::invalid
           && m.raw.size()
                  < m.content.size() + m.role_raw.size() + plain_frame_bytes + shortest_call_bytes;
}

std::int64_t estimate_part_tokens(const content_part& part) {
    switch (part.kind) {
        case config::modality::text: return 0;
        case config::modality::image:
            return api::is_string(api::find_member(part.media, "detail"), "low")
                       ? small_image_tokens
                       : image_tokens;
        case config::modality::video: return video_tokens;
        case config::modality::audio: break;
    }
    const auto data = api::find_member(part.media, "data");
    if (data.size() <= 2) {
        return unknown_audio_tokens;
    }
    const auto format = api::find_member(part.media, "format");
    const bool is_wave = api::is_string(format, "wav") || api::is_string(format, "pcm16");
    const auto bytes = data.size() / 4 * 3;  // base64
    const auto tokens = 1 + bytes / (is_wave ? wave_bytes_a_token : packed_bytes_a_token);
    return std::max(note_tokens, static_cast<std::int64_t>(tokens));
}

message_shape shape_of(const api::request_message& m, media_set hidden) {
    message_shape out;
    out.role_bytes = decoded_bytes(inside(m.role_raw));
    const auto content = size_of_content(m, hidden);
    out.content_bytes = content.bytes;
    out.media_tokens = content.media_tokens;
    const auto members = read_call_members(m);
    for_each_element(members.tool_calls, [&](std::string_view call) {
        out.calls.push_back(shape_of_call(
            api::find_member(call, "id"), function_of(api::find_member(call, "function"))
        ));
    });
    if (!members.function_call.empty() && members.function_call.front() == '{') {
        out.has_function_call = true;
        out.calls.push_back(shape_of_call({}, function_of(members.function_call)));
    }
    if (is_text(members.tool_call_id)) {
        out.result_of = members.tool_call_id;
    }
    return out;
}

std::vector<message_text> texts_of(const api::request_message& m) {
    using kind = message_text::kind;
    std::vector<message_text> out;
    if (m.content_type == api::json_type::string) {
        const auto raw = inside(m.content);
        out.push_back({kind::content, raw, decoded_bytes(raw)});
    }
    for_each_part(m, [&](std::string_view raw) {
        if (const auto text = text_of(read_part(raw)); text.data() != nullptr) {
            out.push_back({kind::content, text, decoded_bytes(text)});
        }
    });
    const auto members = read_call_members(m);
    std::size_t i = 0;
    for_each_element(members.tool_calls, [&](std::string_view call) {
        add_text(out, function_of(api::find_member(call, "function")).arguments, i++);
    });
    if (!members.function_call.empty() && members.function_call.front() == '{') {
        add_text(out, function_of(members.function_call).arguments, i);
    }
    return out;
}

}  // namespace meta_model::dispatch
