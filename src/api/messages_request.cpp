#include "api/messages_request.hpp"

#include "api/json_walk.hpp"
#include "api/messages_tools.hpp"
#include "api/messages_turns.hpp"
#include "api/messages_wishes.hpp"
#include "api/request_shape.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

namespace meta_model::api {

namespace {

using base::error_code_id;

constexpr std::size_t max_members = 256;  // at the top; requests of today have some twenty

// Written below, or of the chat wire and of no meaning here.
constexpr std::array<std::string_view, 30> own_members{
    "model",
    "messages",
    "system",
    "max_tokens",
    "max_completion_tokens",
    "stop_sequences",
    "stop",
    "stream",
    "stream_options",
    "metadata",
    "user",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "thinking",
    "reasoning_effort",
    "output_config",
    "output_format",
    "response_format",
    "n",
    "service_tier",  // other words on other wires
    // How a server goes about it, not what it answers.
    "cache_control",
    "context_management",
    "speed",
    "diagnostics",
    "user_profile_id",
    "workspace_id",
    messages_wishes_member,
};

// What the answer would lack unseen.
constexpr std::array<std::string_view, 3> refused_members{
    "container", "mcp_servers", "inference_geo"
};

struct member {
    std::string_view key_text{};  // with its quotes, as written
    std::string_view key{};
    std::string_view value{};
    json_type type{};
};

bool is_empty_list(std::string_view raw) {
    return is_json_list(raw) && raw.find_first_not_of(" \t\r\n", 1) == raw.size() - 1;
}

class request_writer {
public:
    explicit request_writer(request_kind kind) : shape_(shape_of(kind)) {}

    base::result<std::string> write(std::string_view body, int max_depth);

private:
    bool fail(std::string path, std::string_view what, error_code_id id = error_code_id::shape);
    bool read(std::string_view body, int max_depth);
    bool judge(const member& m);
    bool judge_required();
    std::string_view get(std::string_view key) const;  // empty when null or absent

    bool append_tools();
    bool append_tool_choice();
    bool append_stop();
    bool append_user();
    bool append_thinking();
    bool append_output_config();
    bool append_format(std::string_view format, const std::string& path);
    void append_others();
    void append(std::string_view key, std::string_view value);
    void wish(std::string_view key, std::string_view value);

