#include "api/responses_output.hpp"

#include "api/json_walk.hpp"
#include "api/usage_json.hpp"
#include "base/ids.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace meta_model::api {

namespace {

constexpr std::size_t id_digits = 24;
constexpr std::size_t max_detail_bytes = 256u << 10;  // of one call

std::string_view prefix_of(output_kind kind) {
    switch (kind) {
        case output_kind::reasoning: return "rs_";
        case output_kind::message: return "msg_";
        case output_kind::function_call: return "fc_";
        case output_kind::custom_call: return "ctc_";
    }
    return {};
}

std::string_view name_of(output_kind kind) {
    switch (kind) {
        case output_kind::reasoning: return "reasoning";
        case output_kind::message: return "message";
        case output_kind::function_call: return "function_call";
        case output_kind::custom_call: return "custom_tool_call";
    }
    return {};
}

std::string_view name_of(item_state state) {
    switch (state) {
        case item_state::in_progress: return "in_progress";
        case item_state::completed: return "completed";
        case item_state::incomplete: return "incomplete";
    }
    return {};
}

void append_text_member(std::string& out, std::string_view name, std::string_view escaped) {
    out.append(",\"").append(name).append("\":\"").append(escaped).append("\"");
}

void append_nullable(std::string& out, std::string_view name, std::string_view text) {
    out.append(",\"").append(name).append("\":");
    if (text.empty()) {
        out += "null";
    } else {
        append_json_string(out, text);
    }
}

void append_number(std::string& out, std::string_view name, std::int64_t value) {
    out.append("\"").append(name).append("\":");
    append_json_number(out, value);
}

void append_reasoning(
    std::string& out, const output_item& item, item_state state, const response_facts& facts
) {
    const bool shows = state != item_state::in_progress && !item.text.empty();
    out += R"(,"summary":[)";
    if (shows && facts.wants_summary) {
        out.append(R"({"type":"summary_text","text":")").append(item.text).append("\"}");
    }
    out += ']';
    if (shows && !facts.wants_summary) {
        out.append(R"(,"content":[{"type":"reasoning_text","text":")")
            .append(item.text)
            .append("\"}]");
    }
    // Always: clients that give nothing else back could not go on from the turn without it.
    if (state != item_state::in_progress) {
        append_text_member(out, "encrypted_content", seal(item.reasoning));
    }
}

// One count of a chat's usage under another name; 0 when it is not told.
std::int64_t count_of(std::string_view object, std::string_view name) {
    std::int64_t n = 0;
    return to_int64(find_member(object, name), n) && n >= 0 ? n : 0;
}

void append_response_usage(std::string& out, std::string_view chat) {
    const auto input = count_of(chat, "prompt_tokens");
    const auto output = count_of(chat, "completion_tokens");
    const auto total = count_of(chat, "total_tokens");
    const auto input_details = find_member(chat, "prompt_tokens_details");
    const auto cache_writes = find_member(input_details, "cache_write_tokens");
    out += '{';
    append_number(out, "input_tokens", input);
    out += R"(,"input_tokens_details":{)";
    append_number(out, "cached_tokens", count_of(input_details, "cached_tokens"));
    if (is_given(cache_writes)) {
        out += ',';
        append_number(out, "cache_write_tokens", count_of(input_details, "cache_write_tokens"));
    }
    out += "},";
    append_number(out, "output_tokens", output);
    out += R"(,"output_tokens_details":{)";
    append_number(
        out,
        "reasoning_tokens",
        count_of(find_member(chat, "completion_tokens_details"), "reasoning_tokens")
    );
    out += "},";
    append_number(out, "total_tokens", total > 0 ? total : input + output);
    out += '}';
}

void append_end(std::string& out, const response_ending& ending) {
    out += R"(,"completed_at":)";
    if (ending.status == response_status::completed) {
        using namespace std::chrono;
        append_json_number(
            out, duration_cast<seconds>(system_clock::now().time_since_epoch()).count()
        );
    } else {
        out += "null";
    }
    out += R"(,"error":)";
    if (ending.failure != nullptr) {
        out += R"({"code":)";
        append_json_string(out, ending.failure->code);
        out += R"(,"message":)";
        append_json_string(out, ending.failure->message);
        out += '}';
    } else {
        out += "null";
    }
    out += R"(,"incomplete_details":)";
    if (ending.status == response_status::incomplete) {
        out += is_string(ending.finish_reason, "length") ? R"({"reason":"max_output_tokens"})"
                                                         : R"({"reason":"content_filter"})";
    } else {
        out += "null";
    }
}

void append_output(
    std::string& out,
    const response_facts& facts,
    response_status status,
    std::span<const output_item> items
) {
    out += R"(,"output":[)";
    std::string text;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const bool is_cut = (status == response_status::incomplete && i + 1 == items.size())
                            || (status == response_status::failed && !items[i].is_done);
        out += i == 0 ? "" : ",";
        append_item(out, items[i], is_cut ? item_state::incomplete : item_state::completed, facts);
        for (const auto& part : items[i].parts) {
            text += part.is_refusal ? std::string_view{} : std::string_view(part.text);
        }
    }
    out.append(R"(],"output_text":")").append(text).append("\"");
}

}  // namespace

