#include "api/chat_reasoning.hpp"

#include "api/chat_wire.hpp"
#include "api/json_walk.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace meta_model::api {

namespace {

constexpr std::string_view seal_mark = "mm1.";
constexpr std::size_t max_joined_members = 64;
constexpr std::string_view thought_name = "thought";  // in a seal

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

std::string_view object_pieces::member_of(const object& from, std::string_view key) {
    return from.members.empty() ? find_member(from.raw, key) : value_of(from.members, key);
}

void object_pieces::split(object& o) {
    if (o.members.empty()) {
        walk_object(o.raw, [&](std::string_view key, std::string_view value) {
            o.members.emplace_back(key, value);
        });
        o.raw.clear();
    }
}

// A piece goes on with the element before it when both have the same index; without one, blocks of thinking go on until
// their signature came. What has another id is another element, however it is numbered.
bool object_pieces::goes_on(const object& last, const object& more) {
    const auto type = member_of(more, "type");
    const auto index = member_of(more, "index");
    const auto id = member_of(more, "id");
    const auto last_id = member_of(last, "id");
    if (is_given(id) && is_given(last_id) && id != last_id) {
        return false;
    }
    const bool is_same_type = type == member_of(last, "type");
    if (is_given(index)) {
        return index == member_of(last, "index") && (is_same_type || !is_given(type));
    }
    return is_same_type && is_string(type, "thinking")
           && string_body(member_of(last, "signature")).empty();
}

// False, with nothing joined: they have more members than any piece has, of which each would be looked for.
bool object_pieces::join(object& last, object& more) {
    split(last);
    split(more);
    if (last.members.size() > max_joined_members || more.members.size() > max_joined_members) {
        return false;
    }
    for (auto& [key, value] : more.members) {
        const auto has = std::ranges::find(
            last.members, key, [](const auto& m) -> const std::string& { return m.first; }
        );
        if (has == last.members.end()) {
            last.members.emplace_back(std::move(key), std::move(value));
        } else if (is_joined(key) && is_json_string(has->second) && is_json_string(value)) {
            has->second.insert(has->second.size() - 1, string_body(value));
        } else if (is_given(value)) {
            has->second = std::move(value);
        }
    }
    return true;
}

void object_pieces::add(std::string_view list, bool joins) {
    walk_list(list, [&](std::string_view element) {
        if (!is_json_object(element)) {
            return;
        }
        object more{.raw = std::string(element)};
        const bool is_joined = joins && !objects_.empty() && goes_on(objects_.back(), more)
                               && join(objects_.back(), more);
        if (!is_joined) {
            objects_.push_back(std::move(more));
        }
    });
}

void object_pieces::add(const object_pieces& more) {
    auto begin = more.objects_.begin();
    if (!objects_.empty() && begin != more.objects_.end() && goes_on(objects_.back(), *begin)) {
        auto first = *begin;
        begin += join(objects_.back(), first) ? 1 : 0;
    }
    objects_.insert(objects_.end(), begin, more.objects_.end());
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
    if (key == "reasoning_content") {
        content += string_body(value);
        has_content = has_content || is_json_string(value);
        return is_json_string(value);
    }
    if (key == "reasoning") {
        text += string_body(value);
        return !string_body(value).empty();
    }
    if (key == "extra_content") {
        const bool is_kept = is_json_object(value) && value.size() <= max_extra_bytes;
        extra = is_kept ? value : std::string_view(extra);
        return is_kept;
    }
    if (key == "reasoning_details" || key == "thinking_blocks") {
        auto& list = key == "thinking_blocks" ? thinking : details;
        const bool was_empty = list.is_empty();
        list.add(value, is_delta);
        return !was_empty || !list.is_empty();
    }
    return false;
}

void chat_reasoning::add_content(std::string_view escaped) {
    content += escaped;
    has_content = has_content || !escaped.empty();
}

void chat_reasoning::add(const chat_reasoning& more) {
    content += more.content;
    has_content = has_content || more.has_content;
    text += more.text;
    details.add(more.details);
    thinking.add(more.thinking);
    extra = more.extra.empty() ? extra : more.extra;
    thought += more.thought;
}

void chat_reasoning::append_members(std::string& out) const {
    const auto add_list = [&](std::string_view name, const object_pieces& list) {
        if (!list.is_empty()) {
            out.append(",\"").append(name).append("\":");
            list.append_list(out);
        }
    };
    if (has_content) {
        out.append(R"(,"reasoning_content":")").append(content).append("\"");
    }
    if (!text.empty()) {
        out.append(R"(,"reasoning":")").append(text).append("\"");
    }
    add_list("reasoning_details", details);
    add_list("thinking_blocks", thinking);
    if (!extra.empty()) {
        out.append(R"(,"extra_content":)").append(extra);
    }
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

std::string thought_of_parts(std::string_view content) {
    std::string out;
    if (!is_json_list(content)) {
        return out;
    }
    walk_list(content, [&](std::string_view part) {
        if (!is_string(find_member(part, "type"), "thinking")) {
            return;
        }
        const auto thinking = find_member(part, "thinking");
        if (is_json_list(thinking)) {
            object_pieces::append_text(out, thinking);
        } else {
            out += string_body(thinking);
        }
    });
    return out;
}

std::string seal(const chat_reasoning& reasoning) {
    std::string json = "{";
    reasoning.append_members(json);
    if (!reasoning.thought.empty()) {
        json.append(",\"").append(thought_name).append("\":\"");
        json.append(reasoning.thought).append("\"");
    }
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
        if (key == thought_name) {
            held.thought += string_body(value);
        } else {
            held.add(key, value, false);
        }
    });
    if (!is_object || held.is_empty()) {
        return false;
    }
    into.add(held);
    return true;
}

}  // namespace meta_model::api
