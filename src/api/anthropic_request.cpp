#include "api/anthropic_request.hpp"

#include "api/anthropic_tools.hpp"
#include "api/anthropic_turns.hpp"
#include "api/json_walk.hpp"

#include <algorithm>
#include <array>

namespace meta_model::api {

namespace {

constexpr std::int64_t least_thinking_budget =
    1024;  // the API's own minimum, and the room left to answer in

// Members of a chat request that have no meaning of their own there, or are translated below. Whatever else an operator
// sets is meant for the Messages API.
constexpr std::array<std::string_view, 39> chat_members{
    "model",
    "messages",
    "system",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "user",
    "safety_identifier",
    "response_format",
    "reasoning_effort",
    "n",
    "seed",
    "store",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "modalities",
    "audio",
    "prediction",
    "verbosity",
    "prompt_cache_key",
    "prompt_cache_retention",
    "web_search_options",
    "chat_template_kwargs",
    "x_meta_model",
    messages_wishes_member,
    "reasoning"
};

// The raw values that are read; empty where absent.
struct chat_fields {
    std::string_view model{};
    std::string_view messages{};
    std::string_view stream{};
    std::string_view stream_options{};
    std::string_view max_tokens{};
    std::string_view max_completion_tokens{};
    std::string_view temperature{};
    std::string_view top_p{};
    std::string_view top_k{};
    std::string_view stop{};
    std::string_view tools{};
    std::string_view tool_choice{};
    std::string_view parallel_tool_calls{};
    std::string_view user{};
    std::string_view safety_identifier{};
    std::string_view metadata{};
    std::string_view response_format{};
    std::string_view reasoning_effort{};
    std::string_view wishes{};           // of a client that speaks the Messages API itself
    std::string_view passed_thinking{};  // an operator's own words
    bool passes_output_config = false;
    bool passes_metadata = false;
};

struct field_row {
    std::string_view key;
    std::string_view chat_fields::* value;
};

constexpr field_row fields[] = {
    {"model", &chat_fields::model},
    {"messages", &chat_fields::messages},
    {"stream", &chat_fields::stream},
    {"stream_options", &chat_fields::stream_options},
    {"max_tokens", &chat_fields::max_tokens},
    {"max_completion_tokens", &chat_fields::max_completion_tokens},
    {"temperature", &chat_fields::temperature},
    {"top_p", &chat_fields::top_p},
    {"top_k", &chat_fields::top_k},
    {"stop", &chat_fields::stop},
    {"tools", &chat_fields::tools},
    {"tool_choice", &chat_fields::tool_choice},
    {"parallel_tool_calls", &chat_fields::parallel_tool_calls},
    {"user", &chat_fields::user},
    {"safety_identifier", &chat_fields::safety_identifier},
    {"metadata", &chat_fields::metadata},
    {"response_format", &chat_fields::response_format},
    {"reasoning_effort", &chat_fields::reasoning_effort},
    {messages_wishes_member, &chat_fields::wishes},
};

bool is_number(std::string_view raw) {
    return !raw.empty() && (raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9'));
}

class request_writer {
public:
    request_writer(const messages_options& options, std::string& out)
        : options_(options), out_(out) {}

    bool write(std::string_view chat, messages_request& facts);

private:
    bool passes(std::string_view key) const {
        return std::ranges::find(options_.passed_members, key) != options_.passed_members.end()
               && !is_chat_member(key);
    }

    void read(std::string_view key, std::string_view value);
    void read_wishes();
    void read_tool_choice();
    void add_schema_sentence(anthropic_turns& turns);
    void decide_thinking(bool misses_thinking);
    void append(std::string_view key, std::string_view value);
    void append_tools(bool marks_end);
    void append_tool_choice();
    void append_sampling();
    void append_stop();
    void append_thinking();
    void append_output_config();
    void append_metadata();

    const messages_options& options_;
    std::string& out_;
    chat_fields f_;
    std::string passed_;       // members that go as they are
    std::string choice_type_;  // "", "auto", "any", "tool", "none"
    std::string_view choice_name_{};
    messages_wishes wishes_;
    std::int64_t max_tokens_ = 0;
    std::int64_t budget_ = 0;
    thinking_mode thinking_ = thinking_mode::off;
    bool has_tools_ = false;
    bool has_schema_ = false;  // as output_config.format
};

void request_writer::read(std::string_view key, std::string_view value) {
    if (passes(key)) {
        passed_ += ',';
        append_json_string(passed_, key);
        passed_ += ':';
        passed_ += value;
        f_.passed_thinking = key == "thinking" ? value : f_.passed_thinking;
        f_.passes_output_config = f_.passes_output_config || key == "output_config";
        f_.passes_metadata = f_.passes_metadata || key == "metadata";
    }
    const auto* const row = std::ranges::find(fields, key, &field_row::key);
    if (row != std::end(fields)) {
        f_.*(row->value) = value;
    }
}

// What the client asks for goes before what is configured.
void request_writer::read_wishes() {
    wishes_ = api::read_wishes(f_.wishes);
    if (wishes_.thinking.empty()) {
        wishes_.mode = options_.thinking;
        wishes_.budget_tokens = options_.budget_tokens;
    }
    f_.metadata = wishes_.metadata.empty() ? f_.metadata : wishes_.metadata;
}

void request_writer::read_tool_choice() {
    const auto raw = f_.tool_choice;
    const auto word =
        is_json_object(raw) ? find_member(find_member(raw, "allowed_tools"), "mode") : raw;
    if (is_string(word, "auto") || is_string(word, "none")) {
        choice_type_ = string_body(word);
    } else if (is_string(word, "required")) {
        choice_type_ = "any";
    } else if (is_json_object(raw)) {
        choice_name_ = find_member(find_member(raw, "function"), "name");
        choice_type_ = string_body(choice_name_).empty() ? "" : "tool";
    }
}

void request_writer::append(std::string_view key, std::string_view value) {
    out_ += ",\"";
    out_ += key;
    out_ += "\":";
    out_ += value;
}

// A format that the API has no word for is asked for in words.
void request_writer::add_schema_sentence(anthropic_turns& turns) {
    const auto type = find_member(f_.response_format, "type");
    const auto schema = find_member(find_member(f_.response_format, "json_schema"), "schema");
    const bool is_schema = is_string(type, "json_schema") && is_json_object(schema);
    if (options_.structured_outputs == schema_wording::off
        || (!is_schema && !is_string(type, "json_object") && !is_string(type, "json_schema"))) {
        return;
    }
    if (is_schema && options_.structured_outputs == schema_wording::native) {
        has_schema_ = !f_.passes_output_config;
        return;
    }
    std::string sentence =
        "Answer with one JSON object and nothing else: no code fence, no text around it.";
    if (is_schema) {
        sentence =
            "Answer with one JSON value and nothing else: no code fence, no text around it. It "
            "must be valid against this JSON Schema:\n";
        sentence += schema;
    }
    turns.add_system(std::move(sentence));
}

// Thinking as the API allows it: not with a call that is demanded, and not with a budget in the middle of a round of calls
// whose thinking is lost.
void request_writer::decide_thinking(bool misses_thinking) {
    std::int64_t wanted = 0;
    const auto given =
        is_given(f_.max_completion_tokens) ? f_.max_completion_tokens : f_.max_tokens;
    max_tokens_ = to_int64(given, wanted) ? std::clamp<std::int64_t>(wanted, 1, options_.max_output)
                                          : options_.max_output;
    const bool is_forced = has_tools_ && (choice_type_ == "any" || choice_type_ == "tool");
    const bool is_passed = is_json_object(f_.passed_thinking);
    const bool has_budget = wishes_.mode == thinking_mode::enabled;
    if (is_passed || is_forced || is_string(f_.reasoning_effort, "none")
        || (has_budget && misses_thinking)) {
        return;
    }
    thinking_ = wishes_.mode;
    if (thinking_ == thinking_mode::adaptive && max_tokens_ <= least_thinking_budget) {
        thinking_ = thinking_mode::off;  // it could be all that is written
    }
    if (has_budget) {
        const auto share = share_output(
            {.max_output = options_.max_output, .budget_tokens = wishes_.budget_tokens}, max_tokens_
        );
        max_tokens_ = share.max_tokens;
        budget_ = share.thinking_budget;
        thinking_ = budget_ > 0 ? thinking_ : thinking_mode::off;
    }
}

void request_writer::append_tools(bool marks_end) {
    if (!is_json_list(f_.tools) || choice_type_ == "none") {
        return;
    }
    const auto before = out_.size();
    out_ += R"(,"tools":[)";
    const bool keeps_schemas = options_.structured_outputs == schema_wording::native;
    walk_list(f_.tools, [&](std::string_view element) {
        has_tools_ = append_messages_tool(out_, element, keeps_schemas) || has_tools_;
    });
    if (!has_tools_) {
        out_.resize(before);
        return;
    }
    if (marks_end) {
        out_.insert(out_.size() - 1, R"(,"cache_control":{"type":"ephemeral"})");
    }
    out_ += ']';
}

void request_writer::append_tool_choice() {
    const bool is_one_by_one = f_.parallel_tool_calls == "false";
    if (!has_tools_ || (choice_type_.empty() && !is_one_by_one)) {
        return;
    }
    out_ += R"(,"tool_choice":{"type":")";
    out_ += choice_type_.empty() ? "auto" : choice_type_;
    out_ += '"';
    if (choice_type_ == "tool") {
        append("name", choice_name_);
    }
    if (is_one_by_one) {
        append("disable_parallel_tool_use", "true");
    }
    out_ += '}';
}

void request_writer::append_sampling() {
    const bool is_passed_on = is_json_object(f_.passed_thinking)
                              && !is_string(find_member(f_.passed_thinking, "type"), "disabled");
    if (thinking_ != thinking_mode::off || is_passed_on) {
        return;
    }
    if (is_number(f_.temperature)) {
        double value = 0;
        const bool is_above = to_double(f_.temperature, value) && value > 1;
        append("temperature", is_above ? "1" : f_.temperature);  // its range ends at 1
    }
    if (is_number(f_.top_p)) {
        append("top_p", f_.top_p);
    }
    if (is_number(f_.top_k)) {
        append("top_k", f_.top_k);
    }
}

void request_writer::append_stop() {
    std::string list;
    const auto take = [&](std::string_view raw) {
        std::string text;
        append_unescaped(text, string_body(raw));
        if (text.find_first_not_of(" \t\r\n") != std::string::npos) {  // the API refuses others
            list += list.empty() ? "[" : ",";
            list += raw;
        }
    };
    if (is_json_string(f_.stop)) {
        take(f_.stop);
    } else if (is_json_list(f_.stop)) {
        walk_list(f_.stop, take);
    }
    if (!list.empty()) {
        list += ']';
        append("stop_sequences", list);
    }
}

void request_writer::append_thinking() {
    const bool is_own = !wishes_.thinking.empty() && thinking_ == wishes_.mode;
    if (is_own && thinking_ != thinking_mode::off
        && (thinking_ == thinking_mode::adaptive || budget_ == wishes_.budget_tokens)) {
        append("thinking", wishes_.thinking);
    } else if (thinking_ == thinking_mode::adaptive) {
        append("thinking", R"({"type":"adaptive"})");
    } else if (thinking_ == thinking_mode::enabled) {
        out_ += R"(,"thinking":{"type":"enabled","budget_tokens":)";
        append_json_number(out_, budget_);
        out_ += '}';
    }
}

void request_writer::append_output_config() {
    std::string_view effort;
    if (thinking_ == thinking_mode::adaptive && !f_.passes_output_config) {
        effort = options_.effort;
        if (effort.empty() && wishes_.effort.empty() && is_json_string(f_.reasoning_effort)) {
            constexpr std::array<std::string_view, 5> known{
                "low", "medium", "high", "xhigh", "max"
            };
            const auto asked = string_body(f_.reasoning_effort);
            effort = asked == "minimal"                                           ? "low"
                     : std::ranges::find(known, asked) != std::ranges::end(known) ? asked
                                                                                  : "";
        }
    }
    if (effort.empty() && !wishes_.effort.empty() && !f_.passes_output_config) {
        effort = wishes_.effort;
    }
    if (effort.empty() && !has_schema_) {
        return;
    }
    out_ += R"(,"output_config":{)";
    if (!effort.empty()) {
        out_ += R"("effort":)";
        append_json_string(out_, effort);
    }
    if (has_schema_) {
        out_ += effort.empty() ? "" : ",";
        out_ += R"("format":{"type":"json_schema","schema":)";
        out_ += find_member(find_member(f_.response_format, "json_schema"), "schema");
        out_ += '}';
    }
    out_ += '}';
}

void request_writer::append_metadata() {
    auto id = find_member(f_.metadata, "user_id");
    id = is_json_string(id) ? id : f_.safety_identifier;
    id = is_json_string(id) ? id : f_.user;
    if (is_json_string(id) && !f_.passes_metadata) {
        out_ += R"(,"metadata":{"user_id":)";
        out_ += id;
        out_ += '}';
    }
}

bool request_writer::write(std::string_view chat, messages_request& facts) {
    const bool is_object =
        walk_object(chat, [&](std::string_view key, std::string_view value) { read(key, value); });
    if (!is_object || !is_json_list(f_.messages)) {
        return false;
    }
    out_.reserve(out_.size() + chat.size() + chat.size() / 8 + 512);
    facts.is_stream = f_.stream == "true";
    facts.wants_usage = find_member(f_.stream_options, "include_usage") == "true";
    const bool marks =
        options_.has_prompt_caching && chat.find("\"cache_control\"") == std::string_view::npos;
    read_wishes();
    read_tool_choice();
    out_ += R"({"model":)";
    out_ += f_.model.empty() ? R"("")" : f_.model;
    out_ += R"(,"messages":[)";
    anthropic_turns turns(out_);
    walk_list(f_.messages, [&](std::string_view message) { turns.add(message); });
    add_schema_sentence(turns);
    turns.close(marks);
    out_ += ']';
    turns.append_system(marks);
    append_tools(marks);
    decide_thinking(turns.misses_thinking());
    out_ += R"(,"max_tokens":)";
    append_json_number(out_, max_tokens_);
    append_tool_choice();
    append_sampling();
    append_stop();
    append_thinking();
    append_output_config();
    append_metadata();
    out_ += passed_;
    if (facts.is_stream) {
        append("stream", "true");
    }
    out_ += '}';
    return true;
}

}  // namespace

bool is_chat_member(std::string_view key) {
    return std::ranges::find(chat_members, key) != chat_members.end();
}

output_share share_output(const messages_options& options, std::int64_t max_tokens) {
    output_share out{.max_tokens = max_tokens};
    const auto budget =
        options.budget_tokens.value_or(std::max(least_thinking_budget, max_tokens / 2));
    if (out.max_tokens <= budget) {
        out.max_tokens =
            std::max(max_tokens, std::min(budget + least_thinking_budget, options.max_output));
    }
    if (out.max_tokens <= least_thinking_budget) {
        out.max_tokens = max_tokens;  // no room for both
        return out;
    }
    out.thinking_budget =
        budget < out.max_tokens
            ? std::max(budget, least_thinking_budget)
            : std::max(least_thinking_budget, out.max_tokens - least_thinking_budget);
    return out;
}

bool write_messages_request(
    std::string_view chat,
    const messages_options& options,
    std::string& out,
    messages_request& facts
) {
    return request_writer(options, out).write(chat, facts);
}

}  // namespace meta_model::api
