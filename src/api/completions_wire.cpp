#include "api/completions_wire.hpp"

#include "api/chat_request.hpp"
#include "api/json_cursor.hpp"
#include "api/json_text.hpp"
#include "api/sse_events.hpp"
#include "api/usage_json.hpp"

#include <algorithm>
#include <array>

namespace meta_model::api {

namespace {

using base::error_code_id;

// What chats have no like of, or say in another way.
constexpr std::array<std::string_view, 7> foreign_fields{
    "echo",
    "suffix",
    "best_of",
    "logprobs",
    "response_format",
    "max_completion_tokens",
    "stream_options"
};

base::error unsupported(std::string_view name, std::string_view what = "is not supported") {
    return base::make_error(
        error_code_id::unsupported_legacy_param,
        "'" + std::string(name) + "' " + std::string(what) + " on /v1/completions.",
        std::string(name)
    );
}

bool is_foreign(std::string_view key) {
    return std::ranges::find(foreign_fields, key) != foreign_fields.end();
}

base::result<void> judge(const chat_request& request) {
    for (const auto name : foreign_fields) {
        const auto* member = request.find(name);
        if (member != nullptr && member->value != "false") {
            return unsupported(name);
        }
    }
    if (const auto* n = request.find("n"); n != nullptr && n->value != "1") {
        return unsupported("n", "other than 1 is not supported");
    }
    if (request.find("messages") != nullptr) {
        return base::make_error(
            error_code_id::invalid_request,
            "'messages' is for /v1/chat/completions; here it is 'prompt'.",
            "messages"
        );
    }
    const auto* prompt = request.find("prompt");
    if (prompt == nullptr) {
        return base::make_error(
            error_code_id::invalid_request, "'prompt' must be given.", "prompt"
        );
    }
    if (prompt->type != json_type::string) {
        return unsupported("prompt", "other than one string is not supported");
    }
    return {};
}

// Raw members of a chat completion or of a chunk of its stream.
struct chat_members {
    std::string_view id{};
    std::string_view created{};
    std::string_view model{};
    std::string_view choices{};
    std::string_view usage{};
    std::string_view error{};
    std::string_view fingerprint{};
    std::string_view extension{};
};

bool read(std::string_view json, chat_members& out) {
    json_cursor in(json, json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    if (in.peek() != json_type::object || !in.enter_object()) {
        return false;
    }
    while (in.next_member(key) && in.skip(value)) {
        for (const auto& [name, member] : {
                 std::pair{"id", &out.id},
                 std::pair{"created", &out.created},
                 std::pair{"model", &out.model},
                 std::pair{"choices", &out.choices},
                 std::pair{"usage", &out.usage},
                 std::pair{"error", &out.error},
                 std::pair{"system_fingerprint", &out.fingerprint},
                 std::pair{"x_meta_model", &out.extension},
             }) {
            if (key == name && value != "null") {
                *member = value;
            }
        }
    }
    return !in.failed() && in.at_end();
}

// The text between the quotes of a raw string; empty for any other value.
std::string_view inside(std::string_view raw) {
    return raw.size() >= 2 && raw.front() == '"' ? raw.substr(1, raw.size() - 2)
                                                 : std::string_view{};
}

void append_id(std::string& out, std::string_view raw) {
    constexpr std::string_view chat = "chatcmpl-";
    constexpr std::string_view own = "cmpl-";
    auto id = inside(raw);
    if (id.starts_with(chat)) {
        id.remove_prefix(chat.size());
    } else if (id.starts_with(own)) {
        id.remove_prefix(own.size());
    }
    out += own;
    out += id.empty() ? "?" : id;
}

// `raw`: content of a message, a string or a list of parts.
void append_text(std::string& out, std::string_view raw) {
    if (!raw.starts_with('[')) {
        out += inside(raw);
        return;
    }
    json_cursor in(raw, json_cursor::depth_limit);
    std::string_view part;
    in.enter_array();
    while (in.next_element() && in.skip(part)) {
        if (is_string(find_member(part, "type"), "text")) {
            out += inside(find_member(part, "text"));
        }
    }
}

bool is_given(std::string_view raw) {
    return !raw.empty() && raw != "null";
}

void append_value(
    std::string& out, std::string_view name, std::string_view raw, std::string_view otherwise
) {
    out += ",\"";
    out += name;
    out += "\":";
    append_on_one_line(out, is_given(raw) ? raw : otherwise);
}

// A choice of a chunk that has nothing to show on this wire is left out. `message`: "message" or "delta".
void append_choice(
    std::string& out, std::string_view choice, std::string_view message_name, bool is_chunk
) {
    std::string_view message;
    std::string_view index = "0";
    std::string_view logprobs;
    std::string_view finish;
    json_cursor in(choice, json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    in.enter_object();
    while (in.next_member(key) && in.skip(value)) {
        if (key == message_name) {
            message = value;
        } else if (key == "index") {
            index = value;
        } else if (key == "logprobs") {
            logprobs = value;
        } else if (key == "finish_reason") {
            finish = value;
        }
    }
    const auto content = find_member(message, "content");
    if (is_chunk && !is_given(finish) && (!is_given(content) || content == "\"\"")
        && !is_given(find_member(message, "tool_calls"))
        && !is_given(find_member(message, "function_call"))) {
        return;
    }
    out += out.back() == '[' ? "{\"text\":\"" : ",{\"text\":\"";
    append_text(out, content);
    out += '"';
    append_value(out, "index", index, "0");
    append_value(out, "logprobs", logprobs, "null");
    append_value(out, "finish_reason", finish, "null");
    out += '}';
}

// False, with `out` as it was: the chunk has nothing to show.
bool append_completion(std::string& out, const chat_members& chat, bool is_chunk) {
    const auto begin = out.size();
    out += R"({"id":")";
    append_id(out, chat.id);
    out += R"(","object":"text_completion")";
    append_value(out, "created", chat.created, "0");
    append_value(out, "model", chat.model, "\"\"");
    if (is_given(chat.fingerprint)) {
        append_value(out, "system_fingerprint", chat.fingerprint, {});
    }
    out += R"(,"choices":[)";
    json_cursor in(chat.choices, json_cursor::depth_limit);
    std::string_view choice;
    bool had_choices = false;
    in.enter_array();
    while (in.next_element() && in.skip(choice)) {
        had_choices = true;
        append_choice(out, choice, is_chunk ? "delta" : "message", is_chunk);
    }
    const bool shows_nothing = had_choices && out.back() == '[';
    if (is_chunk && shows_nothing && !is_given(chat.usage) && !is_given(chat.extension)) {
        out.resize(begin);
        return false;
    }
    out += ']';
    if (is_given(chat.usage)) {
        append_value(out, "usage", chat.usage, {});
    }
    if (is_given(chat.extension)) {
        append_value(out, "x_meta_model", chat.extension, {});
    }
    out += '}';
    return true;
}

}  // namespace

base::result<std::string> chat_of_completion(std::string_view body, int max_depth) {
    chat_request request;
    if (auto parsed = request.parse(body, max_depth, shape_of(request_kind::completions));
        !parsed) {
        return parsed.error();
    }
    if (auto judged = judge(request); !judged) {
        return judged.error();
    }
    std::string out = "{";
    out.reserve(body.size() + 64);
    for (const auto& member : request.members()) {
        if (is_foreign(member.key) || member.key == "messages") {
            continue;  // null or false: as if it were absent
        }
        out += out.size() > 1 ? "," : "";
        if (member.key == "prompt") {
            out += R"("messages":[{"role":"user","content":)";
            out += member.value;
            out += "}]";
        } else {
            out += body.substr(member.key_begin, member.key_end - member.key_begin);
            out += ':';
            out += member.value;
        }
    }
    out += '}';
    return out;
}

std::string completion_of_chat(std::string_view json) {
    chat_members chat;
    std::string out;
    if (!read(json, chat) || !chat.choices.starts_with('[')
        || !append_completion(out, chat, false)) {
        out.clear();
    }
    return out;
}

void completion_translator::take_event(std::string_view event, std::string& out) {
    const auto data = event_data(event, data_);
    chat_members chat;
    if (data.empty()) {
        out += event.starts_with(':') ? event : std::string_view{};  // a heartbeat
        return;
    }
    if (!read(data, chat) || !chat.choices.starts_with('[')
        || (chat.choices == "[]" && !chat.error.empty())) {
        out += event;
        return;
    }
    const auto begin = out.size();
    out += "data: ";
    if (append_completion(out, chat, true)) {
        out += "\n\n";
    } else {
        out.resize(begin);
    }
}

}  // namespace meta_model::api