std::string_view to_string(response_status status) {
    switch (status) {
        case response_status::queued: return "queued";
        case response_status::in_progress: return "in_progress";
        case response_status::completed: return "completed";
        case response_status::incomplete: return "incomplete";
        case response_status::failed: return "failed";
        case response_status::cancelled: return "cancelled";
    }
    return {};
}

response_status status_of_finish(std::string_view raw) {
    if (is_string(raw, "error")) {
        return response_status::failed;
    }
    return is_string(raw, "length") || is_string(raw, "content_filter")
               ? response_status::incomplete
               : response_status::completed;
}

response_failure failure_of_finish() {
    return {"server_error", "The model server ended its answer with an error."};
}

void append_call_detail(std::string& details, std::string_view key, std::string_view value) {
    // Of calls in chats, of items, and what SDKs add to these.
    constexpr std::array<std::string_view, 18> others{
        "index",
        "id",
        "type",
        "function",
        "custom",
        "call_id",
        "name",
        "input",
        "output",
        "arguments",
        "status",
        "role",
        "namespace",
        "caller",
        "agent",
        "content",
        "parsed_arguments",
        "created_by",
    };
    if (!is_given(value) || std::ranges::find(others, key) != others.end()
        || details.size() + key.size() + value.size() > max_detail_bytes) {
        return;
    }
    details += ',';
    append_json_string(details, key);
    details += ':';
    append_on_one_line(details, value);
}

output_item make_item(output_kind kind) {
    output_item out;
    out.kind = kind;
    out.id = prefix_of(kind);
    base::append_random_hex(out.id, id_digits);
    return out;
}

void append_empty_part(std::string& out, const output_part& part) {
    out += part.is_refusal ? R"({"type":"refusal","refusal":""})"
                           : R"({"type":"output_text","annotations":[],"logprobs":[],"text":""})";
}

void append_part(std::string& out, const output_part& part) {
    if (part.is_refusal) {
        out.append(R"({"type":"refusal","refusal":")").append(part.text).append("\"}");
        return;
    }
    out.append(R"({"type":"output_text","annotations":[)").append(part.annotations);
    out.append(R"(],"logprobs":[)").append(part.logprobs);
    out.append(R"(],"text":")").append(part.text).append("\"}");
}

void append_annotation(std::string& out, std::string_view chat_annotation) {
    const auto citation = find_member(chat_annotation, "url_citation");
    if (!is_json_object(citation)) {
        append_on_one_line(out, chat_annotation);
        return;
    }
    out += R"({"type":"url_citation")";
    walk_object(citation, [&](std::string_view key, std::string_view value) {
        out += ',';
        append_json_string(out, key);
        out += ':';
        append_on_one_line(out, value);
    });
    out += '}';
}

void append_item(
    std::string& out, const output_item& item, item_state state, const response_facts& facts
) {
    const bool is_new = state == item_state::in_progress;
    out.append(R"({"id":")").append(item.id);
    out.append(R"(","type":")").append(name_of(item.kind));
    out.append(R"(","status":")").append(name_of(state)).append("\"");
    if (item.kind == output_kind::reasoning) {
        append_reasoning(out, item, state, facts);
    } else if (item.kind == output_kind::message) {
        out += R"(,"role":"assistant","content":[)";
        for (const auto& part : item.parts) {
            out += is_new || &part == item.parts.data() ? "" : ",";
            if (!is_new) {
                append_part(out, part);
            }
        }
        out += ']';
    } else {
        out.append(R"(,"call_id":)").append(item.call_id);
        out.append(R"(,"name":)").append(item.name);
        append_text_member(
            out,
            item.kind == output_kind::custom_call ? "input" : "arguments",
            is_new ? std::string_view{} : std::string_view(item.text)
        );
        out += is_new ? std::string_view{} : std::string_view(item.details);
    }
    out += '}';
}

void append_response(
    std::string& out,
    const response_facts& facts,
    const response_ending& ending,
    std::span<const output_item> items
) {
    out += R"({"id":")";
    out += facts.id;
    out += R"(","object":"response",)";
    append_number(out, "created_at", facts.created_at);
    out.append(R"(,"status":")").append(to_string(ending.status)).append("\"");
    append_end(out, ending);
    out += R"(,"model":)";
    if (ending.model.empty()) {
        append_json_string(out, facts.model);
    } else {
        out += ending.model;
    }
    append_output(out, facts, ending.status, items);
    out += R"(,"usage":)";
    if (is_json_object(ending.usage)) {
        append_response_usage(out, ending.usage);
    } else {
        out += "null";
    }
    append_nullable(out, "previous_response_id", facts.previous_response_id);
    if (!facts.conversation_id.empty()) {
        out += R"(,"conversation":{"id":)";
        append_json_string(out, facts.conversation_id);
        out += '}';
    }
    const auto& tier = ending.service_tier.empty() ? facts.service_tier : ending.service_tier;
    out.append(R"(,"service_tier":)").append(tier.empty() ? R"("auto")" : tier);
    out += facts.is_stored ? R"(,"store":true)" : R"(,"store":false)";
    out += facts.echo;
    if (!ending.extension.empty()) {
        out += R"(,"x_meta_model":)";
        append_on_one_line(out, ending.extension);
    }
    out += '}';
}

void append_response_snapshot(
    std::string& out,
    const response_facts& facts,
    response_status status,
    const response_failure* failure
) {
    response_ending ending;
    ending.status = status;
    ending.failure = failure;
    append_response(out, facts, ending, {});
}

}  // namespace meta_model::api
