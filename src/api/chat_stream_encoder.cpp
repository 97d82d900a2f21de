#include "api/chat_stream_encoder.hpp"

#include "api/content_slices.hpp"
#include "api/error_body.hpp"
#include "api/json_walk.hpp"
#include "api/reply_ids.hpp"
#include "api/usage_json.hpp"

namespace meta_model::api {

namespace {

constexpr std::string_view content_open = R"({"content":")";
constexpr std::string_view text_close = R"("})";
constexpr std::string_view empty_role = R"({"role":"assistant","content":""})";
constexpr std::string_view null_role = R"({"role":"assistant","content":null})";

}  // namespace

chat_stream_encoder::chat_stream_encoder(std::string& out, const chat_stream_options& options)
    : out_(out),
      include_usage_(options.include_usage),
      expose_reasoning_(options.expose_reasoning) {
    head_ = R"(data: {"id":)";
    append_json_string(head_, options.id.empty() ? make_completion_id() : options.id);
    head_ += R"(,"object":"chat.completion.chunk","created":)";
    append_json_number(head_, options.created);
    head_ += R"(,"model":)";
    append_json_string(head_, options.model);
    head_ += R"(,"choices":)";

    prefix_ = head_ + R"([{"index":0,"delta":)";
    after_finish_ = include_usage_ ? "}],\"usage\":null}\n\n" : "}]}\n\n";
    suffix_ = R"(,"finish_reason":null)" + after_finish_;
    if (!options.extension.empty()) {
        set_extension(options.extension);
    }
    content_prefix_ = prefix_;
    content_prefix_ += content_open;
    content_suffix_ = text_close;
    content_suffix_ += suffix_;
}

void chat_stream_encoder::set_extension(std::string_view json) {
    if (!json.empty()) {
        extension_ = R"(}],"x_meta_model":)";
        append_on_one_line(extension_, json);
    }
}

void chat_stream_encoder::on_event(const answer_event& event) {
    const bool is_late = phase_ == phase::finished && event.kind != answer_event_kind::usage
                         && event.kind != answer_event_kind::failure;
    if (is_late || phase_ == phase::closed || phase_ == phase::failed) {
        return;
    }
    switch (event.kind) {
        case answer_event_kind::start: return;
        case answer_event_kind::text_delta: return on_text(event.text);
        case answer_event_kind::reasoning_delta: return on_reasoning(event);
        case answer_event_kind::reasoning_list: return on_reasoning_list(event);
        case answer_event_kind::refusal_delta:
            return add_text_chunk(R"({"refusal":")", event.text, text_close);
        case answer_event_kind::tool_call_delta: return on_tool_call(event);
        case answer_event_kind::function_delta: return on_function(event);
        case answer_event_kind::finish: return on_finish(event.text);
        case answer_event_kind::usage:
            usage_.clear();
            if (include_usage_ && event.usage != nullptr) {
                append_usage(usage_, *event.usage);
            }
            return;
        case answer_event_kind::failure: return on_failure(event.error);
    }
}

void chat_stream_encoder::on_text(std::string_view text) {
    if (text.empty()) {
        return;
    }
    open(empty_role);
    out_ += content_prefix_;
    append_json_escaped(out_, text);
    out_ += content_suffix_;
}

