#include "dispatch/draft_reply.hpp"

#include "api/chat_json_encoder.hpp"
#include "api/json_text.hpp"
#include "api/reasoning.hpp"
#include "api/usage_json.hpp"
#include "dispatch/stream_keepalive.hpp"
#include "dispatch/token_estimate.hpp"

#include <chrono>

namespace meta_model::dispatch {

namespace {

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch()
    )
        .count();
}

}  // namespace

std::string reply_extension(const request_context& c, std::string own) {
    if (!c.request.envelope().trace || c.ledger.is_empty()) {
        return own;
    }
    std::string out = own.empty() ? "{" : std::move(own);
    if (out.back() == '}') {
        out.back() = ',';
    }
    out += R"("profile":)";
    api::append_json_string(out, c.target.name);
    out += R"(,"strategy":)";
    api::append_json_string(out, telemetry::to_string(c.target.strategy));
    if (const auto decision = c.record.synth_decision.view(); !decision.empty()) {
        out += R"(,"decision":)";
        api::append_json_string(out, decision);
    }
    out += ',';
    out += c.ledger.members();
    if (c.purse != nullptr) {
        out += R"(,"max_cost_usd":)";
        out += base::to_usd(c.purse->limit());
    }
    out += '}';
    return out;
}

net::task<bool> write_encoded(request_context& c, std::string& out) {
    auto state = write_state::done;
    if (!out.empty() && c.record.first_byte == telemetry::not_reached) {
        c.note_first_byte();
    }
    if (!c.sink.is_committed()) {
        std::string storage;
        const auto head = stream_keepalive::stream_head(c, storage);
        state = c.sink.begin(head, std::nullopt, {out});
    } else if (!out.empty()) {
        state = c.sink.write({out});
    }
    out.clear();
    if (state == write_state::pending) {
        co_return co_await c.sink.drain();
    }
    co_return state == write_state::done;
}

void record_answer(
    request_context& c, const std::optional<api::token_usage>& usage, std::size_t content_bytes
) {
    c.record.final_content_chars = static_cast<std::uint32_t>(content_bytes);
    if (usage) {
        c.record.tokens_in = usage->prompt_tokens;
        c.record.tokens_out = usage->completion_tokens;
    } else {
        c.usage_is_estimated = true;
        c.record.tokens_out = estimate_text_tokens(content_bytes);
    }
}

api::chat_stream_options stream_options(
    const request_context& c, bool expose_reasoning, std::string_view written_model
) {
    api::chat_stream_options options;
    options.id = c.stream_id;
    options.created = c.created != 0 ? c.created : unix_now();
    options.model =
        c.is_model_replaced() || written_model.empty() ? c.reply_model() : written_model;
    options.include_usage = c.request.include_usage();
    options.expose_reasoning = expose_reasoning;
    return options;
}

net::task<> send_draft_as_stream(
    request_context& c, api::draft answer, bool expose_reasoning, std::string extension
) {
    if (!expose_reasoning) {
        api::separate_reasoning(answer);
    }
    std::string out;
    auto options = stream_options(c, expose_reasoning, answer.model);
    options.extension = reply_extension(c, std::move(extension));
    if (!c.sink.is_committed() && !c.ledger.is_empty()) {
        c.ledger.append_headers(c.header_lines);
    }
    api::chat_stream_encoder encoder(out, options);
    api::emit_whole_draft(answer, encoder, c.thinking_telling());
    encoder.close();
    record_answer(c, answer.usage, answer.content ? answer.content->size() : 0);
    c.record.final_tool_call_count = static_cast<std::uint32_t>(answer.tool_calls.size());
    co_await write_encoded(c, out);
    if (c.sink.end({}) == write_state::pending) {
        co_await c.sink.drain();
    }
    co_return;
}

namespace {

net::task<> send_draft_whole(request_context& c, api::draft answer, std::string extension) {
    record_answer(c, answer.usage, answer.content ? answer.content->size() : 0);
    c.record.final_tool_call_count = static_cast<std::uint32_t>(answer.tool_calls.size());
    if (c.usage_is_estimated) {
        c.header_lines += "X-MetaModel-Usage: estimated\r\n";
    }
    api::chat_reply_options options;
    options.id = answer.id;
    options.created = answer.created != 0 ? answer.created : unix_now();
    options.model = c.is_model_replaced() || answer.model.empty() ? c.reply_model() : answer.model;
    options.expose_reasoning = c.target.expose_reasoning;
    options.extension = reply_extension(c, std::move(extension));
    c.ledger.append_headers(c.header_lines);
    const auto body = api::encode_chat_completion(answer, options);
    c.note_first_byte();
    answer_head head;
    head.header_lines = c.header_lines;
    if (c.sink.send(head, {body}) == write_state::pending) {
        co_await c.sink.drain();
    }
}

}  // namespace

net::task<> send_draft(request_context& c, api::draft answer, std::string extension) {
    if (c.request.stream()) {
        return send_draft_as_stream(
            c, std::move(answer), c.target.expose_reasoning, std::move(extension)
        );
    }
    return send_draft_whole(c, std::move(answer), std::move(extension));
}

}  // namespace meta_model::dispatch
