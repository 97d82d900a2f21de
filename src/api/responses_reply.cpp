#include "api/responses_reply.hpp"

#include "api/json_walk.hpp"
#include "api/reply_ids.hpp"
#include "api/responses_output.hpp"
#include "api/usage_json.hpp"

namespace meta_model::api {

namespace {

std::string one_line(std::string_view raw) {
    std::string out;
    append_on_one_line(out, raw);
    return out;
}

// A raw JSON string for anything else.
std::string string_or(std::string_view raw, std::string_view otherwise) {
    if (!string_body(raw).empty()) {
        return std::string(raw);
    }
    std::string out;
    append_json_string(out, otherwise);
    return out;
}

// `raw`: content of a message, a string or a list of parts.
void append_content(std::string& out, std::string_view raw) {
    if (is_json_list(raw)) {
        walk_list(raw, [&](std::string_view part) {
            out += string_body(find_member(part, "text"));
        });
    } else {
        out += string_body(raw);
    }
}

void append_elements(std::string& out, std::string_view list) {
    if (is_json_list(list)) {
        walk_list(list, [&](std::string_view element) {
            out += out.empty() ? "" : ",";
            append_on_one_line(out, element);
        });
    }
}

output_item read_call(std::string_view call) {
    const auto custom = find_member(call, "custom");
    const bool is_custom = is_json_object(custom);
    const auto body = is_custom ? custom : find_member(call, "function");
    const auto text = find_member(body, is_custom ? "input" : "arguments");
    auto out = make_item(is_custom ? output_kind::custom_call : output_kind::function_call);
    out.call_id = string_or(find_member(call, "id"), make_call_id());
    out.name = string_or(find_member(body, "name"), "");
    if (is_json_object(text)) {
        append_json_escaped(out.text, text);
    } else {
        out.text = string_body(text);
    }
    walk_object(call, [&](std::string_view key, std::string_view value) {
        append_call_detail(out.details, key, value);
    });
    return out;
}

struct whole_message {
    std::string_view content{};
    std::string_view refusal{};
    std::string_view calls{};
    std::string_view annotations{};
    std::string_view reasoning_content{};
    std::string_view reasoning{};
    std::string_view details{};
    std::string_view function_call{};  // of old servers
    chat_reasoning held{};

    bool read(std::string_view message);
};

bool whole_message::read(std::string_view message) {
    return walk_object(message, [&](std::string_view key, std::string_view value) {
        held.add(key, value, false);
        if (key == "content") {
            content = value;
        } else if (key == "refusal") {
            refusal = value;
        } else if (key == "tool_calls") {
            calls = value;
        } else if (key == "annotations") {
            annotations = value;
        } else if (key == "reasoning_content") {
            reasoning_content = value;
        } else if (key == "reasoning") {
            reasoning = value;
        } else if (key == "reasoning_details") {
            details = value;
        } else if (key == "function_call") {
            function_call = value;
        }
    });
}

void add_message(
    const whole_message& m, std::string_view logprobs, std::vector<output_item>& items
) {
    auto item = make_item(output_kind::message);
    output_part text;
    append_content(text.text, m.content);
    if (!text.text.empty()) {
        append_elements(text.logprobs, find_member(logprobs, "content"));
        if (is_json_list(m.annotations)) {
            walk_list(m.annotations, [&](std::string_view annotation) {
                text.annotations += text.annotations.empty() ? "" : ",";
                append_annotation(text.annotations, annotation);
            });
        }
        item.parts.push_back(std::move(text));
    }
    if (!string_body(m.refusal).empty()) {
        output_part refusal;
        refusal.is_refusal = true;
        refusal.text = string_body(m.refusal);
        item.parts.push_back(std::move(refusal));
    }
    if (!item.parts.empty()) {
        items.push_back(std::move(item));
    }
}

std::vector<output_item> read_items(std::string_view message, std::string_view logprobs) {
    std::vector<output_item> items;
    whole_message m;
    m.read(message);
    m.held.thought = thought_of_parts(m.content);
    if (!m.held.is_empty()) {
        std::string storage;
        auto item = make_item(output_kind::reasoning);
        item.text = shown_reasoning(m.reasoning_content, m.reasoning, m.details, storage);
        item.text = item.text.empty() ? m.held.thought : item.text;
        item.reasoning = std::move(m.held);
        items.push_back(std::move(item));
    }
    add_message(m, logprobs, items);
    if (is_json_list(m.calls)) {
        walk_list(m.calls, [&](std::string_view call) {
            if (is_json_object(call)) {
                items.push_back(read_call(call));
            }
        });
    } else if (is_json_object(m.function_call)) {
        items.push_back(read_call(R"({"function":)" + std::string(m.function_call) + "}"));
    }
    return items;
}

}  // namespace

std::string response_of_chat(
    std::string_view chat_completion, const response_facts& facts, response_status& status
) {
    response_ending ending;
    std::string_view choices;
    const bool is_object =
        walk_object(chat_completion, [&](std::string_view key, std::string_view value) {
            if (key == "choices") {
                choices = value;
            } else if (key == "model" && is_json_string(value)) {
                ending.model = value;
            } else if (key == "usage" && is_given(value)) {
                ending.usage = value;
            } else if (key == "service_tier" && is_json_string(value)) {
                ending.service_tier = value;
            } else if (key == "x_meta_model" && is_given(value)) {
                ending.extension = one_line(value);
            }
        });
    if (!is_object || !is_json_list(choices)) {
        return {};
    }
    json_cursor in(choices, json_cursor::depth_limit);
    std::string_view choice;
    in.enter_array();
    if (in.next_element()) {
        in.skip(choice);
    }
    std::string_view message;
    std::string_view logprobs;
    std::string_view finish;
    walk_object(choice, [&](std::string_view key, std::string_view value) {
        if (key == "message") {
            message = value;
        } else if (key == "logprobs") {
            logprobs = value;
        } else if (key == "finish_reason") {
            finish = value;
        }
    });
    if (!is_json_object(message)) {
        return {};
    }
    ending.status = status = status_of_finish(finish);
    ending.finish_reason = finish;
    const auto failure = failure_of_finish();
    ending.failure = status == response_status::failed ? &failure : nullptr;
    const auto items = read_items(message, logprobs);
    std::string out;
    out.reserve(chat_completion.size() * 2 + facts.echo.size() + 512);
    append_response(out, facts, ending, items);
    return out;
}

}  // namespace meta_model::api