void chat_stream_encoder::on_reasoning(const answer_event& event) {
    if (expose_reasoning_) {
        const bool is_short = event.name == "reasoning";
        add_text_chunk(
            is_short ? R"({"reasoning":")" : R"({"reasoning_content":")", event.text, text_close
        );
    }
}

void chat_stream_encoder::on_reasoning_list(const answer_event& event) {
    if (!expose_reasoning_) {
        return;
    }
    open(empty_role);
    out_ += prefix_;
    out_ += "{\"";
    out_ += event.name;
    out_ += "\":";
    append_on_one_line(out_, event.text);
    out_ += '}';
    out_ += suffix_;
}

void chat_stream_encoder::on_tool_call(const answer_event& event) {
    const auto index = indices_.position_of(event.index);
    if (index >= calls_.size()) {
        calls_.emplace_back();
    }
    auto& call = calls_[index];
    if (call.is_announced) {
        add_arguments_chunk(index, event.text, event.extra);
        return;
    }
    if (call.id.empty()) {
        call.id = event.id;
    }
    if (!event.extra.empty()) {
        call.extra = event.extra;
    }
    call.arguments += event.text;
    // Clients take id and name from a call's first delta, so it waits for its name.
    if (!event.name.empty()) {
        announce_call(index, event.name, call.arguments);
    }
}

void chat_stream_encoder::on_function(const answer_event& event) {
    open(null_role);
    out_ += prefix_;
    out_ += R"({"function_call":{)";
    if (!has_function_call_) {
        out_ += R"("name":)";
        append_json_string(out_, event.name);
        out_ += ',';
    }
    has_function_call_ = true;
    out_ += R"("arguments":)";
    append_json_string(out_, event.text);
    out_ += "}}";
    out_ += suffix_;
}

void chat_stream_encoder::on_finish(std::string_view reason) {
    announce_waiting_calls();
    open(empty_role);
    out_ += prefix_;
    out_ += R"({},"finish_reason":)";
    append_json_string(out_, reason.empty() ? default_finish_reason() : reason);
    // The extension closes the list of choices in place of what follows.
    out_ += extension_;
    out_ += std::string_view(after_finish_).substr(extension_.empty() ? 0 : 2);
    phase_ = phase::finished;
}

void chat_stream_encoder::on_failure(const base::error* error) {
    append_error_event(out_, error != nullptr ? *error : base::error{});
    phase_ = phase::failed;
}

void chat_stream_encoder::close() {
    if (phase_ != phase::finished) {
        return;
    }
    if (include_usage_) {
        out_ += head_;
        out_ += R"([],"usage":)";
        out_ += usage_.empty() ? std::string_view("null") : usage_;
        out_ += "}\n\n";
    }
    out_ += "data: [DONE]\n\n";
    phase_ = phase::closed;
}

void chat_stream_encoder::open(std::string_view role_delta) {
    if (phase_ != phase::empty) {
        return;
    }
    out_ += prefix_;
    out_ += role_delta;
    out_ += suffix_;
    phase_ = phase::open;
}

void chat_stream_encoder::announce_call(
    std::size_t index, std::string_view name, std::string_view arguments
) {
    open(null_role);
    auto& call = calls_[index];
    out_ += prefix_;
    out_ += R"({"tool_calls":[{"index":)";
    append_json_number(out_, static_cast<std::int64_t>(index));
    out_ += R"(,"id":)";
    append_json_string(out_, call.id.empty() ? make_call_id() : call.id);
    out_ += R"(,"type":"function","function":{"name":)";
    append_json_string(out_, name);
    out_ += R"(,"arguments":)";
    append_json_string(out_, arguments);
    close_call(call.extra);
    call = {.is_announced = true};
}

void chat_stream_encoder::announce_waiting_calls() {
    for (std::size_t i = 0; i < calls_.size(); ++i) {
        if (!calls_[i].is_announced) {
            announce_call(i, "", calls_[i].arguments);
        }
    }
}

void chat_stream_encoder::add_text_chunk(
    std::string_view before, std::string_view text, std::string_view after
) {
    if (text.empty()) {
        return;
    }
    open(empty_role);
    out_ += prefix_;
    out_ += before;
    append_json_escaped(out_, text);
    out_ += after;
    out_ += suffix_;
}

void chat_stream_encoder::close_call(std::string_view extra) {
    out_ += '}';
    if (!extra.empty()) {
        out_ += R"(,"extra_content":)";
        append_on_one_line(out_, extra);
    }
    out_ += "}]}";
    out_ += suffix_;
}

void chat_stream_encoder::add_arguments_chunk(
    std::size_t index, std::string_view arguments, std::string_view extra
) {
    if (arguments.empty() && extra.empty()) {
        return;
    }
    out_ += prefix_;
    out_ += R"({"tool_calls":[{"index":)";
    append_json_number(out_, static_cast<std::int64_t>(index));
    out_ += R"(,"function":{"arguments":)";
    append_json_string(out_, arguments);
    close_call(extra);
}

std::string_view chat_stream_encoder::default_finish_reason() const {
    if (!calls_.empty()) {
        return "tool_calls";
    }
    return has_function_call_ ? "function_call" : "stop";
}

namespace {

// Each block behind its own text. False, with nothing told: the blocks do not say what was shown.
bool emit_thinking_in_turn(const draft& answer, answer_listener& to) {
    constexpr std::size_t most_blocks = 1024;  // each is an event of its own
    if (answer.reasoning_content.empty()) {
        return false;
    }
    std::vector<std::pair<std::string_view, std::string>> blocks;  // raw, and the text of it
    std::string all;
    walk_list(answer.thinking_blocks, [&](std::string_view block) {
        auto& [raw, text] = blocks.emplace_back(block, std::string());
        append_unescaped(text, string_body(find_member(raw, "thinking")));
        all += text;
    });
    if (blocks.size() > most_blocks || all != answer.reasoning_content) {
        return false;
    }
    for (const auto& [raw, text] : blocks) {
        if (!text.empty()) {
            to.on_event(
                {.kind = answer_event_kind::reasoning_delta,
                 .text = text,
                 .name = "reasoning_content"}
            );
        }
        const auto list = '[' + std::string(raw) + ']';
        to.on_event(
            {.kind = answer_event_kind::reasoning_list, .text = list, .name = "thinking_blocks"}
        );
    }
    return true;
}

}  // namespace

void emit_whole_draft(const draft& answer, answer_listener& to, thinking_telling telling) {
    using kind = answer_event_kind;
    const auto emit_text = [&](kind k, std::string_view text, std::string_view name = {}) {
        if (!text.empty()) {
            to.on_event({.kind = k, .text = text, .name = name});
        }
    };
    to.on_event({.kind = kind::start, .id = answer.id, .model = answer.model});
    const bool has_seal = answer.thinking_blocks.size() <= max_seal_bytes
                          && answer.reasoning_details.size() <= max_seal_bytes;
    const bool is_told =
        has_seal && telling == thinking_telling::in_turn && emit_thinking_in_turn(answer, to);
    if (!is_told) {
        emit_text(kind::reasoning_delta, answer.reasoning_content, "reasoning_content");
    }
    emit_text(kind::reasoning_delta, answer.reasoning, "reasoning");
    if (has_seal && !is_told) {
        emit_text(kind::reasoning_list, answer.thinking_blocks, "thinking_blocks");
    }
    if (has_seal) {
        emit_text(kind::reasoning_list, answer.reasoning_details, "reasoning_details");
    }
    if (answer.content && answer.content->empty()) {
        to.on_event({.kind = kind::text_delta});  // "" and null stay apart
    } else if (answer.content) {
        for_each_content_slice(*answer.content, [&](auto piece) {
            emit_text(kind::text_delta, piece);
        });
    }
    emit_text(kind::refusal_delta, answer.refusal);

    int index = 0;
    for (const auto& call : answer.tool_calls) {
        to.on_event(
            {.kind = kind::tool_call_delta,
             .text = call.arguments,
             .id = call.id,
             .name = call.name,
             .extra = call.extra_content,
             .index = index++}
        );
    }
    const bool has_calls = !answer.tool_calls.empty();
    const bool has_content = answer.content && !answer.content->empty();
    const bool is_legacy = answer.function_call && !has_calls && !has_content;
    if (is_legacy) {
        const auto& call = *answer.function_call;
        to.on_event({.kind = kind::function_delta, .text = call.arguments, .name = call.name});
    }

    const std::string_view implied = has_calls   ? "tool_calls"
                                     : is_legacy ? "function_call"
                                                 : "stop";
    to.on_event(
        {.kind = kind::finish, .text = answer.finish_reason.empty() ? implied : answer.finish_reason
        }
    );
    if (answer.usage) {
        to.on_event({.kind = kind::usage, .usage = &*answer.usage});
    }
}

}  // namespace meta_model::api
