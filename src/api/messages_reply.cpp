#include "api/messages_reply.hpp"

#include "api/json_walk.hpp"
#include "base/ids.hpp"

#include <algorithm>

namespace meta_model::api {

namespace {

struct chat_members {
    std::string_view id{};
    std::string_view model{};
    std::string_view choices{};
    std::string_view usage{};
    std::string_view extension{};
};

struct message_members {
    std::string_view content{};
    std::string_view refusal{};
    std::string_view reasoning_content{};
    std::string_view reasoning{};
    std::string_view thinking_blocks{};
    std::string_view tool_calls{};
    std::string_view function_call{};
};

bool read(std::string_view json, chat_members& out) {
    return walk_object(json, [&](std::string_view key, std::string_view value) {
        for (const auto& [name, member] : {
                 std::pair{std::string_view("id"), &out.id},
                 std::pair{std::string_view("model"), &out.model},
                 std::pair{std::string_view("choices"), &out.choices},
                 std::pair{std::string_view("usage"), &out.usage},
                 std::pair{std::string_view("x_meta_model"), &out.extension},
             }) {
            *member = key == name ? value : *member;
        }
    });
}

void read(std::string_view json, message_members& out) {
    walk_object(json, [&](std::string_view key, std::string_view value) {
        for (const auto& [name, member] : {
                 std::pair{std::string_view("content"), &out.content},
                 std::pair{std::string_view("refusal"), &out.refusal},
                 std::pair{std::string_view("reasoning_content"), &out.reasoning_content},
                 std::pair{std::string_view("reasoning"), &out.reasoning},
                 std::pair{std::string_view("thinking_blocks"), &out.thinking_blocks},
                 std::pair{std::string_view("tool_calls"), &out.tool_calls},
                 std::pair{std::string_view("function_call"), &out.function_call},
             }) {
            *member = key == name ? value : *member;
        }
    });
}

// The content blocks of a whole message.
class block_list {
public:
    explicit block_list(std::string& out) : out_(out) {}

    void add_text(std::string_view escaped) {
        if (!escaped.empty()) {
            begin();
            out_.append(R"({"type":"text","text":")").append(escaped).append("\"}");
        }
    }

    void add_thinking(const message_members& m);
    void add_call(std::string_view id, std::string_view function);

private:
    void begin() { out_ += out_.back() == '[' ? "" : ","; }

    std::string& out_;
};

void block_list::add_thinking(const message_members& m) {
    bool has_text = false;
    std::string blocks;
    walk_list(m.thinking_blocks, [&](std::string_view block) {
        const auto type = find_member(block, "type");
        const bool is_thinking = is_string(type, "thinking");
        if (is_thinking || is_string(type, "redacted_thinking")) {
            has_text = has_text || is_thinking;
            blocks += blocks.empty() ? "" : ",";
            blocks += block;
        }
    });
    const auto thought =
        string_body(is_json_string(m.reasoning_content) ? m.reasoning_content : m.reasoning);
    if (!has_text && !thought.empty()) {
        begin();
        out_.append(R"({"type":"thinking","thinking":")").append(thought);
        out_ += R"(","signature":""})";
    }
    if (!blocks.empty()) {
        begin();
        out_ += blocks;
    }
}

// Arguments that are no object are shown as they are: who runs the tool can tell the model what is wrong.
void block_list::add_call(std::string_view id, std::string_view function) {
    const auto name = find_member(function, "name");
    const auto arguments = find_member(function, "arguments");
    std::string text;
    begin();
    out_ += R"({"type":"tool_use","id":)";
    append_call_id_or_new(out_, id);
    out_ += R"(,"name":)";
    out_ += is_json_string(name) ? name : R"("")";
    out_ += R"(,"input":)";
    if (is_json_object(arguments)) {
        out_ += arguments;
    } else if (append_unescaped(text, string_body(arguments))
               && text.find_first_not_of(" \t\r\n") == std::string::npos) {
        out_ += "{}";
    } else {
        json_cursor in(text, json_cursor::depth_limit);
        std::string_view object;
        if (in.peek() == json_type::object && in.skip(object) && in.at_end()) {
            out_ += object;
        } else {
            out_ += R"({"arguments":)";
            out_ += is_json_string(arguments) ? arguments : R"("")";
            out_ += '}';
        }
    }
    out_ += '}';
}

void add_content(block_list& blocks, std::string_view content) {
    if (is_json_string(content)) {
        blocks.add_text(string_body(content));
        return;
    }
    walk_list(content, [&](std::string_view part) {
        if (is_string(find_member(part, "type"), "text")) {
            blocks.add_text(string_body(find_member(part, "text")));
        }
    });
}

// Whether there are calls.
bool append_content(std::string& out, std::string_view message) {
    bool has_calls = false;
    message_members m;
    read(message, m);
    block_list blocks(out);
    blocks.add_thinking(m);
    add_content(blocks, m.content);
    blocks.add_text(string_body(m.refusal));
    walk_list(m.tool_calls, [&](std::string_view call) {
        blocks.add_call(find_member(call, "id"), find_member(call, "function"));
        has_calls = true;
    });
    if (is_json_object(m.function_call) && !is_json_list(m.tool_calls)) {
        blocks.add_call({}, m.function_call);
        has_calls = true;
    }
    return has_calls;
}

