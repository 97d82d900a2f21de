#include "dispatch/whole_reply.hpp"

#include "api/chat_wire.hpp"
#include "api/json_cursor.hpp"
#include "api/json_text.hpp"
#include "api/usage_json.hpp"
#include "api/wire_words.hpp"
#include "base/text.hpp"
#include "dispatch/draft_reply.hpp"
#include "dispatch/reasoning_policy.hpp"
#include "dispatch/token_estimate.hpp"
#include "dispatch/upstream_errors.hpp"

#include <algorithm>
#include <chrono>

namespace meta_model::dispatch {

using base::error_code_id;

namespace {

// In place of an upstream's own (it may be a gateway too), or as the last member.
void add_extension(std::string_view body, std::string extension, api::span_edits& edits) {
    if (extension.empty()) {
        return;
    }
    if (const auto old = api::find_member(body, "x_meta_model"); !old.empty()) {
        const auto at = static_cast<std::size_t>(old.data() - body.data());
        edits.replace_owned(at, at + old.size(), std::move(extension));
        return;
    }
    const auto end = body.rfind('}');
    edits.replace_owned(end, end, R"(,"x_meta_model":)" + extension);
}

}  // namespace

std::string model_replacement(const request_context& c) {
    std::string json;
    if (c.is_model_replaced()) {
        api::append_json_string(json, c.reply_model());
    }
    return json;
}

bool read_reply(std::string_view body, reply_members& out, api::request_kind kind) {
    const auto answer_member = api::answer_member_of(kind);
    api::json_cursor in(body, api::json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    out = {};
    if (in.peek() != api::json_type::object || !in.enter_object()) {
        return false;
    }
    while (in.next_member(key) && in.skip(value)) {
        // Servers write these names plainly: an escape in one of them is not looked for.
        if (key == "model") {
            out.model = value;
        } else if (key == answer_member) {
            out.choices = value;
        } else if (key == "usage") {
            out.usage = value;
        } else if (key == "error") {
            out.error = value;
        }
    }
    return !in.failed() && in.at_end() && base::is_valid_utf8(body);
}

void replace_usage(std::string& body, const api::token_usage& usage) {
    reply_members members;
    if (!read_reply(body, members) || members.usage.empty()) {
        return;
    }
    std::string json;
    api::append_usage(json, usage);
    const auto at = static_cast<std::size_t>(members.usage.data() - body.data());
    body.replace(at, members.usage.size(), json);
}

bool has_answer(api::request_kind kind, const reply_members& reply) {
    const bool is_own_wire =
        kind == api::request_kind::messages || kind == api::request_kind::responses;
    return !is_own_wire || reply.choices.starts_with('[');
}

std::string_view error_in(const reply_members& reply) {
    return reply.choices.empty() && reply.error.starts_with('{') ? reply.error : std::string_view{};
}

void note_told_failure(request_context& c, const reply_members& reply) {
    const bool is_response = c.request.shape().kind == api::request_kind::responses;
    if (is_response && reply.error.starts_with('{')) {
        c.record.outcome = telemetry::outcome_of(error_code_id::upstream_error);
        c.error_detail = "failed response " + base::clip(loggable(c, reply.error), 600);
    }
}

base::error protocol_error(std::string_view detail) {
    auto e = base::make_error(
        error_code_id::upstream_protocol_error, "The model server's reply is not valid."
    );
    e.origin = base::error_origin::upstream;
    e.detail = detail;
    return e;
}

void account_usage(request_context& c, std::string_view raw, std::size_t body_bytes) {
    api::token_usage usage;
    if (raw.starts_with('{') && api::read_usage_of(c.request.shape().kind, raw, usage)) {
        c.record.tokens_in = usage.prompt_tokens;
        c.record.tokens_out = usage.completion_tokens;
        return;
    }
    c.usage_is_estimated = true;
    if (api::is_generation(c.request.shape().kind)) {
        c.record.tokens_out = estimate_text_tokens(body_bytes);
    } else {
        c.record.tokens_in = c.prompt_estimate;  // nothing was generated
    }
}

void account_tail(request_context& c, std::string_view tail, std::size_t body_bytes) {
    // Looked for from behind: servers write it last.
    const auto at = tail.rfind("\"usage\"");
    const auto colon = at == std::string_view::npos ? at : tail.find(':', at);
    std::string_view usage;
    if (colon != std::string_view::npos) {
        api::json_cursor value(tail.substr(colon + 1), api::json_cursor::depth_limit);
        value.skip(usage);
    }
    account_usage(c, usage, body_bytes);
}

write_state send_whole_reply(
    request_context& c,
    int status,
    std::string_view passed_headers,
    std::string_view body,
    const reply_members& members
) {
    api::span_edits edits;
    std::string model;
    if (!members.model.empty()) {
        model = model_replacement(c);
    }
    if (!model.empty() && model != members.model) {
        const auto at = static_cast<std::size_t>(members.model.data() - body.data());
        edits.replace(at, at + members.model.size(), model);
    }
    if (c.hides_reasoning()) {
        hide_reasoning(body, edits);
    }
    if (!c.ledger.is_empty()) {
        c.ledger.append_headers(c.header_lines);
        add_extension(body, reply_extension(c), edits);
    }
    c.note_first_byte();
    account_usage(c, members.usage, body.size());
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
    reply_members members;
    return !must_withhold(status) && read_reply(body, members) && !holds_secret(c.config, body);
}

write_state send_refusal(
    request_context& c, int status, std::string_view passed_headers, std::string_view body
) {
    c.record.outcome = telemetry::outcome_of(error_code_id::upstream_error);
    c.record.status = static_cast<std::uint16_t>(status);
    c.header_lines += passed_headers;
    answer_head head;
    head.status = status;
    head.header_lines = c.header_lines;
    return c.sink.send(head, {body});
}

}  // namespace meta_model::dispatch
