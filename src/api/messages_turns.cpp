#include "api/messages_turns.hpp"

#include "api/json_walk.hpp"

#include <algorithm>
#include <array>

namespace meta_model::api {

namespace {

using base::error_code_id;

constexpr std::string_view blank_line = R"(\n\n)";

}  // namespace

void messages_turns::append_cache(std::string& out, std::string_view cache) {
    if (is_given(cache)) {
        out += R"(,"cache_control":)";
        out += cache;
    }
}

void messages_turns::append_text_part(
    std::string& out, std::string_view escaped, std::string_view cache
) {
    out += R"({"type":"text","text":")";
    out += escaped;
    out += '"';
    append_cache(out, cache);
    out += '}';
}

bool messages_turns::fail(std::string_view field, std::string_view what, error_code_id id) {
    if (fault_) {
        return false;
    }
    std::string path(base_);
    const auto step = [&](std::string_view name, std::ptrdiff_t index) {
        if (index >= 0) {
            path += path.empty() || name.empty() ? "" : ".";
            path += name;
            path += '.';
            path += std::to_string(index);
        }
    };
    step("", message_);
    step(message_ < 0 ? "" : "content", block_);
    step("content", inner_);
    if (!field.empty()) {
        path += '.';
        path += field;
    }
    auto message = path + ": " + std::string(what);
    fault_ = base::make_error(id, std::move(message), std::move(path));
    return false;
}

bool messages_turns::refuse_block(std::string_view type) {
    if (!is_json_string(type)) {
        return fail("type", type.empty() ? "must be given" : "must be a string");
    }
    return fail(
        "type",
        "a block of this type is not supported here",
        error_code_id::unsupported_content_part
    );
}

bool messages_turns::expect_string(std::string_view value, std::string_view field) {
    return is_json_string(value)
           || fail(field, value.empty() ? "must be given" : "must be a string");
}

bool messages_turns::read_block(std::string_view raw, block& b) {
    if (!is_json_object(raw)) {
        return fail("", "must be an object");
    }
    constexpr std::array rows{
        std::pair{std::string_view("type"), &block::type},
        std::pair{std::string_view("text"), &block::text},
        std::pair{std::string_view("cache_control"), &block::cache},
        std::pair{std::string_view("citations"), &block::citations},
        std::pair{std::string_view("source"), &block::source},
        std::pair{std::string_view("id"), &block::id},
        std::pair{std::string_view("name"), &block::name},
        std::pair{std::string_view("input"), &block::input},
        std::pair{std::string_view("tool_use_id"), &block::tool_use_id},
        std::pair{std::string_view("content"), &block::content},
        std::pair{std::string_view("is_error"), &block::is_error},
        std::pair{std::string_view("thinking"), &block::thinking},
        std::pair{std::string_view("signature"), &block::signature},
        std::pair{std::string_view("data"), &block::data},
    };
    b.raw = raw;
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        const auto* const row =
            std::ranges::find_if(rows, [&](const auto& r) { return r.first == key; });
        if (row != rows.end()) {
            b.*(row->second) = value;
        }
    });
    if (is_given(b.cache) && !is_json_object(b.cache)) {
        return fail("cache_control", "must be an object");
    }
    if (is_string(b.type, "text") && is_given(b.citations) && !is_json_list(b.citations)) {
        return fail("citations", "must be a list");
    }
    return true;
}

void messages_turns::begin_message(std::string_view role) {
    out_ += out_.size() == begin_ ? R"({"role":")" : R"(,{"role":")";
    out_ += role;
    out_ += R"(","content":)";
}

void messages_turns::add_system(std::string_view raw) {
    base_ = "system";
    message_ = block_ = inner_ = -1;
    if (is_given(raw) && !is_json_string(raw) && !is_json_list(raw)) {
        fail("", "must be a string or a list");
    } else if (is_given(raw)) {
        add_system_message(raw);
    }
}

// One string where no part carries a cache mark: as every server takes it.
void messages_turns::add_system_message(std::string_view content) {
    if (is_json_string(content)) {
        begin_message("system");
        out_ += content;
        out_ += '}';
        return;
    }
    std::vector<text_part> texts;
    bool has_cache = false;
    block_ = -1;
    walk_list(content, [&](std::string_view raw) {
        ++block_;
        block b;
        if (fault_ || !read_block(raw, b)) {
            return;
        }
        if (!is_string(b.type, "text")) {
            refuse_block(b.type);
        } else if (expect_string(b.text, "text")) {
            texts.push_back({string_body(b.text), b.cache});
            has_cache = has_cache || is_given(b.cache);
        }
    });
    block_ = -1;
    if (texts.empty()) {
        return;
    }
    begin_message("system");
    out_ += has_cache ? '[' : '"';
    for (const auto& t : texts) {
        const bool is_first = &t == &texts.front();
        if (has_cache) {
            out_ += is_first ? "" : ",";
            append_text_part(out_, t.text, t.cache);
        } else {
            out_ += is_first ? std::string_view{} : blank_line;
            out_ += t.text;
        }
    }
    out_ += has_cache ? "]}" : "\"}";
}

