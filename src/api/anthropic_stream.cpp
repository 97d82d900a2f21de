#include "api/anthropic_stream.hpp"

#include "api/json_walk.hpp"
#include "api/usage_json.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace meta_model::api {

namespace {

constexpr std::string_view chunk_end = R"(,"finish_reason":null}]})"
                                       "\n\n";

// In place of an event that is no JSON: whoever reads the chat stream drops it and counts it.
constexpr std::string_view no_event = "data: {\n\n";

// Every chunk repeats them; longer ones count as absent.
bool is_short_name(std::string_view raw) {
    constexpr std::size_t max_name_bytes = 256;
    return is_json_string(raw) && string_body(raw).size() <= max_name_bytes;
}

}  // namespace

anthropic_stream::anthropic_stream(
    std::string_view model, std::int64_t created, bool wants_usage, thinking_telling telling
)
    : created_(created), wants_usage_(wants_usage), telling_(telling) {
    append_json_string(default_model_, model);
}

bool anthropic_stream::feed(std::string_view bytes, std::string& out) {
    out_ = &out;
    return events_.feed(bytes, [this](std::string_view event) {
        take_event(event);
        return true;
    });
}

void anthropic_stream::take_event(std::string_view event) {
    const auto data = event_data(event, joined_);
    if (data.empty() || is_over_) {
        return;
    }
    event_fields e;
    const bool is_object = walk_object(data, [&](std::string_view key, std::string_view value) {
        if (key == "type") {
            e.type = value;
        } else if (key == "index") {
            e.index = value;
        } else if (key == "message") {
            e.message = value;
        } else if (key == "content_block") {
            e.content_block = value;
        } else if (key == "delta") {
            e.delta = value;
        } else if (key == "usage") {
            e.usage = value;
        } else if (key == "error") {
            e.error = value;
        }
    });
    if (!is_object || !base::is_valid_utf8(data)) {
        *out_ += no_event;
        return;
    }
    take_fields(e, data);
}

void anthropic_stream::take_fields(const event_fields& e, std::string_view data) {
    if (is_string(e.type, "content_block_delta")) {
        take_delta(e);
    } else if (is_string(e.type, "content_block_start")) {
        begin_block(e);
    } else if (is_string(e.type, "content_block_stop")) {
        end_block(e);
    } else if (is_string(e.type, "message_start")) {
        usage_.take(find_member(e.message, "usage"));
        usage_.is_told = false;  // its output_tokens stand for what is still to come
        name_answer(find_member(e.message, "id"), find_member(e.message, "model"));
    } else if (is_string(e.type, "message_delta")) {
        take_message_delta(e);
    } else if (is_string(e.type, "message_stop")) {
        is_over_ = true;
        *out_ += has_finish_ ? "data: [DONE]\n\n" : "";
    } else if (is_string(e.type, "error") || (!is_given(e.type) && is_given(e.error))) {
        is_over_ = true;
        *out_ += "data: ";
        if (!append_chat_error(data, 0, *out_)) {
            append_chat_error(R"({"error":{}})", 0, *out_);
        }
        *out_ += "\n\n";
    }
}

void anthropic_stream::name_answer(std::string_view id, std::string_view model) {
    if (!head_.empty()) {
        return;
    }
    head_ = R"(data: {"id":)";
    head_ += is_short_name(id) ? id : R"("")";
    head_ += R"(,"object":"chat.completion.chunk","created":)";
    append_json_number(head_, created_);
    head_ += R"(,"model":)";
    head_ += is_short_name(model) ? model : std::string_view(default_model_);
    head_ += R"(,"choices":[)";
}

// The role goes out with the first of the answer: before that an error can still take its place.
void anthropic_stream::open(bool is_text) {
    if (!is_open_) {
        is_open_ = true;
        name_answer({}, {});
        *out_ += head_;
        *out_ += R"({"index":0,"delta":{"role":"assistant","content":)";
        *out_ += is_text ? R"("")" : "null";
        close_chunk();
    }
    *out_ += head_;
    *out_ += R"({"index":0,"delta":{)";
}

void anthropic_stream::close_chunk() {
    *out_ += '}';
    *out_ += chunk_end;
}

void anthropic_stream::add_string(std::string_view key, std::string_view escaped) {
    if (escaped.empty()) {
        return;
    }
    open(true);
    *out_ += '"';
    *out_ += key;
    *out_ += R"(":")";
    *out_ += escaped;
    *out_ += '"';
    close_chunk();
}

anthropic_stream::block* anthropic_stream::find_block(std::string_view index) {
    const auto found = std::find_if(blocks_.rbegin(), blocks_.rend(), [&](const block& b) {
        return b.index == index;
    });
    return found == blocks_.rend() ? nullptr : &*found;
}

void anthropic_stream::keep_thinking(std::string& into, std::string_view escaped) {
    thinking_bytes_ += escaped.size();
    if (thinking_bytes_ > max_seal_bytes) {
        is_thinking_lost_ = true;
        return;
    }
    into += escaped;
}

