#include "api/chat_reasoning.hpp"

#include "api/json_walk.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace meta_model::api {

namespace {

constexpr std::string_view seal_mark = "mm1.";

// RFC 4648 §5, without padding.
constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr auto digit_values = [] {
    std::array<std::int8_t, 256> out{};
    out.fill(-1);
    for (std::size_t i = 0; i < digits.size(); ++i) {
        out[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
    }
    return out;
}();

void append_base64(std::string& out, std::string_view bytes) {
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        count += 8;
        while (count >= 6) {
            count -= 6;
            out += digits[bits >> count & 63];
        }
    }
    if (count > 0) {
        out += digits[bits << (6 - count) & 63];
    }
}

bool append_decoded(std::string& out, std::string_view word) {
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : word) {
        const auto value = digit_values[static_cast<unsigned char>(c)];
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>(bits >> count & 255);
        }
    }
    return true;
}

// Members whose pieces are put together; of all others the newest counts.
bool is_joined(std::string_view key) {
    constexpr std::array<std::string_view, 5> joined{
        "text", "summary", "data", "thinking", "signature"
    };
    return std::ranges::find(joined, key) != joined.end();
}

std::string_view value_of(
    const std::vector<std::pair<std::string, std::string>>& members, std::string_view key
) {
    for (const auto& [name, value] : members) {
        if (name == key) {
            return value;
        }
    }
    return {};
}

}  // namespace

// A piece goes on with the element before it when both have the same index; without one, blocks of thinking go on until
// their signature came.
bool object_pieces::goes_on(object& last, std::string_view more) {
    if (last.members.empty()) {
        walk_object(last.raw, [&](std::string_view key, std::string_view value) {
            last.members.emplace_back(key, value);
        });
        last.raw.clear();
    }
    if (find_member(more, "type") != value_of(last.members, "type")) {
        return false;
    }
    const auto index = find_member(more, "index");
    if (is_given(index)) {
        return index == value_of(last.members, "index");
    }
    return is_string(find_member(more, "type"), "thinking")
           && string_body(value_of(last.members, "signature")).empty();
}

void object_pieces::add(std::string_view list, bool joins) {
    walk_list(list, [&](std::string_view element) {
        if (!is_json_object(element)) {
            return;
        }
        if (!joins || objects_.empty() || !goes_on(objects_.back(), element)) {
            objects_.push_back({.raw = std::string(element)});
            return;
        }
        auto& members = objects_.back().members;
        walk_object(element, [&](std::string_view key, std::string_view value) {
            const auto has = std::ranges::find(members, key, [](const auto& m) -> std::string_view {
                return m.first;
            });
            if (has == members.end()) {
                members.emplace_back(key, value);
            } else if (is_joined(key) && is_json_string(has->second) && is_json_string(value)) {
                has->second.insert(has->second.size() - 1, string_body(value));
            } else if (is_given(value)) {
                has->second = value;
            }
        });
    });
}

void object_pieces::add(const object_pieces& more) {
    objects_.insert(objects_.end(), more.objects_.begin(), more.objects_.end());
}

void object_pieces::append_list(std::string& out) const {
    out += '[';
    for (const auto& o : objects_) {
        out += out.back() == '[' ? "" : ",";
        if (o.members.empty()) {
            out += o.raw;
            continue;
        }
        out += '{';
        for (const auto& [key, value] : o.members) {
            out += out.back() == '{' ? "" : ",";
            append_json_string(out, key);
            out += ':';
            out += value;
        }
        out += '}';
    }
    out += ']';
}

void object_pieces::append_text(std::string& out, std::string_view list) {
    walk_list(list, [&](std::string_view element) {
        const auto text = find_member(element, "text");
        out += string_body(is_given(text) ? text : find_member(element, "summary"));
    });
}

bool chat_reasoning::add(std::string_view key, std::string_view value, bool is_delta) {
    if (key == "reasoning_content" || key == "reasoning") {
        (key == "reasoning" ? text : content) += string_body(value);
        return !string_body(value).empty();
    }
    if (key == "reasoning_details" || key == "thinking_blocks") {
        auto& list = key == "thinking_blocks" ? thinking : details;
        const bool was_empty = list.is_empty();
        list.add(value, is_delta);
        return !was_empty || !list.is_empty();
    }
    return false;
}

void chat_reasoning::add(const chat_reasoning& more) {
    content += more.content;
    text += more.text;
    details.add(more.details);
    thinking.add(more.thinking);
}

void chat_reasoning::append_members(std::string& out) const {
    const auto add_text = [&](std::string_view name, std::string_view escaped) {
        if (!escaped.empty()) {
            out.append(",\"").append(name).append("\":\"").append(escaped).append("\"");
        }
    };
    const auto add_list = [&](std::string_view name, const object_pieces& list) {
        if (!list.is_empty()) {
            out.append(",\"").append(name).append("\":");
            list.append_list(out);
        }
    };
    add_text("reasoning_content", content);
    add_text("reasoning", text);
    add_list("reasoning_details", details);
    add_list("thinking_blocks", thinking);
}

std::string_view shown_reasoning(
    std::string_view content,
    std::string_view reasoning,
    std::string_view details,
    std::string& storage
) {
    if (!string_body(content).empty()) {
        return string_body(content);
    }
    if (!string_body(reasoning).empty()) {
        return string_body(reasoning);
    }
    storage.clear();
    if (is_json_list(details)) {
        object_pieces::append_text(storage, details);
    }
    return storage;
}

std::string seal(const chat_reasoning& reasoning) {
    std::string json = "{";
    reasoning.append_members(json);
    json += '}';
    if (json.size() > 2) {
        json.erase(1, 1);  // the comma
    }
    std::string out(seal_mark);
    out.reserve(seal_mark.size() + json.size() * 4 / 3 + 2);
    append_base64(out, json);
    return out;
}

bool unseal(std::string_view word, chat_reasoning& into) {
    std::string json;
    if (!word.starts_with(seal_mark)) {
        return false;
    }
    word.remove_prefix(seal_mark.size());
    if (!append_decoded(json, word) || !base::is_valid_utf8(json)) {
        return false;
    }
    chat_reasoning held;
    const bool is_object = walk_object(json, [&](std::string_view key, std::string_view value) {
        held.add(key, value, false);
    });
    if (!is_object || held.is_empty()) {
        return false;
    }
    into.add(held);
    return true;
}

}  // namespace meta_model::api
