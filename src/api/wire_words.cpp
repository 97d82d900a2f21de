#include "api/wire_words.hpp"

#include "api/anthropic_reply.hpp"
#include "api/chat_wire.hpp"
#include "api/error_body.hpp"
#include "api/json_walk.hpp"
#include "api/messages_error.hpp"
#include "api/sse_events.hpp"
#include "api/usage_json.hpp"

#include <algorithm>
#include <array>

namespace meta_model::api {

namespace {

struct error_word {
    std::string_view word;
    int status;
};

// Anthropic's error types (https://docs.anthropic.com/en/api/errors), then OpenAI's types and codes.
constexpr std::array error_words{
    error_word{"invalid_request_error", 400},
    error_word{"authentication_error", 401},
    error_word{"billing_error", 402},
    error_word{"permission_error", 403},
    error_word{"not_found_error", 404},
    error_word{"request_too_large", 413},
    error_word{"rate_limit_error", 429},
    error_word{"api_error", 500},
    error_word{"overloaded_error", 529},
    error_word{"timeout_error", 504},
    error_word{"rate_limit_exceeded", 429},
    error_word{"insufficient_quota", 429},
    error_word{"server_error", 500},
    error_word{"vector_store_timeout", 504},
    error_word{"model_not_found", 404},
    // The caller's mistakes.
    error_word{"invalid_prompt", 400},
    error_word{"context_length_exceeded", 400},
    error_word{"previous_response_not_found", 400},
    error_word{"invalid_image", 400},
    error_word{"invalid_image_format", 400},
    error_word{"invalid_image_mode", 400},
    error_word{"invalid_image_url", 400},
    error_word{"invalid_base64_image", 400},
    error_word{"image_too_large", 400},
    error_word{"image_too_small", 400},
    error_word{"image_parse_error", 400},
    error_word{"image_content_policy_violation", 400},
    error_word{"image_file_too_large", 400},
    error_word{"image_file_not_found", 400},
    error_word{"unsupported_image_media_type", 400},
    error_word{"empty_image_file", 400},
    error_word{"failed_to_download_image", 400},
    // They speak of the gateway's own credentials.
    error_word{"invalid_api_key", 401},
    error_word{"invalid_organization", 401},
    error_word{"insufficient_permissions", 403},
};

void append_string_or_null(std::string& out, std::string_view text) {
    if (text.empty()) {
        out += "null";
    } else {
        append_json_string(out, text);
    }
}

bool read_responses_usage(std::string_view raw, token_usage& out) {
    const auto count_of = [](std::string_view value) {
        constexpr std::int64_t most = std::int64_t{1} << 40;  // no server can have counted more
        std::int64_t n = 0;
        return to_int64(value, n) && n >= 0 && n <= most ? n : 0;
    };
    walk_object(raw, [&](std::string_view key, std::string_view value) {
        if (key == "input_tokens") {
            out.prompt_tokens = count_of(value);
        } else if (key == "output_tokens") {
            out.completion_tokens = count_of(value);
        } else if (key == "input_tokens_details") {
            out.cached_tokens = count_of(find_member(value, "cached_tokens"));
        } else if (key == "output_tokens_details") {
            out.reasoning_tokens = count_of(find_member(value, "reasoning_tokens"));
        }
    });
    out.total_tokens = out.prompt_tokens + out.completion_tokens;
    return out.total_tokens > 0;
}

}  // namespace

std::string_view heartbeat_of(request_kind kind) {
    return kind == request_kind::messages ? "event: ping\ndata: {\"type\":\"ping\"}\n\n"
                                          : ": heartbeat\n\n";
}

std::string with_extension(
    request_kind kind, std::string_view last_event, std::string_view extension
) {
    std::string told;
    append_on_one_line(told, extension);
    if (kind == request_kind::messages) {
        return "event: ping\ndata: {\"type\":\"ping\",\"x_meta_model\":" + told + "}\n\n"
               + std::string(last_event);
    }
    std::string out(last_event);
    std::string joined;
    const auto response = find_member(event_data(last_event, joined), "response");
    if (!is_json_object(response) || !is_within(last_event, response)) {
        return out;
    }
    const auto offset = [&](std::string_view part) {
        return static_cast<std::size_t>(part.data() - last_event.data());
    };
    // An upstream's own: it may be a gateway too.
    if (const auto old = find_member(response, "x_meta_model"); !old.empty()) {
        return out.replace(offset(old), old.size(), told);
    }
    return out.insert(offset(response) + response.size() - 1, R"(,"x_meta_model":)" + told);
}

std::string error_event_of(
    request_kind kind,
    const base::error& e,
    std::string_view request_id,
    std::int64_t sequence_number
) {
    std::string out;
    if (kind == request_kind::messages) {
        return "event: error\ndata: " + messages_error_body(e, request_id) + "\n\n";
    }
    if (kind == request_kind::responses) {
        out += "event: error\ndata: {\"type\":\"error\",\"code\":";
        append_string_or_null(out, e.code());
        out += R"(,"message":)";
        append_json_string(out, e.message);
        out += R"(,"param":)";
        append_string_or_null(out, e.param);
        out += R"(,"sequence_number":)";
        append_json_number(out, sequence_number);
        out += "}\n\n";
        return out;
    }
    append_error_event(out, e);
    return out;
}

std::string refusal_of(
    request_kind kind, std::string_view data, std::string_view error, int status
) {
    if (!is_json_string(find_member(error, "message"))) {
        return {};
    }
    if (kind == request_kind::messages) {
        return is_string(find_member(data, "type"), "error")
                   ? std::string(data)
                   : R"({"type":"error","error":)" + std::string(error) + '}';
    }
    std::string out = R"({"error":{)";
    bool has_type = false;
    const auto append = [&out](std::string_view key, std::string_view value) {
        out += out.ends_with('{') ? "" : ",";
        append_json_string(out, key);
        out += ':';
        out += value;
    };
    walk_object(error, [&](std::string_view key, std::string_view value) {
        const bool is_of_event =
            key == "sequence_number" || (key == "type" && is_string(value, "error"));
        if (!is_of_event) {
            append(key, value);
            has_type = has_type || key == "type";
        }
    });
    if (!has_type) {
        append("type", '"' + std::string(base::default_type(status)) + '"');
    }
    return out += "}}";
}

std::string_view answer_member_of(request_kind kind) {
    return kind == request_kind::messages    ? "content"
           : kind == request_kind::responses ? "output"
                                             : "choices";
}

bool read_usage_of(request_kind kind, std::string_view raw, token_usage& out) {
    if (kind == request_kind::messages) {
        messages_usage counts;
        counts.take(raw);
        out = counts.as_chat();
        return counts.is_told;
    }
    return kind == request_kind::responses ? read_responses_usage(raw, out) : read_usage(raw, out);
}

int status_of_error_words(std::string_view error) {
    for (const auto* member : {"code", "type"}) {
        const auto word = string_body(find_member(error, member));
        const auto* const row = std::ranges::find(error_words, word, &error_word::word);
        if (row != error_words.end()) {
            return row->status;
        }
    }
    return 0;
}

}  // namespace meta_model::api
