#include "api/chat_json_encoder.hpp"

#include "api/json_text.hpp"
#include "api/reply_ids.hpp"
#include "api/usage_json.hpp"

namespace meta_model::api {

namespace {

// What the members around the texts take, roughly.
constexpr std::size_t frame_bytes = 512;

void append_text_member(std::string& out, std::string_view name, std::string_view text) {
    if (text.empty()) {
        return;
    }
    out += ",\"";
    out += name;
    out += "\":";
    append_json_string(out, text);
}

void append_raw_member(std::string& out, std::string_view name, std::string_view json) {
    if (json.empty()) {
        return;
    }
    out += ",\"";
    out += name;
    out += "\":";
    out += json;
}

void append_function(std::string& out, std::string_view name, std::string_view arguments) {
    out += R"({"name":)";
    append_json_string(out, name);
    out += R"(,"arguments":)";
    append_json_string(out, arguments);
    out += '}';
}

void append_tool_calls(std::string& out, const std::vector<tool_call>& calls) {
    if (calls.empty()) {
        return;
    }
    out += R"(,"tool_calls":)";
    char before = '[';
    for (const auto& call : calls) {
        out += before;
        before = ',';
        out += R"({"id":)";
        append_json_string(out, call.id.empty() ? make_call_id() : call.id);
        out += R"(,"type":)";
        append_json_string(out, call.type);
        out += R"(,"function":)";
        append_function(out, call.name, call.arguments);
        append_raw_member(out, "extra_content", call.extra_content);
        out += '}';
    }
    out += ']';
}

void append_message(std::string& out, const draft& answer, bool expose_reasoning) {
    out += R"({"role":"assistant","content":)";
    if (answer.content) {
        append_json_string(out, *answer.content);
    } else {
        out += "null";
    }
    append_text_member(out, "refusal", answer.refusal);
    if (expose_reasoning) {
        append_text_member(out, "reasoning_content", answer.reasoning_content);
        append_text_member(out, "reasoning", answer.reasoning);
        append_raw_member(out, "thinking_blocks", answer.thinking_blocks);
        append_raw_member(out, "reasoning_details", answer.reasoning_details);
    }
    append_raw_member(out, "annotations", answer.annotations);
    append_tool_calls(out, answer.tool_calls);
    if (answer.function_call) {
        out += R"(,"function_call":)";
        append_function(out, answer.function_call->name, answer.function_call->arguments);
    }
    out += '}';
}

const token_usage* usage_to_show(const draft& answer, const chat_reply_options& options) {
    switch (options.usage) {
        case reply_usage::of_draft: return answer.usage ? &*answer.usage : nullptr;
        case reply_usage::of_total: return options.total;
        case reply_usage::none: return nullptr;
    }
    return nullptr;
}

}  // namespace

std::string encode_chat_completion(const draft& answer, const chat_reply_options& options) {
    std::string out;
    out.reserve(frame_bytes + (answer.content ? answer.content->size() * 9 / 8 : 0));
    out += R"({"id":)";
    append_json_string(out, options.id.empty() ? make_completion_id() : options.id);
    out += R"(,"object":"chat.completion","created":)";
    append_json_number(out, options.created);
    out += R"(,"model":)";
    append_json_string(out, options.model);

    out += R"(,"choices":[{"index":0,"message":)";
    append_message(out, answer, options.expose_reasoning);
    append_raw_member(out, "logprobs", answer.logprobs);
    out += R"(,"finish_reason":)";
    if (answer.finish_reason.empty()) {
        out += "null";
    } else {
        append_json_string(out, answer.finish_reason);
    }
    out += "}]";

    if (const auto* usage = usage_to_show(answer, options)) {
        out += R"(,"usage":)";
        append_usage(out, *usage);
    }
    append_text_member(out, "system_fingerprint", answer.system_fingerprint);
    append_raw_member(out, "x_meta_model", options.extension);
    out += '}';
    return out;
}

}  // namespace meta_model::api
