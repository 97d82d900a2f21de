#include "api/anthropic_turns.hpp"

#include "api/json_walk.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace meta_model::api {

namespace {

constexpr std::string_view cache_mark = R"(,"cache_control":{"type":"ephemeral"})";
constexpr std::string_view blank_line = R"(\n\n)";

constexpr std::size_t coded_bytes = 6;  // \uXXXX

bool is_coded_space(std::string_view escape) {
    constexpr std::array<std::string_view, 4> spaces{"\\u0020", "\\u0009", "\\u000a", "\\u000d"};
    return std::ranges::any_of(spaces, [&](auto s) { return base::ascii_iequals(escape, s); });
}

// Nothing but white space: the API refuses such a block. `escaped` is a string's text as JSON writes it.
bool is_blank(std::string_view escaped) {
    for (std::size_t i = 0; i < escaped.size(); ++i) {
        const bool is_escape = escaped[i] == '\\' && i + 1 < escaped.size();
        if (is_escape && std::string_view("nrt").find(escaped[i + 1]) != std::string_view::npos) {
            ++i;
        } else if (is_escape && is_coded_space(escaped.substr(i, coded_bytes))) {
            i += coded_bytes - 1;
        } else if (escaped[i] != ' ') {
            return false;
        }
    }
    return true;
}

// FNV-1a, as 16 hexadecimal digits.
std::string digest_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    std::string out(16, '0');
    for (auto digit = out.rbegin(); digit != out.rend(); ++digit, hash >>= 4) {
        *digit = "0123456789abcdef"[hash & 15];
    }
    return out;
}

// Ids of calls are made of letters, digits, '_' and '-' there. The same id becomes the same wherever it stands, and
// different ones stay different.
void append_call_id(std::string& out, std::string_view raw) {
    std::string given;
    append_unescaped(given, string_body(raw));
    auto id = given;
    std::ranges::replace_if(
        id,
        [](char c) {
            return !(
                (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                || c == '_' || c == '-'
            );
        },
        '_'
    );
    if (id != given) {
        id += '_' + digest_of(given);
    }
    append_json_string(out, id.empty() ? "_" : id);
}

// The arguments of a call as a JSON object; one without members when they are none.
void append_input(std::string& out, std::string_view raw) {
    std::string text;
    if (is_json_object(raw)) {
        out += raw;
        return;
    }
    append_unescaped(text, string_body(raw));
    json_cursor in(text, json_cursor::depth_limit);
    std::string_view object;
    const bool is_object = in.peek() == json_type::object && in.skip(object) && in.at_end();
    out += is_object ? object : std::string_view("{}");
}

struct data_uri {
    std::string media_type;
    std::string_view data{};  // escaped
};

// False when `url`, still escaped, is none.
bool read_data_uri(std::string_view url, data_uri& out) {
    constexpr std::string_view scheme = "data:";
    const auto comma = url.find(',');
    std::string head;
    if (comma == std::string_view::npos
        || !base::ascii_iequals(url.substr(0, scheme.size()), scheme)
        || !append_unescaped(head, url.substr(scheme.size(), comma - scheme.size()))) {
        return false;
    }
    out.media_type = head.substr(0, head.find(';'));
    out.data = url.substr(comma + 1);
    return true;
}

void append_base64_source(std::string& out, std::string_view media_type, std::string_view data) {
    out += R"("source":{"type":"base64","media_type":)";
    append_json_string(out, media_type);
    out += R"(,"data":")";
    out += data;
    out += R"("})";
}

void append_cache(std::string& out, std::string_view cache) {
    if (is_json_object(cache)) {
        out += R"(,"cache_control":)";
        out += cache;
    }
}

std::string_view text_of_part(std::string_view part) {
    const auto type = find_member(part, "type");
    if (is_string(type, "refusal")) {
        return string_body(find_member(part, "refusal"));
    }
    return is_string(type, "text") ? string_body(find_member(part, "text")) : std::string_view{};
}

}  // namespace

void anthropic_turns::begin_block(turn role) {
    if (current_ == role) {
        out_ += ',';
        return;
    }
    if (current_ != turn::none) {
        out_ += "]},";
    }
    const bool is_user = role == turn::user;
    out_ += is_user ? R"({"role":"user","content":[)" : R"({"role":"assistant","content":[)";
    current_ = role;
    if (!is_user) {
        has_open_calls_ = false;
        begins_with_thinking_ = false;
    }
}