void messages_turns::add_messages(std::string_view raw) {
    base_ = "messages";
    message_ = block_ = inner_ = -1;
    if (!is_json_list(raw)) {
        fail("", raw.empty() ? "must be given" : "must be a non-empty list");
        return;
    }
    walk_list(raw, [&](std::string_view message) {
        ++message_;
        if (!fault_) {
            add_message(message);
        }
    });
    const bool is_empty = message_ < 0;
    message_ = -1;
    if (is_empty) {
        fail("", "must be a non-empty list");
    }
}

void messages_turns::add_message(std::string_view raw) {
    std::string_view role;
    std::string_view content;
    if (!is_json_object(raw)) {
        fail("", "must be an object");
        return;
    }
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        if (key == "role") {
            role = value;
        } else if (key == "content") {
            content = value;
        }
    });
    block_ = inner_ = -1;
    if (!is_json_string(content) && !is_json_list(content)) {
        fail("content", content.empty() ? "must be given" : "must be a string or a list");
    } else if (is_string(role, "user")) {
        add_user(content);
    } else if (is_string(role, "assistant")) {
        add_assistant(content);
    } else if (is_string(role, "system")) {
        add_system_message(content);
    } else {
        fail("role", role.empty() ? "must be given" : "must be 'user' or 'assistant'");
    }
}

void messages_turns::add_assistant(std::string_view content) {
    if (is_json_string(content)) {
        begin_message("assistant");
        out_ += content;
        out_ += '}';
        return;
    }
    spoken_ = {};
    walk_list(content, [&](std::string_view raw) {
        ++block_;
        block b;
        if (!fault_ && read_block(raw, b)) {
            take_assistant_block(b);
        }
    });
    block_ = -1;
    flush_spoken();
}

bool messages_turns::take_assistant_block(const block& b) {
    if (is_string(b.type, "text")) {
        if (!expect_string(b.text, "text")) {
            return false;
        }
        spoken_.texts.push_back({string_body(b.text), b.cache});
        return true;
    }
    if (is_string(b.type, "tool_use")) {
        return take_call(b);
    }
    if (is_string(b.type, "thinking") || is_string(b.type, "redacted_thinking")) {
        return take_thinking(b);
    }
    return refuse_block(b.type);
}

bool messages_turns::take_thinking(const block& b) {
    const bool is_redacted = is_string(b.type, "redacted_thinking");
    if (is_redacted ? !expect_string(b.data, "data") : !expect_string(b.thinking, "thinking")) {
        return false;
    }
    if (!is_redacted && is_given(b.signature) && !expect_string(b.signature, "signature")) {
        return false;
    }
    const auto text = string_body(b.thinking);
    if (!is_redacted && string_body(b.signature).empty()) {
        spoken_.unsigned_text += text;
        return true;
    }
    // Where a model thought again between its texts, the order is kept by a message of its own. Not behind calls, whose
    // results have to follow, and not behind a copy of the same without its signature.
    if (!spoken_.texts.empty() && spoken_.calls.empty() && spoken_.unsigned_text.empty()) {
        flush_spoken();
        spoken_ = {};
    }
    spoken_.signed_text += text;
    spoken_.blocks += spoken_.blocks.empty() ? "" : ",";
    spoken_.blocks += b.raw;
    return true;
}

bool messages_turns::take_call(const block& b) {
    if (!expect_string(b.id, "id") || !expect_string(b.name, "name")) {
        return false;
    }
    if (!is_json_object(b.input)) {
        return fail("input", b.input.empty() ? "must be given" : "must be an object");
    }
    auto& calls = spoken_.calls;
    calls += calls.empty() ? R"({"id":)" : R"(,{"id":)";
    calls += b.id;
    calls += R"(,"type":"function","function":{"name":)";
    calls += b.name;
    calls += R"(,"arguments":)";
    append_json_string(calls, b.input);
    calls += "}}";
    return true;
}

void messages_turns::flush_spoken() {
    const auto& s = spoken_;
    const bool has_cache =
        std::ranges::any_of(s.texts, [](const auto& t) { return is_given(t.cache); });
    begin_message("assistant");
    if (s.texts.empty()) {
        out_ += s.is_empty() ? R"("")" : "null";
    } else {
        out_ += has_cache ? '[' : '"';
        for (const auto& t : s.texts) {
            if (has_cache) {
                out_ += &t == &s.texts.front() ? "" : ",";
                append_text_part(out_, t.text, t.cache);
            } else {
                out_ += t.text;
            }
        }
        out_ += has_cache ? ']' : '"';
    }
    const auto& thought = s.blocks.empty() ? s.unsigned_text : s.signed_text;
    if (!thought.empty()) {
        out_.append(R"(,"reasoning_content":")").append(thought).append("\"");
    }
    if (!s.blocks.empty()) {
        out_.append(R"(,"thinking_blocks":[)").append(s.blocks).append("]");
    }
    if (!s.calls.empty()) {
        out_.append(R"(,"tool_calls":[)").append(s.calls).append("]");
    }
    out_ += '}';
}

}  // namespace meta_model::api