std::string_view first_of(std::string_view list) {
    std::string_view first;
    json_cursor in(list, json_cursor::depth_limit);
    const bool has_one = in.peek() == json_type::array && in.enter_array() && in.next_element();
    return has_one && in.skip(first) ? first : std::string_view{};
}

// What no server can have counted is nothing it says.
std::int64_t count_of(std::string_view raw) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    std::int64_t n = 0;
    return to_int64(raw, n) && n >= 0 && n <= most ? n : 0;
}

}  // namespace

void message_usage::take(std::string_view raw) {
    if (!is_json_object(raw)) {
        return;
    }
    // What an earlier part told stays where this one says nothing.
    std::int64_t prompt = input_tokens + cache_read_tokens + cache_creation_tokens;
    std::int64_t cached = cache_read_tokens;
    std::int64_t written = cache_creation_tokens;
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        if (key == "prompt_tokens") {
            prompt = count_of(value);
        } else if (key == "completion_tokens") {
            output_tokens = count_of(value);
        } else if (key == "prompt_tokens_details") {
            cached = count_of(find_member(value, "cached_tokens"));
            written = count_of(find_member(value, "cache_write_tokens"));
        } else if (key == "completion_tokens_details") {
            const auto thought = find_member(value, "reasoning_tokens");
            thinking_tokens = is_given(thought) ? count_of(thought) : -1;
        }
    });
    cache_read_tokens = std::min(cached, prompt);
    cache_creation_tokens = std::min(written, prompt - cache_read_tokens);
    input_tokens = prompt - cache_read_tokens - cache_creation_tokens;
}

void message_usage::append(std::string& out) const {
    out += R"({"input_tokens":)";
    append_json_number(out, input_tokens);
    out += R"(,"cache_creation_input_tokens":)";
    append_json_number(out, cache_creation_tokens);
    out += R"(,"cache_read_input_tokens":)";
    append_json_number(out, cache_read_tokens);
    out += R"(,"output_tokens":)";
    append_json_number(out, output_tokens);
    if (thinking_tokens >= 0) {
        out += R"(,"output_tokens_details":{"thinking_tokens":)";
        append_json_number(out, thinking_tokens);
        out += '}';
    }
    out += '}';
}

std::string_view stop_reason_of(std::string_view finish_reason) {
    if (is_string(finish_reason, "length")) {
        return "max_tokens";
    }
    if (is_string(finish_reason, "tool_calls") || is_string(finish_reason, "function_call")) {
        return "tool_use";
    }
    return is_string(finish_reason, "content_filter") ? "refusal" : "end_turn";
}

void append_stop(
    std::string& out, std::string_view finish_reason, std::string_view stopped_by, bool has_calls
) {
    auto reason = stop_reason_of(finish_reason);
    reason = has_calls && reason == "end_turn" ? "tool_use" : reason;
    const bool is_sequence = reason == "end_turn" && !string_body(stopped_by).empty();
    out += R"("stop_reason":")";
    out += is_sequence ? "stop_sequence" : reason;
    out += R"(","stop_sequence":)";
    out += is_sequence ? stopped_by : "null";
}

void append_message_id(std::string& out, std::string_view chat_id) {
    constexpr std::string_view own = "msg_";
    constexpr std::string_view chat = "chatcmpl-";
    auto id = string_body(chat_id);
    if (id.starts_with(own)) {
        id.remove_prefix(own.size());
    } else if (id.starts_with(chat)) {
        id.remove_prefix(chat.size());
    }
    out += '"';
    out += own;
    if (id.empty()) {
        base::append_random_hex(out, 24);
    } else {
        out += id;
    }
    out += '"';
}

void append_call_id_or_new(std::string& out, std::string_view raw) {
    if (!string_body(raw).empty()) {
        out += raw;
        return;
    }
    out += "\"toolu_";
    base::append_random_hex(out, 24);
    out += '"';
}

std::string message_of_chat(std::string_view json) {
    chat_members chat;
    if (!read(json, chat) || !is_json_list(chat.choices)) {
        return {};
    }
    const auto choice = first_of(chat.choices);
    const auto message = find_member(choice, "message");
    if (!is_json_object(message)) {
        return {};
    }
    std::string out;
    out.reserve(json.size() + 256);
    out += R"({"id":)";
    append_message_id(out, chat.id);
    out += R"(,"type":"message","role":"assistant","model":)";
    out += is_json_string(chat.model) ? chat.model : R"("")";
    out += R"(,"content":[)";
    const bool has_calls = append_content(out, message);
    out += "],";
    append_stop(
        out, find_member(choice, "finish_reason"), find_member(choice, "stop_reason"), has_calls
    );
    message_usage usage;
    usage.take(chat.usage);
    out += R"(,"usage":)";
    usage.append(out);
    if (is_given(chat.extension)) {
        out += R"(,"x_meta_model":)";
        out += chat.extension;
    }
    out += '}';
    return out;
}

}  // namespace meta_model::api