void anthropic_turns::add_text(turn role, std::string_view escaped, std::string_view cache) {
    if (is_blank(escaped)) {
        return;
    }
    begin_block(role);
    out_ += R"({"type":"text","text":")";
    out_ += escaped;
    out_ += '"';
    append_cache(out_, cache);
    out_ += '}';
    can_mark_ = true;
}

void anthropic_turns::add_content(turn role, std::string_view content) {
    if (is_json_string(content)) {
        add_text(role, string_body(content));
    } else if (is_json_list(content)) {
        walk_list(content, [&](std::string_view part) { add_part(role, part); });
    }
}

void anthropic_turns::add_part(turn role, std::string_view part) {
    if (is_json_string(part)) {
        add_text(role, string_body(part));
        return;
    }
    if (!is_json_object(part)) {
        return;
    }
    const auto text = text_of_part(part);
    if (!text.empty()) {
        add_text(role, text, find_member(part, "cache_control"));
        return;
    }
    const auto before = out_.size();
    const auto was = current_;
    const auto had_calls = has_open_calls_;
    const auto had_thinking = begins_with_thinking_;
    begin_block(role);
    if (append_media(part)) {
        can_mark_ = true;
    } else {
        out_.resize(before);
        current_ = was;
        has_open_calls_ = had_calls;
        begins_with_thinking_ = had_thinking;
    }
}

// An image, or a file that is a document. False, with nothing written, for what the API does not take.
bool anthropic_turns::append_media(std::string_view part) {
    const auto type = find_member(part, "type");
    std::string_view url;
    bool is_image = true;
    if (is_string(type, "image_url")) {
        url = find_member(part, "image_url");
        url = is_json_object(url) ? find_member(url, "url") : url;
    } else if (is_string(type, "file")) {
        url = find_member(find_member(part, "file"), "file_data");
        is_image = false;
    }
    url = string_body(url);
    data_uri uri;
    const bool is_inline = read_data_uri(url, uri);
    const bool is_document = is_inline && base::ascii_iequals(uri.media_type, "application/pdf");
    if (url.empty() || (!is_image && !is_document)) {
        return false;
    }
    out_ += is_image ? R"({"type":"image",)" : R"({"type":"document",)";
    if (is_inline) {
        append_base64_source(out_, uri.media_type.empty() ? "image/png" : uri.media_type, uri.data);
    } else {
        out_ += R"("source":{"type":"url","url":")";
        out_ += url;
        out_ += R"("})";
    }
    append_cache(out_, find_member(part, "cache_control"));
    out_ += '}';
    return true;
}

void anthropic_turns::add_system_content(std::string_view content) {
    const auto take = [&](std::string_view escaped, std::string_view cache) {
        if (!is_blank(escaped)) {
            system_.push_back({.text = escaped, .cache = is_json_object(cache) ? cache : ""});
        }
    };
    if (is_json_string(content)) {
        take(string_body(content), {});
    } else if (is_json_list(content)) {
        walk_list(content, [&](std::string_view part) {
            take(text_of_part(part), find_member(part, "cache_control"));
        });
    }
}

void anthropic_turns::add_system(std::string text) {
    system_text own;
    append_json_escaped(own.own, text);
    system_.push_back(std::move(own));
}

// What a model thought goes back as it came, down to the byte: its signature covers it.
void anthropic_turns::add_thinking(std::string_view blocks) {
    walk_list(blocks, [&](std::string_view block) {
        const auto type = find_member(block, "type");
        const bool is_signed =
            is_string(type, "thinking") && !string_body(find_member(block, "signature")).empty();
        if (is_signed || is_string(type, "redacted_thinking")) {
            const bool is_first = current_ != turn::assistant;
            begin_block(turn::assistant);
            out_ += block;
            can_mark_ = false;
            begins_with_thinking_ = begins_with_thinking_ || is_first;
        }
    });
}

void anthropic_turns::add_calls(std::string_view calls) {
    walk_list(calls, [&](std::string_view call) {
        const auto function = find_member(call, "function");
        const auto name = find_member(function, "name");
        if (string_body(name).empty()) {
            return;
        }
        begin_block(turn::assistant);
        out_ += R"({"type":"tool_use","id":)";
        append_call_id(out_, find_member(call, "id"));
        out_ += R"(,"name":)";
        out_ += name;
        out_ += R"(,"input":)";
        append_input(out_, find_member(function, "arguments"));
        out_ += '}';
        can_mark_ = true;
        has_open_calls_ = true;
    });
}

