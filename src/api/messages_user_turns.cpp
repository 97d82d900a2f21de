// The user's side of messages_turns: texts, images, results of calls.
#include "api/json_walk.hpp"
#include "api/messages_turns.hpp"

#include <algorithm>

namespace meta_model::api {

namespace {

using base::error_code_id;

bool begins_with_error(std::string_view escaped) {
    constexpr std::string_view word = "error";
    return escaped.size() >= word.size()
           && std::ranges::equal(escaped.substr(0, word.size()), word, [](char a, char b) {
                  return (a | 0x20) == b;
              });
}

}  // namespace

// The results of calls come first: they belong directly behind the turn that made the calls.
void messages_turns::add_user(std::string_view content) {
    if (is_json_string(content)) {
        begin_message("user");
        out_ += content;
        out_ += '}';
        return;
    }
    parts_.clear();
    part_count_ = 0;
    walk_list(content, [&](std::string_view raw) {
        ++block_;
        block b;
        if (!fault_ && read_block(raw, b)) {
            take_user_block(b);
        }
    });
    const bool is_empty = block_ < 0;
    block_ = -1;
    if (is_empty) {
        fail("content", "must not be empty");
    }
    flush_parts();
}

bool messages_turns::take_user_block(const block& b) {
    if (is_string(b.type, "tool_result")) {
        return append_result(b);
    }
    const bool is_text = is_string(b.type, "text");
    if (!is_text && !is_string(b.type, "image")) {
        return refuse_block(b.type);
    }
    if (is_text && !expect_string(b.text, "text")) {
        return false;
    }
    parts_ += part_count_ == 0 ? "" : ",";
    ++part_count_;
    only_text_ = {};
    if (!is_text) {
        return append_image(parts_, b);
    }
    append_text_part(parts_, string_body(b.text), b.cache);
    if (part_count_ == 1 && !is_given(b.cache)) {
        only_text_ = b.text;
    }
    return true;
}

void messages_turns::flush_parts() {
    if (part_count_ == 0) {
        return;
    }
    begin_message("user");
    if (!only_text_.empty()) {
        out_ += only_text_;
    } else {
        out_ += '[';
        out_ += parts_;
        out_ += ']';
    }
    out_ += '}';
}

bool messages_turns::append_image(std::string& out, const block& b) {
    if (!is_json_object(b.source)) {
        return fail("source", b.source.empty() ? "must be given" : "must be an object");
    }
    const auto type = find_member(b.source, "type");
    out += R"({"type":"image_url","image_url":{"url":")";
    if (is_string(type, "base64")) {
        const auto media_type = find_member(b.source, "media_type");
        const auto data = find_member(b.source, "data");
        if (!expect_string(media_type, "source.media_type")
            || !expect_string(data, "source.data")) {
            return false;
        }
        out += "data:";
        out += string_body(media_type);
        out += ";base64,";
        out += string_body(data);
    } else if (is_string(type, "url")) {
        const auto url = find_member(b.source, "url");
        if (!expect_string(url, "source.url")) {
            return false;
        }
        out += string_body(url);
    } else if (is_json_string(type)) {
        return fail(
            "source.type",
            "a source of this type is not supported here",
            error_code_id::unsupported_content_part
        );
    } else {
        return expect_string(type, "source.type");
    }
    out += "\"}";
    append_cache(out, b.cache);
    out += '}';
    return true;
}

bool messages_turns::append_result(const block& b) {
    if (!expect_string(b.tool_use_id, "tool_use_id")) {
        return false;
    }
    if (is_given(b.is_error) && b.is_error != "true" && b.is_error != "false") {
        return fail("is_error", "must be a boolean");
    }
    out_ += out_.size() == begin_ ? R"({"role":"tool","tool_call_id":)"
                                  : R"(,{"role":"tool","tool_call_id":)";
    out_ += b.tool_use_id;
    out_ += R"(,"content":)";
    if (!append_result_content(b)) {
        return false;
    }
    append_cache(out_, b.cache);
    out_ += '}';
    return true;
}

// Texts alone as one string, which is all that most servers take; beside images as parts. The chat wire has no mark for a
// result that is an error, so that its text says it.
bool messages_turns::append_result_content(const block& b) {
    const auto prefix_for = [&](std::string_view escaped) {
        const bool is_needed = b.is_error == "true" && !begins_with_error(escaped);
        return is_needed ? std::string_view("Error: ") : std::string_view{};
    };
    if (!is_given(b.content) || is_json_string(b.content)) {
        const auto text = string_body(b.content);
        out_ += '"';
        out_ += prefix_for(text);
        out_ += text;
        out_ += '"';
        return true;
    }
    if (!is_json_list(b.content)) {
        return fail("content", "must be a string or a list");
    }
    std::string parts;
    std::string text;
    std::size_t count = 0;
    bool has_images = false;
    inner_ = -1;
    walk_list(b.content, [&](std::string_view raw) {
        ++inner_;
        block part;
        if (fault_ || !read_block(raw, part)) {
            return;
        }
        parts += count++ == 0 ? "" : ",";
        if (is_string(part.type, "text") && expect_string(part.text, "text")) {
            const auto body = string_body(part.text);
            text += count == 1 ? prefix_for(body) : std::string_view(R"(\n)");
            text += body;
            append_text_part(parts, body, {});
        } else if (is_string(part.type, "image")) {
            has_images = true;
            append_image(parts, part);
        } else {
            refuse_block(part.type);
        }
    });
    inner_ = -1;
    if (!has_images) {
        out_.append("\"").append(text).append("\"");
        return !fault_;
    }
    out_ += '[';
    if (b.is_error == "true") {
        append_text_part(out_, "Error:", {});
        out_ += ',';
    }
    out_ += parts;
    out_ += ']';
    return !fault_;
}

}  // namespace meta_model::api
