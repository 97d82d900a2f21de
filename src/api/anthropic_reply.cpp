#include "api/anthropic_reply.hpp"

#include "api/json_walk.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace meta_model::api {

namespace {

// What no server can have counted is nothing it says.
bool take_count(std::string_view raw, std::int64_t& into) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    std::int64_t n = 0;
    const bool is_count = to_int64(raw, n) && n >= 0 && n <= most;
    into = is_count ? n : into;
    return is_count;
}

struct error_row {
    std::string_view type;
    int status;
    std::string_view code;
};

// The API's error types (https://docs.anthropic.com/en/api/errors).
constexpr std::array<error_row, 9> error_rows{{
    {"invalid_request_error", 400, ""},
    {"authentication_error", 401, "invalid_api_key"},
    {"billing_error", 402, "insufficient_quota"},
    {"permission_error", 403, ""},
    {"not_found_error", 404, "model_not_found"},
    {"request_too_large", 413, "request_too_large"},
    {"rate_limit_error", 429, "rate_limit_exceeded"},
    {"overloaded_error", 503, "overloaded"},
    {"timeout_error", 504, "upstream_timeout"},
}};

bool is_about_context(std::string_view message) {
    const auto text = base::ascii_lower(message.substr(0, 1024));
    constexpr std::array<std::string_view, 3> phrases{
        "prompt is too long", "exceed context limit", "context window"
    };
    return std::ranges::any_of(phrases, [&](auto phrase) {
        return text.find(phrase) != std::string::npos;
    });
}

// The blocks of a whole message, as the chat wire's members.
struct message_parts {
    std::string text{};      // escaped
    std::string thinking{};  // escaped
    std::string blocks{};    // of thinking, as they came
    std::string calls{};

    void take(std::string_view block);
};

void message_parts::take(std::string_view block) {
    const auto type = find_member(block, "type");
    if (is_string(type, "text")) {
        text += string_body(find_member(block, "text"));
    } else if (is_string(type, "thinking") || is_string(type, "redacted_thinking")) {
        thinking += string_body(find_member(block, "thinking"));
        blocks += blocks.empty() ? "" : ",";
        blocks += block;
    } else if (is_string(type, "tool_use")) {
        const auto id = find_member(block, "id");
        const auto name = find_member(block, "name");
        const auto input = find_member(block, "input");
        calls += calls.empty() ? R"({"id":)" : R"(,{"id":)";
        calls += is_json_string(id) ? id : R"("")";
        calls += R"(,"type":"function","function":{"name":)";
        calls += is_json_string(name) ? name : R"("")";
        calls += R"(,"arguments":)";
        append_json_string(calls, is_json_object(input) ? input : "{}");
        calls += "}}";
    }
}

void append_message(std::string& out, const message_parts& parts, std::string_view refusal) {
    out += R"("message":{"role":"assistant","content":)";
    if (parts.text.empty()) {
        out += "null";
    } else {
        out.append("\"").append(parts.text).append("\"");
    }
    out += R"(,"refusal":)";
    if (refusal.empty()) {
        out += "null";
    } else {
        out.append("\"").append(refusal).append("\"");
    }
    if (!parts.thinking.empty()) {
        out.append(R"(,"reasoning_content":")").append(parts.thinking).append("\"");
    }
    if (!parts.blocks.empty()) {
        out.append(R"(,"thinking_blocks":[)").append(parts.blocks).append("]");
    }
    if (!parts.calls.empty()) {
        out.append(R"(,"tool_calls":[)").append(parts.calls).append("]");
    }
    out += '}';
}

}  // namespace

void messages_usage::take(std::string_view raw) {
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        if (key == "input_tokens") {
            take_count(value, input_tokens);
        } else if (key == "output_tokens") {
            is_told = take_count(value, output_tokens) || is_told;
        } else if (key == "cache_creation_input_tokens") {
            take_count(value, cache_creation_tokens);
        } else if (key == "cache_read_input_tokens") {
            take_count(value, cache_read_tokens);
        } else if (key == "output_tokens_details") {
            take_count(find_member(value, "thinking_tokens"), thinking_tokens);
        }
    });
}

token_usage messages_usage::as_chat() const {
    token_usage out;
    out.prompt_tokens = input_tokens + cache_creation_tokens + cache_read_tokens;
    out.completion_tokens = output_tokens;
    out.total_tokens = out.prompt_tokens + out.completion_tokens;
    out.cached_tokens = cache_read_tokens;
    out.cache_write_tokens = cache_creation_tokens;
    out.reasoning_tokens = std::max<std::int64_t>(0, thinking_tokens);
    return out;
}