// Texts alone as one string; beside images as blocks.
void anthropic_turns::append_result_content(std::string_view content) {
    if (!is_json_list(content)) {
        out_ += is_json_string(content) ? content : std::string_view(R"("")");
        return;
    }
    bool has_media = false;
    walk_list(content, [&](std::string_view part) {
        has_media = has_media || is_string(find_member(part, "type"), "image_url");
    });
    out_ += has_media ? '[' : '"';
    bool is_first = true;
    walk_list(content, [&](std::string_view part) {
        const auto text = is_json_string(part) ? string_body(part) : text_of_part(part);
        const auto before = out_.size();
        if (!is_first) {
            out_ += has_media ? "," : R"(\n)";
        }
        bool is_written = !text.empty();
        if (has_media && !is_blank(text)) {
            out_ += R"({"type":"text","text":")";
            out_ += text;
            out_ += R"("})";
        } else if (has_media) {
            is_written = append_media(part);
        } else {
            out_ += text;
        }
        if (is_written) {
            is_first = false;
        } else {
            out_.resize(before);
        }
    });
    out_ += has_media ? ']' : '"';
}

void anthropic_turns::add_result(
    std::string_view id, std::string_view content, std::string_view cache
) {
    begin_block(turn::user);
    out_ += R"({"type":"tool_result","tool_use_id":)";
    append_call_id(out_, id);
    out_ += R"(,"content":)";
    append_result_content(content);
    append_cache(out_, cache);
    out_ += '}';
    can_mark_ = true;
}

void anthropic_turns::add(std::string_view message) {
    std::string_view role;
    std::string_view content;
    std::string_view calls;
    std::string_view thinking;
    std::string_view call_id;
    std::string_view cache;
    std::string_view refusal;
    walk_object(message, [&](std::string_view key, std::string_view value) {
        if (key == "role") {
            role = value;
        } else if (key == "content") {
            content = value;
        } else if (key == "tool_calls") {
            calls = value;
        } else if (key == "thinking_blocks") {
            thinking = value;
        } else if (key == "tool_call_id") {
            call_id = value;
        } else if (key == "cache_control") {
            cache = value;
        } else if (key == "refusal") {
            refusal = value;
        }
    });
    if (is_string(role, "system") || is_string(role, "developer")) {
        add_system_content(content);
    } else if (is_string(role, "assistant")) {
        add_thinking(thinking);
        add_content(turn::assistant, is_given(content) ? content : refusal);
        add_calls(calls);
    } else if (is_string(role, "tool")) {
        add_result(call_id, content, cache);
    } else if (is_json_string(content) && is_json_object(cache)) {
        add_text(turn::user, string_body(content), cache);
    } else {
        add_content(turn::user, content);
    }
}

void anthropic_turns::close(bool marks_end) {
    if (current_ == turn::none) {
        const auto texts = std::move(system_);
        system_.clear();
        for (const auto& s : texts) {
            add_text(turn::user, s.escaped(), s.cache);
        }
    }
    if (marks_end && can_mark_ && current_ == turn::user) {
        out_.insert(out_.size() - 1, cache_mark);
    }
    if (current_ != turn::none) {
        out_ += "]}";
    }
}

void anthropic_turns::append_system(bool is_marked) {
    if (system_.empty()) {
        return;
    }
    const bool has_blocks =
        is_marked || std::ranges::any_of(system_, [](const auto& s) { return !s.cache.empty(); });
    out_ += R"(,"system":)";
    out_ += has_blocks ? '[' : '"';
    for (const auto& s : system_) {
        if (&s != &system_.front()) {
            out_ += has_blocks ? "," : blank_line;
        }
        if (!has_blocks) {
            out_ += s.escaped();
            continue;
        }
        out_ += R"({"type":"text","text":")";
        out_ += s.escaped();
        out_ += '"';
        append_cache(out_, s.cache);
        if (is_marked && &s == &system_.back()) {
            out_ += cache_mark;
        }
        out_ += '}';
    }
    out_ += has_blocks ? ']' : '"';
}

}  // namespace meta_model::api
