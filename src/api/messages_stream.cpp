#include "api/messages_stream.hpp"

#include "api/json_walk.hpp"
#include "api/messages_error.hpp"
#include "api/sse_events.hpp"
#include "api/usage_json.hpp"

#include <algorithm>

namespace meta_model::api {

namespace {

constexpr std::string_view ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

// Whether two escaped texts say the same: what went through us may be escaped in another way.
bool is_same_text(std::string_view a, std::string_view b) {
    if (a == b) {
        return true;
    }
    std::string text_a;
    std::string text_b;
    return append_unescaped(text_a, a) && append_unescaped(text_b, b) && text_a == text_b;
}

}  // namespace

struct messages_translator::delta_members {
    std::string_view content{};
    std::string_view refusal{};
    std::string_view reasoning_content{};
    std::string_view reasoning{};
    std::string_view thinking_blocks{};
    std::string_view tool_calls{};
    std::string_view function_call{};
};

std::string messages_translator::error(int status, std::string_view body) {
    return messages_error_of_chat(status, body, request_id_);
}

void messages_translator::take_event(std::string_view event, std::string& out) {
    out_ = &out;
    const auto data = event_data(event, joined_);
    if (is_over_) {
        return;
    }
    if (data.empty()) {
        out += event.starts_with(':') ? ping : std::string_view{};
    } else if (data == "[DONE]") {
        end(out);
    } else {
        take_chunk(data);
    }
}

void messages_translator::end(std::string& out) {
    out_ = &out;
    if (is_over_) {
        return;
    }
    if (finish_reason_.empty()) {
        fail("api_error", "The stream ended before the answer did.");
    } else {
        finish();
    }
}

void messages_translator::take_chunk(std::string_view data) {
    std::string_view id;
    std::string_view model;
    std::string_view choices;
    std::string_view usage;
    std::string_view error;
    std::string_view extension;
    const bool is_object = walk_object(data, [&](std::string_view key, std::string_view value) {
        if (key == "id") {
            id = value;
        } else if (key == "model") {
            model = value;
        } else if (key == "choices") {
            choices = value;
        } else if (key == "usage") {
            usage = value;
        } else if (key == "error") {
            error = value;
        } else if (key == "x_meta_model") {
            extension = value;
        }
    });
    if (!is_object) {
        return;
    }
    if (is_given(error) && error != "false") {
        take_error(data);
        return;
    }
    bool has_choices = false;
    walk_list(choices, [&](std::string_view choice) {
        begin(id, model);
        has_choices = true;
        take_choice(choice);
    });
    usage_.take(usage);
    take_extension(extension, has_choices);
    if (held_bytes_ > max_held_bytes && !is_over_) {
        fail("api_error", "The answer tells more at once than is kept.");
    }
}

void messages_translator::take_extension(std::string_view extension, bool is_beside_choices) {
    if (!is_json_object(extension) || is_over_) {
        return;
    }
    if (is_beside_choices || find_member(extension, "progress").empty()) {
        extension_ = extension;
        return;
    }
    // Clients pass over pings, and over members that they do not know.
    *out_ += "event: ping\ndata: {\"type\":\"ping\",\"x_meta_model\":";
    append_on_one_line(*out_, extension);
    *out_ += "}\n\n";
}

void messages_translator::take_error(std::string_view data) {
    *out_ += "event: error\ndata: ";
    *out_ += messages_error_of_chat(0, data, request_id_);
    *out_ += "\n\n";
    is_over_ = true;
}

void messages_translator::fail(std::string_view type, std::string_view message) {
    std::string error = R"({"error":{"type":)";
    append_json_string(error, type);
    error += R"(,"message":)";
    append_json_string(error, message);
    error += "}}";
    take_error(error);
}

void messages_translator::begin(std::string_view id, std::string_view model) {
    if (has_begun_) {
        return;
    }
    has_begun_ = true;
    *out_ += "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":";
    append_message_id(*out_, id);
    *out_ += R"(,"type":"message","role":"assistant","model":)";
    *out_ += is_json_string(model) ? model : R"("")";
    *out_ += R"(,"content":[],"stop_reason":null,"stop_sequence":null,"usage":)";
    usage_.append(*out_);
    *out_ += "}}\n\n";
}

void messages_translator::take_choice(std::string_view choice) {
    std::string_view delta;
    std::string_view index;
    std::string_view finish;
    std::string_view stopped_by;
    walk_object(choice, [&](std::string_view key, std::string_view value) {
        if (key == "delta") {
            delta = value;
        } else if (key == "index") {
            index = value;
        } else if (key == "finish_reason") {
            finish = value;
        } else if (key == "stop_reason") {
            stopped_by = value;
        }
    });
    if (is_over_ || (is_given(index) && index != "0")) {
        return;
    }
    if (is_json_object(delta)) {
        take_delta(delta);
    }
    if (is_json_string(finish) && finish_reason_.empty()) {
        finish_reason_ = finish;
        stopped_by_ = is_json_string(stopped_by) ? stopped_by : std::string_view{};
    }
}

void messages_translator::take_delta(std::string_view delta) {
    delta_members m;
    walk_object(delta, [&](std::string_view key, std::string_view value) {
        for (const auto& [name, member] : {
                 std::pair{std::string_view("content"), &m.content},
                 std::pair{std::string_view("refusal"), &m.refusal},
                 std::pair{std::string_view("reasoning_content"), &m.reasoning_content},
                 std::pair{std::string_view("reasoning"), &m.reasoning},
                 std::pair{std::string_view("thinking_blocks"), &m.thinking_blocks},
                 std::pair{std::string_view("tool_calls"), &m.tool_calls},
                 std::pair{std::string_view("function_call"), &m.function_call},
             }) {
            *member = key == name ? value : *member;
        }
    });
    const auto thought =
        string_body(is_json_string(m.reasoning_content) ? m.reasoning_content : m.reasoning);
    add(block_kind::thinking, 0, thought);
    if (!thought.empty()) {
        last_thought_ = thought;
    }
    if (is_json_list(m.thinking_blocks)) {
        take_thinking_blocks(m.thinking_blocks, !thought.empty());
        last_thought_.clear();
    }
    add(block_kind::text, 0, string_body(m.content));
    walk_list(m.content, [&](std::string_view part) {
        if (is_string(find_member(part, "type"), "text")) {
            add(block_kind::text, 0, string_body(find_member(part, "text")));
        }
    });
    add(block_kind::text, 0, string_body(m.refusal));
    walk_list(m.tool_calls, [&](std::string_view call) { take_call(call); });
    if (is_json_object(m.function_call)) {
        std::string call = R"({"index":-1,"function":)";
        call.append(m.function_call).append("}");
        take_call(call);
    }
}

// A signature belongs to the thinking that was just told. One that comes later, behind a text, comes with its block again. A
// piece without one may say again what was told beside it, or in the delta before.
void messages_translator::take_thinking_blocks(std::string_view list, bool has_reasoning) {
    walk_list(list, [&](std::string_view raw) {
        const auto type = find_member(raw, "type");
        if (is_string(type, "redacted_thinking")) {
            if (auto* const b = push(block_kind::redacted, 0)) {
                append_on_one_line(b->text, raw);
                held_bytes_ += b->text.size();
                b->is_whole = true;
                advance();
            }
            return;
        }
        const auto text = string_body(find_member(raw, "thinking"));
        const auto signature = string_body(find_member(raw, "signature"));
        const bool is_repeated = has_reasoning || is_same_text(text, last_thought_);
        if (!is_string(type, "thinking") || (signature.empty() && is_repeated)) {
            return;
        }
        if (signature.empty()) {
            add(block_kind::thinking, 0, text);
            return;
        }
        const bool is_told = blocks_.size() == 1 && blocks_.front().is_open
                             && blocks_.front().kind == block_kind::thinking
                             && (text.empty() || is_same_text(text, thought_));
        auto* const b = is_told ? &blocks_.front() : push(block_kind::thinking, 0);
        if (b == nullptr) {
            return;
        }
        b->is_whole = true;
        b->signature = signature;
        held_bytes_ += signature.size();
        if (!is_told) {
            b->text = text;
            held_bytes_ += text.size();
        }
        advance();
    });
}

void messages_translator::take_call(std::string_view call) {
    const auto function = find_member(call, "function");
    const auto id = find_member(call, "id");
    const auto name = find_member(function, "name");
    const auto arguments = string_body(find_member(function, "arguments"));
    std::string id_text;
    std::string name_text;
    std::string argument_text;
    append_unescaped(id_text, string_body(id));
    append_unescaped(name_text, string_body(name));
    append_unescaped(argument_text, arguments);
    const auto position = calls_.find(find_member(call, "index"), id_text, name_text);
    if (is_over_) {
        return;
    }
    if (position == call_tracker::no_call) {
        fail("api_error", "The answer has more calls than there may be.");
        return;
    }
    calls_.add_arguments(position, argument_text);
    const auto key = static_cast<int>(position);
    has_calls_ = true;
    if (std::ranges::find(closed_calls_, key) != closed_calls_.end()) {
        return;
    }
    auto* b = find(block_kind::tool, key);
    b = b != nullptr ? b : push(block_kind::tool, key);
    if (b == nullptr) {
        return;
    }
    if (!b->is_open && b->id.empty() && is_json_string(id)) {
        b->id = id;
    }
    if (!b->is_open && b->name.empty() && !string_body(name).empty()) {
        b->name = name;
    }
    advance();  // it may have waited for its name, or be the first
    if (std::ranges::find(closed_calls_, key) == closed_calls_.end()) {
        add(block_kind::tool, key, arguments);
    }
}

messages_translator::block* messages_translator::find(block_kind kind, int key) {
    if (kind == block_kind::tool) {
        const auto it = std::ranges::find_if(blocks_, [&](const auto& b) {
            return b.kind == kind && b.key == key;
        });
        return it != blocks_.end() ? &*it : nullptr;
    }
    const bool goes_on =
        !blocks_.empty() && blocks_.back().kind == kind && !blocks_.back().is_whole;
    return goes_on ? &blocks_.back() : nullptr;
}

messages_translator::block* messages_translator::push(block_kind kind, int key) {
    if (is_over_) {
        return nullptr;
    }
    if (blocks_.size() + static_cast<std::size_t>(next_index_) >= max_blocks) {
        fail("api_error", "The answer has more blocks than there may be.");
        return nullptr;
    }
    auto& b = blocks_.emplace_back();
    b.kind = kind;
    b.key = key;
    return &b;
}

void messages_translator::add(block_kind kind, int key, std::string_view escaped) {
    if (escaped.empty() || is_over_) {
        return;
    }
    auto* b = find(kind, key);
    b = b != nullptr ? b : push(kind, key);
    if (b == nullptr) {
        return;
    }
    if (b->is_open) {
        tell(*b, escaped);
    } else {
        b->text += escaped;
        held_bytes_ += escaped.size();
    }
    advance();
}

bool messages_translator::can_close(const block& b) const {
    return b.is_whole || (blocks_.size() > 1 && b.kind != block_kind::tool)
           || (blocks_.size() > 1 && b.arguments.is_complete());
}

// Tells what can be told by now: the first block as far as it came, and the next ones if it is complete.
void messages_translator::advance() {
    while (!blocks_.empty() && !is_over_) {
        auto& first = blocks_.front();
        if (!first.is_open && first.kind == block_kind::tool && first.name.empty()) {
            return;
        }
        if (!first.is_open) {
            open(first);
        }
        if (!can_close(first)) {
            return;
        }
        close(first);
        blocks_.erase(blocks_.begin());
    }
}

void messages_translator::open(block& b) {
    b.is_open = true;
    *out_ += "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":";
    append_json_number(*out_, next_index_);
    *out_ += R"(,"content_block":)";
    held_bytes_ -= std::min(held_bytes_, b.text.size());
    const auto text = std::move(b.text);
    b.text.clear();
    switch (b.kind) {
        case block_kind::text: *out_ += R"({"type":"text","text":""})"; break;
        case block_kind::thinking:
            *out_ += R"({"type":"thinking","thinking":"","signature":""})";
            thought_.clear();
            break;
        case block_kind::redacted: *out_ += text; break;
        case block_kind::tool:
            *out_ += R"({"type":"tool_use","id":)";
            append_call_id_or_new(*out_, b.id);
            *out_ += R"(,"name":)";
            *out_ += b.name.empty() ? R"("")" : std::string_view(b.name);
            *out_ += R"(,"input":{}})";
            break;
    }
    *out_ += "}\n\n";
    if (b.kind != block_kind::redacted && !text.empty()) {
        tell(b, text);
    }
}

void messages_translator::append_delta(
    std::string_view type, std::string_view key, std::string_view escaped
) {
    *out_ += "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":";
    append_json_number(*out_, next_index_);
    *out_ += R"(,"delta":{"type":")";
    *out_ += type;
    *out_ += R"(",")";
    *out_ += key;
    *out_ += R"(":")";
    *out_ += escaped;
    *out_ += "\"}}\n\n";
}