void messages_usage::append(std::string& out) const {
    const auto prompt = input_tokens + cache_creation_tokens + cache_read_tokens;
    out += R"({"prompt_tokens":)";
    append_json_number(out, prompt);
    out += R"(,"completion_tokens":)";
    append_json_number(out, output_tokens);
    out += R"(,"total_tokens":)";
    append_json_number(out, prompt + output_tokens);
    if (cache_read_tokens > 0 || cache_creation_tokens > 0) {
        out += R"(,"prompt_tokens_details":{"cached_tokens":)";
        append_json_number(out, cache_read_tokens);
        out += R"(,"cache_write_tokens":)";
        append_json_number(out, cache_creation_tokens);
        out += '}';
    }
    if (thinking_tokens >= 0) {
        out += R"(,"completion_tokens_details":{"reasoning_tokens":)";
        append_json_number(out, thinking_tokens);
        out += '}';
    }
    out += '}';
}

std::string_view finish_reason_of(std::string_view stop_reason) {
    if (!is_json_string(stop_reason)) {
        return {};
    }
    if (is_string(stop_reason, "max_tokens")
        || is_string(stop_reason, "model_context_window_exceeded")) {
        return "length";
    }
    if (is_string(stop_reason, "tool_use")) {
        return "tool_calls";
    }
    return is_string(stop_reason, "refusal") ? "content_filter" : "stop";
}

void append_stopped_by(std::string& out, std::string_view stop_sequence) {
    if (is_json_string(stop_sequence)) {
        out += R"(,"stop_reason":)";
        out += stop_sequence;
    }
}

std::string refusal_of(std::string_view stop_details) {
    const auto told = string_body(find_member(stop_details, "explanation"));
    return std::string(told.empty() ? "The model declined to answer." : told);
}

int chat_status_of(int status) {
    return status == 529 ? 503 : status;
}

bool append_chat_completion(
    std::string_view message, std::string_view model, std::int64_t created, std::string& out
) {
    std::string_view id;
    std::string_view own_model;
    std::string_view content;
    std::string_view stop_reason;
    std::string_view stop_sequence;
    std::string_view stop_details;
    std::string_view usage_object;
    const bool is_object = walk_object(message, [&](std::string_view key, std::string_view value) {
        if (key == "id") {
            id = value;
        } else if (key == "model") {
            own_model = value;
        } else if (key == "content") {
            content = value;
        } else if (key == "stop_reason") {
            stop_reason = value;
        } else if (key == "stop_sequence") {
            stop_sequence = value;
        } else if (key == "stop_details") {
            stop_details = value;
        } else if (key == "usage") {
            usage_object = value;
        }
    });
    if (!is_object || !is_json_list(content)) {
        return false;
    }
    message_parts parts;
    walk_list(content, [&](std::string_view block) { parts.take(block); });
    const auto finish = finish_reason_of(stop_reason);
    out += R"({"id":)";
    out += is_json_string(id) ? id : R"("")";
    out += R"(,"object":"chat.completion","created":)";
    append_json_number(out, created);
    out += R"(,"model":)";
    if (is_json_string(own_model)) {
        out += own_model;
    } else {
        append_json_string(out, model);
    }
    out += R"(,"choices":[{"index":0,)";
    append_message(out, parts, finish == "content_filter" ? refusal_of(stop_details) : "");
    out += R"(,"logprobs":null,"finish_reason":)";
    append_json_string(out, finish.empty() ? "stop" : finish);
    append_stopped_by(out, stop_sequence);
    out += "}]";
    messages_usage usage;
    usage.take(usage_object);
    if (usage.is_told) {
        out += R"(,"usage":)";
        usage.append(out);
    }
    out += '}';
    return true;
}

bool append_chat_error(std::string_view json, int status, std::string& out) {
    const auto error = find_member(json, "error");
    if (!is_json_object(error)) {
        return false;
    }
    const auto type = find_member(error, "type");
    const auto message = find_member(error, "message");
    const auto* const row =
        std::ranges::find_if(error_rows, [&](const auto& r) { return is_string(type, r.type); });
    const bool is_known = row != error_rows.end();
    const int stands_for = status != 0 ? chat_status_of(status) : is_known ? row->status : 500;
    auto code = is_known ? row->code : std::string_view{};
    if (stands_for == 400 && is_about_context(string_body(message))) {
        code = "context_length_exceeded";
    }
    out += R"({"error":{)";
    if (status == 0) {
        out += R"("status":)";  // first: who clips the text keeps it
        append_json_number(out, stands_for);
        out += ',';
    }
    out += R"("message":)";
    out += is_json_string(message) ? message : R"("The model server reported an error.")";
    out += R"(,"type":)";
    append_json_string(out, base::default_type(stands_for));
    out += R"(,"param":null,"code":)";
    if (code.empty()) {
        out += "null";
    } else {
        append_json_string(out, code);
    }
    out += "}}";
    return true;
}

}  // namespace meta_model::api
