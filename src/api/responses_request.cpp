#include "api/responses_request.hpp"

#include "api/json_walk.hpp"
#include "api/responses_items.hpp"
#include "api/responses_tools.hpp"
#include "api/usage_json.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <tuple>
#include <utility>

namespace meta_model::api {

namespace {

using base::error_code_id;

// Members that mean something to the gateway or to the response object, but nothing to a chat. `store` and `metadata` are
// here because a chat's are of the provider's own store of completions.
constexpr std::array<std::string_view, 19> local_names{
    "input",
    "instructions",
    "previous_response_id",
    "conversation",
    "background",
    "store",
    "metadata",
    "include",
    "max_tool_calls",
    "truncation",
    "context_management",
    "prompt",
    "tools",
    "tool_choice",
    "top_logprobs",
    "stream_options",
    "max_output_tokens",
    "text",
    "reasoning",
};

// Members of a chat that have another name or place here.
constexpr std::array<std::string_view, 9> chat_names{
    "messages",
    "functions",
    "function_call",
    "response_format",
    "max_tokens",
    "max_completion_tokens",
    "reasoning_effort",
    "verbosity",
    "logprobs"
};

bool is_one_of(std::span<const std::string_view> names, std::string_view key) {
    return std::ranges::find(names, key) != names.end();
}

base::error shape_error(std::string path, std::string_view expected) {
    auto message = "'" + path + "' must be " + std::string(expected) + '.';
    return base::make_error(error_code_id::shape, std::move(message), std::move(path));
}

base::error unsupported(std::string_view name) {
    return base::make_error(
        error_code_id::unsupported_responses_param,
        "'" + std::string(name) + "' is not supported on /v1/responses.",
        std::string(name)
    );
}

// A member of an object that must be a string where it is given.
base::result<void> judge_text(std::string_view object, std::string_view name, std::string path) {
    const auto value = find_member(object, name);
    if (is_given(value) && !is_json_string(value)) {
        return shape_error(std::move(path), "a string");
    }
    return {};
}

base::result<void> judge_boolean(std::string_view object, std::string_view name, std::string path) {
    const auto value = find_member(object, name);
    if (is_given(value) && value != "true" && value != "false") {
        return shape_error(std::move(path), "a boolean");
    }
    return {};
}

base::result<void> judge_members(const responses_request& r) {
    const auto text = r.member("text");
    const auto reasoning = r.member("reasoning");
    for (const auto& [object, name, path] : {
             std::tuple{text, "verbosity", "text.verbosity"},
             std::tuple{reasoning, "effort", "reasoning.effort"},
             std::tuple{reasoning, "summary", "reasoning.summary"},
             std::tuple{reasoning, "generate_summary", "reasoning.generate_summary"},
         }) {
        if (auto judged = judge_text(object, name, path); !judged) {
            return judged;
        }
    }
    constexpr std::string_view obfuscation = "include_obfuscation";
    if (auto judged = judge_boolean(
            r.member("stream_options"), obfuscation, "stream_options.include_obfuscation"
        );
        !judged) {
        return judged;
    }
    const auto truncation = r.member("truncation");
    if (!truncation.empty() && !is_string(truncation, "auto")
        && !is_string(truncation, "disabled")) {
        return shape_error("truncation", "\"auto\" or \"disabled\"");
    }
    std::size_t i = 0;
    base::result<void> judged;
    walk_object(r.member("metadata"), [&](std::string_view key, std::string_view value) {
        if (judged && !is_json_string(value)) {
            judged = shape_error("metadata." + base::clip(key, 64), "a string");
        }
    });
    walk_list(r.member("include"), [&](std::string_view element) {
        if (judged && !is_json_string(element)) {
            judged = shape_error("include[" + std::to_string(i) + ']', "a string");
        }
        ++i;
    });
    i = 0;
    walk_list(r.member("context_management"), [&](std::string_view element) {
        if (judged && !is_json_object(element)) {
            judged = shape_error("context_management[" + std::to_string(i) + ']', "an object");
        }
        ++i;
    });
    return judged;
}

std::string_view or_null(std::string_view raw) {
    return raw.empty() ? std::string_view("null") : raw;
}

bool includes(const responses_request& r, std::string_view what) {
    bool is_found = false;
    walk_list(r.member("include"), [&](std::string_view element) {
        is_found = is_found || is_string(element, what);
    });
    return is_found;
}

void append_raw(std::string& out, std::string_view name, std::string_view raw) {
    out.append(",\"").append(name).append("\":").append(raw);
}

// `text.format` as a chat's response_format; `text` is what chats do anyway.
base::result<void> append_format(std::string& out, std::string_view format) {
    constexpr std::string_view place = "text.format";
    if (!is_given(format)) {
        return {};
    }
    const auto type = find_member(format, "type");
    if (!is_json_object(format) || !is_json_string(type)) {
        return shape_error(std::string(place), "an object with a 'type'");
    }
    if (is_string(type, "text")) {
        return {};
    }
    if (is_string(type, "json_object")) {
        append_raw(out, "response_format", R"({"type":"json_object"})");
        return {};
    }
    if (!is_string(type, "json_schema")) {
        return base::make_error(
            error_code_id::unsupported_text_format,
            "'text.format' of the type '" + base::clip(string_body(type), 64)
                + "' is not supported on /v1/responses.",
            std::string(place)
        );
    }
    if (string_body(find_member(format, "name")).empty()) {
        return shape_error("text.format.name", "a string");
    }
    if (!is_json_object(find_member(format, "schema"))) {
        return shape_error("text.format.schema", "an object");
    }
    if (auto judged = judge_text(format, "description", "text.format.description"); !judged) {
        return judged;
    }
    if (auto judged = judge_boolean(format, "strict", "text.format.strict"); !judged) {
        return judged;
    }
    out += R"(,"response_format":{"type":"json_schema","json_schema":{)";
    walk_object(format, [&](std::string_view key, std::string_view value) {
        if (key != "type" && is_given(value)) {
            out += out.back() == '{' ? "" : ",";
            append_json_string(out, key);
            out += ':';
            out += value;
        }
    });
    out += "}}";
    return {};
}

// What stands under another name or in another place.
base::result<void> append_renamed(std::string& out, const responses_request& r) {
    if (const auto most = r.member("max_output_tokens"); !most.empty()) {
        append_raw(out, "max_tokens", most);
    }
    if (const auto effort = find_member(r.member("reasoning"), "effort"); is_given(effort)) {
        append_raw(out, "reasoning_effort", effort);
    }
    const auto text = r.member("text");
    if (const auto verbosity = find_member(text, "verbosity"); is_given(verbosity)) {
        append_raw(out, "verbosity", verbosity);
    }
    const auto top = r.member("top_logprobs");
    const bool has_top = !top.empty() && top != "0";
    if (has_top || includes(r, "message.output_text.logprobs")) {
        append_raw(out, "logprobs", "true");
    }
    if (has_top) {
        append_raw(out, "top_logprobs", top);
    }
    return append_format(out, find_member(text, "format"));
}

}  // namespace

base::result<void> responses_request::parse(std::string_view body, int max_depth) {
    const auto parsed = request_.parse(body, max_depth, shape_of(request_kind::responses));
    if (!parsed) {
        auto e = parsed.error();
        if (e.id == error_code_id::shape) {
            e.id = e.param == "input"             ? error_code_id::invalid_input
                   : e.param.starts_with("tools") ? error_code_id::invalid_tools
                   : e.param == "tool_choice"     ? error_code_id::invalid_tool_choice
                                                  : e.id;
        }
        return e;
    }
    return judge_members(*this);
}

std::string_view responses_request::member(std::string_view name) const {
    const auto* found = request_.find(name);
    return found == nullptr ? std::string_view{} : found->value;
}

bool responses_request::is_true(std::string_view name) const {
    return member(name) == "true";
}

bool responses_request::wants_store() const {
    return member("store") != "false";
}

std::string responses_request::previous_response_id() const {
    std::string out;
    append_unescaped(out, string_body(member("previous_response_id")));
    return out;
}

std::string responses_request::message_of_text(std::string_view raw_text) {
    std::string out = R"({"type":"message","role":"user","content":[{"type":"input_text","text":)";
    out += raw_text;
    out += "}]}";
    return out;
}

base::result<void> responses_request::append_messages(
    std::string& out, const response_history& history
) const {
    response_items items(out, history);
    const auto instructions = member("instructions");
    if (!string_body(instructions).empty()) {
        items.add_system(instructions);
    }
    for (const auto item : history.earlier_items()) {
        if (auto added = items.add(item, "an earlier item"); !added) {
            return added;
        }
    }
    const auto input = member("input");
    if (is_json_string(input)) {
        if (auto added = items.add(input, "input"); !added) {
            return added;
        }
    } else if (is_json_list(input)) {
        base::result<void> judged;
        std::size_t i = 0;
        walk_list(input, [&](std::string_view item) {
            if (judged) {
                judged = items.add(item, "input[" + std::to_string(i) + ']');
            }
            ++i;
        });
        if (!judged) {
            return judged;
        }
    }
    if (auto closed = items.close(); !closed) {
        return closed;
    }
    if (items.is_empty()) {
        return shape_error("input", "given, and not be empty");
    }
    return {};
}

base::result<std::string> responses_request::chat(const response_history& history) const {
    if (request_.find("prompt") != nullptr) {
        return unsupported("prompt");
    }
    if (const auto* n = request_.find("n"); n != nullptr && n->value != "1") {
        return unsupported("n");
    }
    for (const auto name : chat_names) {
        if (request_.find(name) != nullptr) {
            return base::make_error(
                error_code_id::invalid_request,
                "'" + std::string(name)
                    + "' is of /v1/chat/completions; /v1/responses has it in another form.",
                std::string(name)
            );
        }
    }
    std::string changed;
    bool offers = false;
    if (auto tools = append_chat_tools(changed, member("tools"), member("tool_choice"), offers);
        !tools) {
        return tools.error();
    }
    if (auto renamed = append_renamed(changed, *this); !renamed) {
        return renamed.error();
    }
    std::string out;
    out.reserve(request_.body().size() + 256);
    out += R"({"messages":[)";
    if (auto messages = append_messages(out, history); !messages) {
        return messages.error();
    }
    out += ']';
    out += changed;
    append_carried(out, offers);
    if (is_stream()) {
        out += R"(,"stream_options":{"include_usage":true})";
    }
    out += '}';
    return out;
}

// Everything else is the chat's too, or not ours to judge.
void responses_request::append_carried(std::string& out, bool offers_tools) const {
    const auto body = request_.body();
    for (const auto& m : request_.members()) {
        const bool is_null =
            m.type == json_type::null && request_.shape().rule_for(m.key) != nullptr;
        const bool is_idle = m.key == "parallel_tool_calls" && !offers_tools;
        if (is_null || is_idle || is_one_of(local_names, m.key) || is_one_of(chat_names, m.key)) {
            continue;
        }
        out += ',';
        out += body.substr(m.key_begin, m.key_end - m.key_begin);
        out += ':';
        out += m.value;
    }
}

response_facts responses_request::facts() const {
    using namespace std::chrono;
    response_facts out;
    out.id = "resp_" + base::random_hex(24);
    out.created_at = duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
    out.model = requested_name();
    out.is_background = is_background();
    out.previous_response_id = previous_response_id();
    out.service_tier = member("service_tier");
    const auto summary = find_member(member("reasoning"), "summary");
    out.wants_summary = is_given(summary);
    append_echo(out.echo);
    return out;
}

void responses_request::append_echo(std::string& out) const {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 15> repeated{{
        {"background", "false"},
        {"instructions", "null"},
        {"max_output_tokens", "null"},
        {"max_tool_calls", "null"},
        {"metadata", "{}"},
        {"parallel_tool_calls", "true"},
        {"prompt_cache_key", "null"},
        {"safety_identifier", "null"},
        {"temperature", "1.0"},
        {"tool_choice", R"("auto")"},
        {"tools", "[]"},
        {"top_logprobs", "0"},
        {"top_p", "1.0"},
        {"truncation", R"("disabled")"},
        {"user", "null"},
    }};
    const auto append =
        [&](std::string_view name, std::string_view given, std::string_view otherwise) {
            out.append(",\"").append(name).append("\":");
            append_on_one_line(out, is_given(given) ? given : otherwise);
        };
    for (const auto& [name, otherwise] : repeated) {
        append(name, member(name), otherwise);
    }
    const auto reasoning = member("reasoning");
    out += R"(,"reasoning":{"effort":)";
    append_on_one_line(out, or_null(find_member(reasoning, "effort")));
    out += R"(,"summary":)";
    append_on_one_line(out, or_null(find_member(reasoning, "summary")));
    const auto text = member("text");
    const auto format = find_member(text, "format");
    const auto verbosity = find_member(text, "verbosity");
    out += R"(},"text":{"format":)";
    append_on_one_line(out, is_given(format) ? format : R"({"type":"text"})");
    out += R"(,"verbosity":)";
    append_on_one_line(out, is_given(verbosity) ? verbosity : R"("medium")");
    out += '}';
}

}  // namespace meta_model::api