    const request_shape& shape_;
    std::vector<member> members_;
    std::vector<std::unique_ptr<std::string>> unescaped_;  // members view them
    base::maybe_error fault_;
    std::string out_;
    std::string wishes_;
    std::string_view effort_{};  // raw
    bool has_tools_ = false;
};

bool request_writer::fail(std::string path, std::string_view what, error_code_id id) {
    if (!fault_) {
        auto message = path + ": " + std::string(what);
        fault_ = base::make_error(id, std::move(message), std::move(path));
    }
    return false;
}

bool request_writer::read(std::string_view body, int max_depth) {
    json_cursor in(body, max_depth);
    const auto invalid = [&](std::string_view what) {
        fault_ = base::make_error(error_code_id::invalid_json, std::string(what));
        return false;
    };
    if (in.peek() != json_type::object) {
        std::string_view raw;
        return invalid(
            in.skip(raw) && in.at_end() ? "The request body must be a JSON object."
                                        : "The request body is not valid JSON."
        );
    }
    members_.reserve(16);
    in.enter_object();
    member m;
    while (members_.size() <= max_members && in.next_member(m.key)) {
        m.key_text = {m.key.data() - 1, m.key.size() + 2};
        if (m.key.find('\\') != std::string_view::npos) {
            auto& own = *unescaped_.emplace_back(std::make_unique<std::string>());
            m.key = append_unescaped(own, m.key) ? std::string_view(own) : m.key;
        }
        m.type = in.peek();
        if (!in.skip(m.value)) {
            break;
        }
        if (std::ranges::find(members_, m.key, &member::key) != members_.end()) {
            return invalid("'" + base::clip(m.key, 64) + "' is given twice.");
        }
        members_.push_back(m);
    }
    if (members_.size() > max_members) {
        return invalid("The request body has more members than are read.");
    }
    if (in.failed() || !in.at_end()) {
        return invalid(
            in.too_deep() ? "The request body is nested too deeply."
                          : "The request body is not valid JSON."
        );
    }
    return std::ranges::all_of(members_, [this](const auto& each) { return judge(each); })
           && judge_required();
}

bool request_writer::judge(const member& m) {
    if (std::ranges::find(refused_members, m.key) != refused_members.end()) {
        return !is_given(m.value) || is_empty_list(m.value)
               || fail(
                   std::string(m.key),
                   "is not supported here",
                   error_code_id::feature_not_supported_in_v1
               );
    }
    const auto* const rule = shape_.rule_for(m.key);
    const bool is_right = rule == nullptr
                          || ((rule->types & type_bit(m.type)) != 0
                              && (m.type == json_type::null || is_in_range(rule->range, m.value)));
    return is_right || fail(std::string(m.key), "must be " + std::string(rule->expected));
}

bool request_writer::judge_required() {
    for (const auto& rule : shape_.fields) {
        if (rule.is_required && get(rule.name).empty()) {
            return fail(std::string(rule.name), "must be given");
        }
    }
    return true;
}

std::string_view request_writer::get(std::string_view key) const {
    const auto it = std::ranges::find(members_, key, &member::key);
    return it != members_.end() && it->type != json_type::null ? it->value : std::string_view{};
}

void request_writer::append(std::string_view key, std::string_view value) {
    out_ += ",\"";
    out_ += key;
    out_ += "\":";
    out_ += value;
}

void request_writer::wish(std::string_view key, std::string_view value) {
    wishes_ += wishes_.empty() ? "{\"" : ",\"";
    wishes_ += key;
    wishes_ += "\":";
    wishes_ += value;
}

bool request_writer::append_tools() {
    const auto tools = get("tools");
    if (tools.empty() || is_empty_list(tools)) {
        return true;
    }
    has_tools_ = true;
    out_ += R"(,"tools":[)";
    std::size_t index = 0;
    walk_list(tools, [&](std::string_view raw) {
        if (!fault_) {
            fault_ = append_function(out_, raw, index++);
        }
    });
    out_ += ']';
    return !fault_;
}

bool request_writer::append_tool_choice() {
    const auto choice = get("tool_choice");
    if (choice.empty()) {
        return true;
    }
    const auto type = find_member(choice, "type");
    const auto name = find_member(choice, "name");
    const auto one_by_one = find_member(choice, "disable_parallel_tool_use");
    if (!is_json_string(type)) {
        return fail("tool_choice.type", type.empty() ? "must be given" : "must be a string");
    }
    if (is_given(one_by_one) && one_by_one != "true" && one_by_one != "false") {
        return fail("tool_choice.disable_parallel_tool_use", "must be a boolean");
    }
    std::string word;
    if (is_string(type, "auto") || is_string(type, "none")) {
        word = type;
    } else if (is_string(type, "any")) {
        word = R"("required")";
    } else if (!is_string(type, "tool")) {
        return fail("tool_choice.type", "must be 'auto', 'any', 'tool' or 'none'");
    } else if (string_body(name).empty()) {
        return fail("tool_choice.name", name.empty() ? "must be given" : "must be a string");
    } else {
        word = R"({"type":"function","function":{"name":)" + std::string(name) + "}}";
    }
    if (has_tools_) {
        append("tool_choice", word);
        if (one_by_one == "true") {
            append("parallel_tool_calls", "false");
        }
    }
    return true;
}

bool request_writer::append_stop() {
    const auto stop = get("stop_sequences");
    if (stop.empty() || is_empty_list(stop)) {
        return true;
    }
    std::size_t index = 0;
    walk_list(stop, [&](std::string_view raw) {
        if (!is_json_string(raw)) {
            fail("stop_sequences." + std::to_string(index), "must be a string");
        }
        ++index;
    });
    append("stop", stop);
    return !fault_;
}

// Servers of the chat wire take short ones only.
bool request_writer::append_user() {
    constexpr std::size_t longest = 64;
    const auto metadata = get("metadata");
    const auto id = find_member(metadata, "user_id");
    if (is_given(id) && !is_json_string(id)) {
        return fail("metadata.user_id", "must be a string");
    }
    if (!is_given(id)) {
        return true;
    }
    wish("metadata", metadata);
    std::string text;
    if (append_unescaped(text, string_body(id)) && text.size() > longest) {
        text.resize(longest);
        while (!base::is_valid_utf8(text)) {
            text.pop_back();
        }
        std::string json;
        append_json_string(json, text);
        append("user", json);
    } else {
        append("user", id);
    }
    return true;
}

bool request_writer::append_thinking() {
    const auto thinking = get("thinking");
    if (thinking.empty()) {
        return true;
    }
    const auto type = find_member(thinking, "type");
    const auto budget = find_member(thinking, "budget_tokens");
    std::int64_t tokens = 0;
    if (!is_json_string(type)) {
        return fail("thinking.type", type.empty() ? "must be given" : "must be a string");
    }
    const bool is_enabled = is_string(type, "enabled");
    constexpr std::array<std::string_view, 4> known{
        "enabled", "adaptive", "disabled", "between_tools"
    };
    if (std::ranges::find(known, string_body(type)) == known.end()) {
        return fail("thinking.type", "must be 'enabled', 'adaptive' or 'disabled'");
    }
    if (is_enabled && (!to_int64(budget, tokens) || tokens < 1)) {
        return fail(
            "thinking.budget_tokens",
            budget.empty() ? "must be given" : "must be a positive integer"
        );
    }
    wish("thinking", thinking);
    if (is_enabled && effort_.empty()) {
        effort_ = tokens < 4096 ? R"("low")" : tokens < 16384 ? R"("medium")" : R"("high")";
    } else if (is_string(type, "disabled")) {
        effort_ = {};
    }
    return true;
}

bool request_writer::append_format(std::string_view format, const std::string& path) {
    if (!is_given(format)) {
        return true;
    }
    if (!is_json_object(format)) {
        return fail(path, "must be an object");
    }
    const auto type = find_member(format, "type");
    const auto schema = find_member(format, "schema");
    if (!is_string(type, "json_schema")) {
        return fail(path + ".type", type.empty() ? "must be given" : "must be 'json_schema'");
    }
    if (!is_json_object(schema)) {
        return fail(path + ".schema", schema.empty() ? "must be given" : "must be an object");
    }
    out_ += R"(,"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":)";
    out_ += schema;
    out_ += "}}";
    return true;
}

bool request_writer::append_output_config() {
    const auto config = get("output_config");
    const auto effort = find_member(config, "effort");
    if (is_given(effort)) {
        constexpr std::array<std::string_view, 5> known{"low", "medium", "high", "xhigh", "max"};
        if (std::ranges::find(known, string_body(effort)) == known.end()) {
            return fail(
                "output_config.effort", "must be 'low', 'medium', 'high', 'xhigh' or 'max'"
            );
        }
        wish("effort", effort);
        effort_ = is_string(effort, "max") ? R"("xhigh")" : effort;
    }
    const auto format = find_member(config, "format");
    return is_given(format) ? append_format(format, "output_config.format")
                            : append_format(get("output_format"), "output_format");
}

void request_writer::append_others() {
    for (const auto& m : members_) {
        const bool is_refused = std::ranges::find(refused_members, m.key) != refused_members.end();
        if (!is_refused && std::ranges::find(own_members, m.key) == own_members.end()) {
            out_ += ',';
            out_ += m.key_text;
            out_ += ':';
            out_ += m.value;
        }
    }
}

base::result<std::string> request_writer::write(std::string_view body, int max_depth) {
    if (!read(body, max_depth)) {
        return *fault_;
    }
    out_.reserve(body.size() + body.size() / 8 + 256);
    out_ += R"({"model":)";
    out_ += get("model");
    out_ += R"(,"messages":[)";
    messages_turns turns(out_);
    turns.add_system(get("system"));
    turns.add_messages(get("messages"));
    if (turns.fault()) {
        return *turns.fault();
    }
    out_ += ']';
    if (const auto max_tokens = get("max_tokens"); !max_tokens.empty()) {
        append("max_tokens", max_tokens);
    }
    if (get("stream") == "true") {
        append("stream", R"(true,"stream_options":{"include_usage":true})");
    }
    const bool is_ok = append_stop() && append_user() && append_tools() && append_tool_choice()
                       && append_output_config() && append_thinking();
    if (!is_ok) {
        return *fault_;
    }
    if (!effort_.empty()) {
        append("reasoning_effort", effort_);
    }
    if (!wishes_.empty()) {
        append(messages_wishes_member, wishes_ + '}');
    }
    append_others();
    out_ += '}';
    return std::move(out_);
}

}  // namespace

base::result<std::string> chat_of_messages(std::string_view body, int max_depth) {
    return request_writer(request_kind::messages).write(body, max_depth);
}

base::result<void> judge_count_tokens(std::string_view body, int max_depth) {
    const auto written = request_writer(request_kind::count_tokens).write(body, max_depth);
    if (!written) {
        return written.error();
    }
    return {};
}

}  // namespace meta_model::api
