#include "dispatch/whole_reply.hpp"

#include "api/chat_wire.hpp"
#include "api/json_cursor.hpp"
#include "api/json_text.hpp"
#include "base/text.hpp"
#include "dispatch/reasoning_policy.hpp"
#include "dispatch/token_estimate.hpp"
#include "dispatch/upstream_errors.hpp"

#include <algorithm>
#include <chrono>

namespace meta_model::dispatch {

using base::error_code_id;

std::string model_replacement(const request_context& c) {
    std::string json;
    if (c.is_model_replaced()) {
        api::append_json_string(json, c.reply_model());
    }
    return json;
}

bool is_json_object(std::string_view body) {
    api::json_cursor in(body, api::json_cursor::depth_limit);
    std::string_view raw;
    return in.peek() == api::json_type::object && in.skip(raw) && in.at_end()
           && base::is_valid_utf8(body);
}

std::string_view error_in(std::string_view body) {
    if (body.find("\"error\"") == std::string_view::npos) {
        return {};  // nearly always
    }
    const auto error = api::find_member(body, "error");
    const bool is_answer = !api::find_member(body, "choices").empty();
    return error.starts_with('{') && !is_answer ? error : std::string_view{};
}

base::error protocol_error(std::string_view detail) {
    auto e = base::make_error(
        error_code_id::upstream_protocol_error,
        "The model server's reply is not a valid chat completion."
    );
    e.origin = base::error_origin::upstream;
    e.detail = detail;
    return e;
}

void mark_first_byte(request_context& c) {
    c.record.first_byte = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - c.start
    );
}

void account_whole(request_context& c, std::string_view text, std::size_t body_bytes) {
    // Looked for from behind: servers write it last.
    const auto at = text.rfind("\"usage\"");
    if (at != std::string_view::npos) {
        const auto colon = text.find(':', at);
        api::json_cursor value(
            text.substr(std::min(colon + 1, text.size())), api::json_cursor::depth_limit
        );
        std::string_view raw;
        api::token_usage usage;
        if (colon != std::string_view::npos && value.peek() == api::json_type::object
            && value.skip(raw) && api::read_usage(raw, usage)) {
            c.record.tokens_in = usage.prompt_tokens;
            c.record.tokens_out = usage.completion_tokens;
            return;
        }
    }
    c.usage_is_estimated = true;
    c.record.tokens_out = estimate_text_tokens(body_bytes);
}

write_state send_whole_reply(
    request_context& c, int status, std::string_view passed_headers, std::string_view body
) {
    api::span_edits edits;
    const auto model = model_replacement(c);
    const auto written = model.empty() ? std::string_view{} : api::find_member(body, "model");
    if (!written.empty()) {
        const auto at = static_cast<std::size_t>(written.data() - body.data());
        edits.replace(at, at + written.size(), model);
    }
    if (!c.target.expose_reasoning) {
        hide_reasoning(body, edits);
    }
    mark_first_byte(c);
    account_whole(c, body, body.size());
    c.record.final_content_chars = static_cast<std::uint32_t>(body.size());
    if (c.usage_is_estimated) {
        c.header_lines += "X-MetaModel-Usage: estimated\r\n";
    }
    c.header_lines += passed_headers;
    answer_head head;
    head.status = status;
    head.header_lines = c.header_lines;
    api::pieces pieces{body};
    if (!edits.empty()) {
        edits.apply(body, pieces);
    }
    return c.sink.send(head, pieces);
}

bool may_pass_refusal(const request_context& c, int status, std::string_view body) {
    return !must_withhold(status) && is_json_object(body) && !holds_secret(c.config, body);
}

write_state send_refusal(
    request_context& c, int status, std::string_view passed_headers, std::string_view body
) {
    c.record.outcome = telemetry::outcome_of(error_code_id::upstream_error);
    c.header_lines += passed_headers;
    answer_head head;
    head.status = status;
    head.header_lines = c.header_lines;
    return c.sink.send(head, {body});
}

}  // namespace meta_model::dispatch
