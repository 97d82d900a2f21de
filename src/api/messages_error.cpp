#include "api/messages_error.hpp"

#include "api/json_walk.hpp"
#include "api/usage_json.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace meta_model::api {

namespace {

constexpr std::array<std::pair<int, std::string_view>, 11> types_by_status{{
    {400, "invalid_request_error"},
    {401, "authentication_error"},
    {402, "billing_error"},
    {403, "permission_error"},
    {404, "not_found_error"},
    {408, "timeout_error"},
    {413, "request_too_large"},
    {429, "rate_limit_error"},
    {503, "overloaded_error"},
    {504, "timeout_error"},
    {529, "overloaded_error"},
}};

// What chat errors are called that come without a status; an own type of Anthropic's stands for itself.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> types_by_word{{
    {"upstream_timeout", "timeout_error"},
    {"deadline_exceeded", "timeout_error"},
    {"insufficient_quota", "billing_error"},
    {"service_unavailable_error", "overloaded_error"},
    {"overloaded_error", "overloaded_error"},
    {"invalid_request_error", "invalid_request_error"},
    {"authentication_error", "authentication_error"},
    {"permission_error", "permission_error"},
    {"not_found_error", "not_found_error"},
    {"rate_limit_error", "rate_limit_error"},
    {"timeout_error", "timeout_error"},
    {"billing_error", "billing_error"},
}};

std::string envelope(
    std::string_view type, std::string_view message_json, std::string_view request_id
) {
    std::string out = R"({"type":"error","error":{"type":)";
    append_json_string(out, type);
    out += R"(,"message":)";
    append_on_one_line(out, message_json);
    out += R"(},"request_id":)";
    append_json_string(out, request_id);
    out += '}';
    return out;
}

std::string_view type_of_words(std::string_view error) {
    std::int64_t status = 0;
    if (to_int64(find_member(error, "status"), status) && status >= 400 && status <= 599) {
        return messages_error_type(static_cast<int>(status));
    }
    for (const auto* const key : {"code", "type"}) {
        const auto word = find_member(error, key);
        const auto* const row = std::ranges::find_if(types_by_word, [&](const auto& r) {
            return is_string(word, r.first);
        });
        if (row != types_by_word.end()) {
            return row->second;
        }
        if (to_int64(word, status) && status >= 400 && status <= 599) {
            return messages_error_type(static_cast<int>(status));
        }
    }
    return "api_error";
}

}  // namespace

std::string_view messages_error_type(int status) {
    const auto* const row =
        std::ranges::find(types_by_status, status, &std::pair<int, std::string_view>::first);
    if (row != types_by_status.end()) {
        return row->second;
    }
    return status >= 500 ? "api_error" : "invalid_request_error";
}

std::string messages_error_body(const base::error& e, std::string_view request_id) {
    const bool names_field = e.param.empty() || e.message.find(e.param) != std::string::npos;
    std::string message;
    append_json_string(message, names_field ? e.message : e.param + ": " + e.message);
    return envelope(messages_error_type(e.http_status()), message, request_id);
}

std::string messages_error_of_chat(int status, std::string_view body, std::string_view request_id) {
    auto error = find_member(body, "error");
    auto message = is_json_string(error) ? error : find_member(error, "message");
    if (!is_json_string(message)) {
        message = find_member(body, "message");
    }
    std::string own;
    if (!is_json_string(message)) {
        own = "\"The model server reported an error";
        if (status != 0) {
            own += " (status ";
            append_json_number(own, status);
            own += ')';
        }
        own += ".\"";
        message = own;
    }
    const auto type = status != 0 ? messages_error_type(status) : type_of_words(error);
    return envelope(type, message, request_id);
}

}  // namespace meta_model::api