void messages_translator::tell(block& b, std::string_view escaped) {
    if (b.kind == block_kind::text) {
        append_delta("text_delta", "text", escaped);
    } else if (b.kind == block_kind::thinking) {
        append_delta("thinking_delta", "thinking", escaped);
        if (thought_.size() + escaped.size() <= max_held_bytes) {
            thought_ += escaped;
        }
    } else {
        append_delta("input_json_delta", "partial_json", escaped);
        b.arguments.feed(escaped);
    }
}

void messages_translator::close(const block& b) {
    if (b.kind == block_kind::thinking && !b.signature.empty()) {
        append_delta("signature_delta", "signature", b.signature);
        held_bytes_ -= std::min(held_bytes_, b.signature.size());
    }
    if (b.kind == block_kind::tool) {
        closed_calls_.push_back(b.key);
    }
    *out_ += "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":";
    append_json_number(*out_, next_index_++);
    *out_ += "}\n\n";
}

void messages_translator::finish() {
    begin({}, {});
    for (auto& b : blocks_) {
        if (!b.is_open) {
            open(b);
        }
        close(b);
    }
    std::vector<block>().swap(blocks_);
    *out_ += "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{";
    append_stop(*out_, finish_reason_, stopped_by_, has_calls_);
    *out_ += R"(},"usage":)";
    usage_.append(*out_);
    if (!extension_.empty()) {
        *out_ += R"(,"x_meta_model":)";
        append_on_one_line(*out_, extension_);
    }
    *out_ += "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    is_over_ = true;
}

}  // namespace meta_model::api