void anthropic_stream::begin_block(const event_fields& e) {
    has_begun_ = true;
    if (blocks_.size() == max_blocks) {
        return;
    }
    auto& b = blocks_.emplace_back();
    b.index = base::clip(e.index, 20);
    const auto type = find_member(e.content_block, "type");
    if (is_string(type, "text")) {
        b.kind = block_kind::text;
        add_string("content", string_body(find_member(e.content_block, "text")));
    } else if (is_string(type, "thinking")) {
        b.kind = block_kind::thinking;
        const auto text = string_body(find_member(e.content_block, "thinking"));
        keep_thinking(b.thinking, text);
        keep_thinking(b.signature, string_body(find_member(e.content_block, "signature")));
        add_string("reasoning_content", text);
    } else if (is_string(type, "redacted_thinking")) {
        b.kind = block_kind::thinking;
        keep_thinking(b.own, e.content_block);
    } else if (is_string(type, "tool_use") && static_cast<std::size_t>(call_count_) < max_calls) {
        b.kind = block_kind::tool;
        add_call(b, e.content_block);
    }
}

void anthropic_stream::add_call(block& b, std::string_view content_block) {
    const auto id = find_member(content_block, "id");
    const auto name = find_member(content_block, "name");
    const auto input = find_member(content_block, "input");
    b.call = call_count_++;
    open(false);
    *out_ += R"("tool_calls":[{"index":)";
    append_json_number(*out_, b.call);
    *out_ += R"(,"id":)";
    *out_ += is_json_string(id) ? id : R"("")";
    *out_ += R"(,"type":"function","function":{"name":)";
    *out_ += is_json_string(name) ? name : R"("")";
    *out_ += R"(,"arguments":""}}])";
    close_chunk();
    bool is_empty = true;
    walk_object(input, [&](std::string_view, std::string_view) { is_empty = false; });
    if (!is_empty) {
        add_input(b, input);
    }
}

// In pieces: escaped, the whole can be larger than an event may be.
void anthropic_stream::add_input(block& b, std::string_view input) {
    constexpr std::size_t piece_bytes = 128u << 10;
    const auto is_inside = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
    while (!input.empty()) {
        auto size = std::min(piece_bytes, input.size());
        while (size < input.size() && is_inside(input[size])) {
            --size;
        }
        std::string escaped;
        append_json_escaped(escaped, input.substr(0, size));
        add_arguments(b, escaped);
        input.remove_prefix(size);
    }
}

void anthropic_stream::add_arguments(block& b, std::string_view escaped) {
    if (escaped.empty()) {
        return;
    }
    b.has_arguments = true;
    open(false);
    *out_ += R"("tool_calls":[{"index":)";
    append_json_number(*out_, b.call);
    *out_ += R"(,"function":{"arguments":")";
    *out_ += escaped;
    *out_ += R"("}}])";
    close_chunk();
}

void anthropic_stream::take_delta(const event_fields& e) {
    const auto type = find_member(e.delta, "type");
    if (is_string(type, "text_delta")) {
        add_string("content", string_body(find_member(e.delta, "text")));
        return;
    }
    auto* const b = find_block(e.index);
    if (is_string(type, "thinking_delta")) {
        const auto text = string_body(find_member(e.delta, "thinking"));
        if (b != nullptr) {
            keep_thinking(b->thinking, text);
        }
        add_string("reasoning_content", text);
    } else if (b != nullptr && is_string(type, "signature_delta")) {
        keep_thinking(b->signature, string_body(find_member(e.delta, "signature")));
    } else if (b != nullptr && b->kind == block_kind::tool && is_string(type, "input_json_delta")) {
        add_arguments(*b, string_body(find_member(e.delta, "partial_json")));
    }
}

void anthropic_stream::end_block(const event_fields& e) {
    auto* const b = find_block(e.index);
    if (b != nullptr && b->kind == block_kind::tool && !b->has_arguments) {
        add_arguments(*b, "{}");
    }
    if (b != nullptr && telling_ == thinking_telling::in_turn) {
        tell_thinking({b, 1});
    }
}

// Nothing for a block that no server would take back.
void anthropic_stream::append_thinking(std::string& list, const block& b) {
    const bool is_signed = b.kind == block_kind::thinking && !b.signature.empty();
    if (b.own.empty() && !is_signed) {
        return;
    }
    list += list.empty() ? "" : ",";
    if (!b.own.empty()) {
        append_on_one_line(list, b.own);
        return;
    }
    list += R"({"type":"thinking","thinking":")";
    list += b.thinking;
    list += R"(","signature":")";
    list += b.signature;
    list += R"("})";
}

// One delta for all of them: clients that join deltas member by member keep the whole list.
void anthropic_stream::tell_thinking(std::span<block> blocks) {
    std::string list;
    for (auto& b : blocks) {
        append_thinking(list, b);
        b.own.clear();
        b.signature.clear();
    }
    if (list.empty() || is_thinking_lost_ || list.size() > max_seal_bytes) {
        return;
    }
    open(true);
    *out_ += R"("thinking_blocks":[)";
    *out_ += list;
    *out_ += ']';
    close_chunk();
}

void anthropic_stream::take_message_delta(const event_fields& e) {
    usage_.take(e.usage);
    const auto finish = finish_reason_of(find_member(e.delta, "stop_reason"));
    if (finish.empty() || has_finish_) {
        return;
    }
    has_finish_ = true;
    tell_thinking(blocks_);
    std::vector<block>().swap(blocks_);
    if (finish == "content_filter") {
        add_string("refusal", refusal_of(find_member(e.delta, "stop_details")));
    }
    open(true);
    *out_ += R"(},"finish_reason":)";
    append_json_string(*out_, finish);
    append_stopped_by(*out_, find_member(e.delta, "stop_sequence"));
    *out_ += "}]}\n\n";
    if (wants_usage_ && usage_.is_told) {
        *out_ += head_;
        *out_ += R"(],"usage":)";
        usage_.append(*out_);
        *out_ += "}\n\n";
    }
}

}  // namespace meta_model::api
