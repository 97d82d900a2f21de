#include "api/chat_wire.hpp"

#include "api/json_text.hpp"

namespace meta_model::api {

namespace {

// Calls take(key, value) for each member of the object `json`; false when it is not a valid object.
template <class F>
bool for_each_member(std::string_view json, F&& take) {
    json_cursor in(json, json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    if (in.peek() != json_type::object || !in.enter_object()) {
        return false;
    }
    while (in.next_member(key)) {
        if (!in.skip(value)) {
            return false;
        }
        take(key, value);
    }
    return !in.failed() && in.at_end();
}

bool is_object(std::string_view raw) {
    return !raw.empty() && raw.front() == '{';
}

bool is_list(std::string_view raw) {
    return !raw.empty() && raw.front() == '[';
}

bool is_present(std::string_view raw) {
    return !raw.empty() && raw != "null";
}

// What no server can have counted is nothing it says.
std::int64_t count_of(std::string_view raw) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    std::int64_t n = 0;
    return to_int64(raw, n) && n >= 0 && n <= most ? n : 0;
}

bool decode_tool_calls(std::string_view raw, draft& out) {
    json_cursor in(raw, json_cursor::depth_limit);
    std::string_view element;
    in.enter_array();
    while (in.next_element()) {
        in.skip(element);
        tool_call_fields fields;
        if (!read_tool_call(element, fields) || fields.is_malformed) {
            return false;
        }
        tool_call call;
        append_string_value(call.id, fields.id);
        append_string_value(call.name, fields.name);
        if (is_object(fields.arguments)) {
            call.arguments = fields.arguments;  // some servers send the arguments as a value
        } else {
            append_string_value(call.arguments, fields.arguments);
        }
        if (is_present(fields.type)) {
            call.type.clear();
            append_string_value(call.type, fields.type);
        }
        call.extra_content = fields.extra_content;
        out.tool_calls.push_back(std::move(call));
    }
    return true;
}

bool decode_function_call(std::string_view raw, draft& out) {
    out.function_call.emplace();
    return for_each_member(raw, [&](std::string_view key, std::string_view value) {
        if (key == "name") {
            append_string_value(out.function_call->name, value);
        } else if (key == "arguments") {
            append_string_value(out.function_call->arguments, value);
        }
    });
}

}  // namespace

void read_choice(std::string_view raw, chat_object& out) {
    out.index = out.message = out.finish_reason = out.logprobs = {};
    out.has_choice = for_each_member(raw, [&](std::string_view key, std::string_view value) {
        if (key == "message" || key == "delta") {
            out.message = value;
        } else if (key == "finish_reason") {
            out.finish_reason = value;
        } else if (key == "logprobs") {
            out.logprobs = value;
        } else if (key == "index") {
            out.index = value;
        }
    });
}

std::optional<std::size_t> place_of_choice(
    const chat_object& object, std::size_t count, std::size_t fallback
) {
    auto index = static_cast<std::int64_t>(fallback);
    const bool is_read = !is_present(object.index) || to_int64(object.index, index);
    const bool is_one = is_read && index >= 0 && index < static_cast<std::int64_t>(count);
    return is_one ? std::optional(static_cast<std::size_t>(index)) : std::nullopt;
}

bool read_chat_object(std::string_view json, chat_object& out) {
    return for_each_member(json, [&](std::string_view key, std::string_view value) {
        if (key == "choices") {
            out.has_choices = is_list(value);
            out.choices = value;
            json_cursor in(value, json_cursor::depth_limit);
            std::string_view first;
            if (out.has_choices && in.enter_array() && in.next_element() && in.skip(first)) {
                read_choice(first, out);
            }
        } else if (key == "id") {
            out.id = value;
        } else if (key == "model") {
            out.model = value;
        } else if (key == "created") {
            out.created = value;
        } else if (key == "usage") {
            out.usage = value;
        } else if (key == "error") {
            out.error = value;
        } else if (key == "system_fingerprint") {
            out.system_fingerprint = value;
        }
    });
}

bool holds_elements(std::string_view raw) {
    return is_list(raw) && raw.find_first_not_of("[] \t\r\n") != std::string_view::npos;
}

bool read_message_fields(std::string_view json, chat_message_fields& out) {
    return for_each_member(json, [&](std::string_view key, std::string_view value) {
        if (key == "content") {
            out.content = value;
        } else if (key == "reasoning_content") {
            out.reasoning_content = value;
        } else if (key == "reasoning") {
            out.reasoning = value;
        } else if (key == "thinking_blocks") {
            out.thinking_blocks = value;
        } else if (key == "reasoning_details") {
            out.reasoning_details = value;
        } else if (key == "refusal") {
            out.refusal = value;
        } else if (key == "tool_calls") {
            out.tool_calls = value;
        } else if (key == "function_call") {
            out.function_call = value;
        } else if (key == "annotations") {
            out.annotations = value;
        }
    });
}

bool read_tool_call(std::string_view json, tool_call_fields& out) {
    const bool ok = for_each_member(json, [&](std::string_view key, std::string_view value) {
        if (key == "index") {
            out.index = value;
        } else if (key == "id") {
            out.id = value;
        } else if (key == "type") {
            out.type = value;
        } else if (key == "extra_content") {
            const bool is_kept = is_object(value) && value.size() <= max_extra_bytes;
            out.extra_content = is_kept ? value : std::string_view{};
        } else if (key == "function") {
            out.is_malformed = !for_each_member(value, [&](std::string_view k, std::string_view v) {
                if (k == "name") {
                    out.name = v;
                } else if (k == "arguments") {
                    out.arguments = v;
                }
            });
        }
    });
    out.is_malformed = out.is_malformed || !ok;
    return ok;
}

bool append_string_value(std::string& out, std::string_view raw) {
    if (raw.size() < 2 || raw.front() != '"') {
        return true;
    }
    return append_unescaped(out, raw.substr(1, raw.size() - 2));
}

bool append_content_text(std::string& out, std::string_view raw) {
    if (!is_list(raw)) {
        return append_string_value(out, raw);
    }
    json_cursor in(raw, json_cursor::depth_limit);
    std::string_view part;
    bool ok = true;
    in.enter_array();
    while (in.next_element() && in.skip(part)) {
        ok = append_string_value(out, find_member(part, "text")) && ok;
    }
    return ok;
}

bool read_usage(std::string_view raw, token_usage& out) {
    if (!is_object(raw)) {
        return false;
    }
    json_cursor in(raw, json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    in.enter_object();
    while (in.next_member(key) && in.skip(value)) {
        if (key == "prompt_tokens") {
            out.prompt_tokens = count_of(value);
        } else if (key == "completion_tokens") {
            out.completion_tokens = count_of(value);
        } else if (key == "total_tokens") {
            out.total_tokens = count_of(value);
        } else if (key == "prompt_tokens_details") {
            out.cached_tokens = count_of(find_member(value, "cached_tokens"));
            out.cache_write_tokens = count_of(find_member(value, "cache_write_tokens"));
        } else if (key == "completion_tokens_details") {
            out.reasoning_tokens = count_of(find_member(value, "reasoning_tokens"));
        }
    }
    if (out.total_tokens == 0) {
        out.total_tokens = out.prompt_tokens + out.completion_tokens;
    }
    out.raw = raw;
    return out.total_tokens > 0;
}

namespace {

// What there is to say of the whole before its choices are looked at.
completion_fault read_completion(std::string_view json, chat_object& object) {
    if (!read_chat_object(json, object)) {
        json_cursor in(json, json_cursor::depth_limit);
        std::string_view raw;
        return in.skip(raw) && in.at_end() ? completion_fault::not_object
                                           : completion_fault::not_json;
    }
    return object.has_error() ? completion_fault::error_object : completion_fault::none;
}

completion_fault decode_choice(const chat_object& object, draft& out) {
    if (!object.has_choice || !is_object(object.message)) {
        return completion_fault::no_choice;
    }
    chat_message_fields fields;
    read_message_fields(object.message, fields);
    append_string_value(out.id, object.id);
    append_string_value(out.model, object.model);
    to_int64(object.created, out.created);
    append_string_value(out.system_fingerprint, object.system_fingerprint);
    append_string_value(out.finish_reason, object.finish_reason);
    if (is_present(object.logprobs)) {
        out.logprobs = object.logprobs;
    }
    if (is_present(fields.content)) {
        append_content_text(out.content.emplace(), fields.content);
    }
    append_string_value(out.reasoning_content, fields.reasoning_content);
    append_string_value(out.reasoning, fields.reasoning);
    append_string_value(out.refusal, fields.refusal);
    const auto keep_list = [](std::string& to, std::string_view list) {
        if (holds_elements(list)) {
            to = list;
        }
    };
    keep_list(out.thinking_blocks, fields.thinking_blocks);
    keep_list(out.reasoning_details, fields.reasoning_details);
    keep_list(out.annotations, fields.annotations);
    if (is_present(fields.tool_calls)
        && (!is_list(fields.tool_calls) || !decode_tool_calls(fields.tool_calls, out))) {
        return completion_fault::malformed;
    }
    if (is_present(fields.function_call)
        && (!is_object(fields.function_call) || !decode_function_call(fields.function_call, out))) {
        return completion_fault::malformed;
    }
    return completion_fault::none;
}

}  // namespace

completion_fault decode_chat_completion(std::string_view json, draft& out) {
    chat_object object;
    auto fault = read_completion(json, object);
    if (fault == completion_fault::none) {
        fault = decode_choice(object, out);
    }
    if (token_usage usage; fault == completion_fault::none && read_usage(object.usage, usage)) {
        out.usage = std::move(usage);
    }
    return fault;
}

completion_fault decode_chat_choices(
    std::string_view json, std::vector<decoded_choice>& out, std::optional<token_usage>& usage
) {
    chat_object object;
    if (const auto fault = read_completion(json, object); fault != completion_fault::none) {
        return fault;
    }
    if (!object.has_choice) {
        return completion_fault::no_choice;
    }
    json_cursor in(object.choices, json_cursor::depth_limit);
    std::string_view element;
    in.enter_array();
    for (std::size_t i = 0; in.next_element() && in.skip(element); ++i) {
        read_choice(element, object);
        const auto place = place_of_choice(object, out.size(), i);
        if (place && out[*place].fault == completion_fault::no_choice) {
            out[*place].fault = decode_choice(object, out[*place].answer);
        }
    }
    if (token_usage told; read_usage(object.usage, told)) {
        usage = std::move(told);
    }
    return completion_fault::none;
}

}  // namespace meta_model::api
