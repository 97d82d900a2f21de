#include "upstream/test_replies.hpp"

#include "api/chat_request.hpp"
#include "api/chat_wire.hpp"
#include "api/json_text.hpp"
#include "base/text.hpp"
#include "upstream/test_schema.hpp"
#include "upstream/test_voices.hpp"
#include "upstream/test_wire.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

namespace meta_model::upstream {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t max_tools_bytes = 1u << 20;
constexpr std::size_t max_calls = 4;
constexpr std::int64_t most_choices = 128;
constexpr std::size_t longest_piece = 24;

// FNV-1a, 64 bits.
std::uint64_t hash_of(std::initializer_list<std::string_view> parts) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3u; };
    for (const auto part : parts) {
        for (const char c : part) {
            mix(static_cast<unsigned char>(c));
        }
        mix(0xff);  // never part of UTF-8, so ("a", "b") is not ("ab", "")
    }
    return hash;
}

std::int64_t tokens_of(std::size_t bytes) {
    return static_cast<std::int64_t>((bytes + 3) / 4);
}

// Words with the white space behind them; long ones in parts, between characters.
std::vector<std::string> split_in_words(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\n'; };
    const auto is_inside_character = [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    };
    std::vector<std::string> pieces;
    std::size_t begin = 0;
    for (std::size_t i = 1; i <= text.size(); ++i) {
        const bool ends = i == text.size() || (is_space(text[i - 1]) && !is_space(text[i]));
        const bool is_long = i - begin >= longest_piece;
        if (ends || (is_long && !is_inside_character(text[i]))) {
            pieces.emplace_back(text.substr(begin, i - begin));
            begin = i;
        }
    }
    return pieces;
}

// The marks around the drafts of a synthesis task are random per request; without them the same question gets the
// same answer.
std::string without_marks(std::string_view messages) {
    constexpr std::string_view edge = "=====";
    std::string out;
    for (auto at = messages.find(edge); at != std::string_view::npos; at = messages.find(edge)) {
        const auto end = messages.find(edge, at + edge.size());
        if (end == std::string_view::npos) {
            break;
        }
        out += messages.substr(0, at);
        messages.remove_prefix(end + edge.size());
    }
    out += messages;
    return out;
}

class answer_maker {
public:
    answer_maker(const test_request& request, const api::chat_request& chat)
        : request_(request), chat_(chat) {
        messages_bytes_ = chat.find("messages")->value.size();
        said_ = without_marks(chat.find("messages")->value);
        seed_ = seed_of(0);
        read_conversation();
    }

    simulated_answer make() {
        simulated_answer answer;
        answer.id = "chatcmpl-test-" + hex_text(seed_);
        answer.model = request_.model_id;
        answer.created = request_.created;
        answer.prompt_tokens = tokens_of(messages_bytes_) + 3;
        for (std::int64_t i = 0; i < choice_count(); ++i) {
            seed_ = seed_of(i);
            auto& choice = answer.choices.emplace_back();
            choice.calls = calls();
            if (!choice.calls.empty()) {
                choice.finish_reason = "tool_calls";
            } else {
                choice.pieces = split_in_words(content());
            }
            answer.completion_tokens += keep_within_limit(choice);
        }
        return answer;
    }

private:
    // A choice is what a call of its own would give with a seed so much higher.
    std::uint64_t seed_of(std::int64_t choice) const {
        const auto* asked = chat_.find("seed");
        std::int64_t number = 0;
        std::string text(asked ? asked->value : "0");
        if (choice > 0 && api::to_int64(text, number)) {
            const auto own =
                static_cast<std::uint64_t>(number) + static_cast<std::uint64_t>(choice);
            text = std::to_string(static_cast<std::int64_t>(own));
        } else if (choice > 0) {
            text += '+' + std::to_string(choice);
        }
        return hash_of({request_.model_id, said_, text});
    }

    std::int64_t choice_count() const {
        const auto n = parsed("n");
        return n.is_number_integer()
                   ? std::clamp<std::int64_t>(n.get<std::int64_t>(), 1, most_choices)
                   : 1;
    }

    static std::string text_of(const api::request_message& message) {
        std::string text;
        api::append_content_text(text, message.content);
        return text;
    }

    void read_conversation() {
        const auto& messages = chat_.messages();
        if (messages.empty()) {
            return;
        }
        last_role_ = messages.back().role;
        last_text_ = text_of(messages.back());
        if (is_synthesis_task(last_text_)) {
            synthesis_ = last_text_;
        }
        const auto asked_before = messages.rbegin() + (synthesis_.empty() ? 0 : 1);
        const auto user = std::find_if(asked_before, messages.rend(), [](const auto& message) {
            return message.role == api::role::user;
        });
        question_ = user == messages.rend() ? std::string() : text_of(*user);
    }

    std::string content() const {
        if (auto structured = structured_content()) {
            return *std::move(structured);
        }
        return spoken_reply({
            .key = request_.key,
            .model_id = request_.model_id,
            .seed = seed_,
            .question = question_,
            .tool_result = last_role_ == api::role::tool ? last_text_ : std::string_view(),
            .has_tool_result = last_role_ == api::role::tool,
            .synthesis = synthesis_,
        });
    }

    // The content that `response_format` asks for; nothing for text.
    std::optional<std::string> structured_content() const {
        const auto format = parsed("response_format");
        const auto type = format.is_object() ? format.value("type", json()) : json();
        if (type == "json_object") {
            const json object{
                {"simulated", true},
                {"by", request_.model_id},
                {"about", quoted_part(question_, 80)},
            };
            return object.dump(-1, ' ', false, json::error_handler_t::replace);
        }
        if (type != "json_schema") {
            return std::nullopt;
        }
        const auto wrapper = format.value("json_schema", json::object());
        const auto schema =
            wrapper.is_object() ? wrapper.value("schema", json::object()) : json::object();
        return schema_instance(schema.dump(), {.seed = seed_, .text = question_});
    }

    std::vector<simulated_call> calls() const {
        std::vector<simulated_call> result;
        for (const auto& function : functions_to_call()) {
            const auto number = result.size();
            const auto schema = function.value("parameters", json::object());
            const auto call_seed = seed_ + number;
            result.push_back({
                .id = "call_" + hex_text(seeded_choice(call_seed).next()),
                .name = function.value("name", std::string()),
                .pieces = split_in_words(
                    schema_instance(schema.dump(), {.seed = call_seed, .text = question_})
                ),
            });
        }
        return result;
    }

    // The `function` objects of the tools that this reply calls.
    std::vector<json> functions_to_call() const {
        const auto offered = offered_functions();
        const auto choice = parsed("tool_choice");
        if (offered.empty() || choice == "none") {
            return {};
        }
        if (choice.is_object()) {
            const auto function = choice.value("function", json::object());
            return named(offered, function.is_object() ? function.value("name", json()) : json());
        }
        const bool is_called = request_.key == "demo-tools" || request_.model_id == "demo-tools";
        const bool wants = is_called && synthesis_.empty() && last_role_ != api::role::tool;
        return choice == "required" || wants ? fitting(offered) : std::vector<json>{};
    }

    std::vector<json> offered_functions() const {
        std::vector<json> functions;
        const auto tools = parsed("tools");
        for (const auto& tool : tools.is_array() ? tools : json::array()) {
            const auto function = tool.is_object() ? tool.value("function", json()) : json();
            if (function.is_object() && function.value("name", json()).is_string()) {
                functions.push_back(function);
            }
        }
        return functions;
    }

    static std::vector<json> named(const std::vector<json>& offered, const json& name) {
        for (const auto& function : offered) {
            if (function["name"] == name) {
                return {function};
            }
        }
        return {};
    }

    // The tools that the user names, else the first one; one only if calls may not be parallel.
    std::vector<json> fitting(const std::vector<json>& offered) const {
        const auto words =
            base::ascii_lower(std::string_view(question_).substr(0, longest_question));
        const std::size_t most = parsed("parallel_tool_calls") == json(false) ? 1 : max_calls;
        std::vector<json> result;
        for (const auto& function : offered) {
            auto name = base::ascii_lower(function["name"].get<std::string>());
            bool is_named = words.find(name) != std::string::npos;
            std::replace(name.begin(), name.end(), '_', ' ');
            is_named = is_named || words.find(name) != std::string::npos;
            if (is_named && !name.empty() && result.size() < most) {
                result.push_back(function);
            }
        }
        return result.empty() ? std::vector<json>{offered.front()} : result;
    }

    // A member of the request as a value; null if there is none, or it is larger than anybody needs.
    json parsed(std::string_view key) const {
        const auto* member = chat_.find(key);
        if (member == nullptr || member->value.size() > max_tools_bytes) {
            return {};
        }
        auto value = json::parse(member->value, nullptr, false);
        return value.is_discarded() ? json() : value;
    }

    std::int64_t token_limit() const {
        for (const auto key : {"max_completion_tokens", "max_tokens"}) {
            const auto value = parsed(key);
            if (value.is_number_integer() && value > 0) {
                return value.get<std::int64_t>();
            }
        }
        return std::numeric_limits<std::int64_t>::max();
    }

    // Cuts what exceeds the client's limit, arguments of tool calls too, as servers do. Returns the tokens.
    std::int64_t keep_within_limit(simulated_choice& answer) const {
        const auto limit = token_limit();
        std::int64_t count = 0;
        bool is_cut = false;
        const auto keep = [&](std::vector<std::string>& pieces) {
            std::size_t kept = 0;
            while (!is_cut && kept < pieces.size()) {
                const auto tokens = tokens_of(pieces[kept].size());
                is_cut = count + tokens > limit;
                count += is_cut ? 0 : tokens;
                kept += is_cut ? 0 : 1;
            }
            pieces.resize(kept);
        };
        keep(answer.pieces);
        for (auto& call : answer.calls) {
            keep(call.pieces);
        }
        if (is_cut) {
            answer.finish_reason = "length";
            count = limit;
        }
        return count;
    }

    static constexpr std::size_t longest_question = 64u << 10;

    const test_request& request_;
    const api::chat_request& chat_;
    std::string said_;        // the messages without what is random in them
    std::uint64_t seed_ = 0;  // of the choice that is being made
    std::size_t messages_bytes_ = 0;
    api::role last_role_{};
    std::string last_text_;
    std::string synthesis_;
    std::string question_;
};

}  // namespace

test_reply make_test_reply(const test_request& request) {
    constexpr int deepest_json = 1024;
    api::chat_request chat;
    const auto read = chat.parse(request.body, deepest_json);
    if (read.has_error() || chat.find("messages") == nullptr) {
        return {.status = 400, .body = test_error_body(request.key, 400)};
    }
    answer_maker maker(request, chat);
    const auto answer = maker.make();

    test_reply reply;
    reply.is_stream = chat.stream();
    if (reply.is_stream) {
        reply.events = stream_events(answer, chat.include_usage());
    } else {
        reply.body = completion_body(answer);
    }
    return reply;
}

std::string test_error_body(std::string_view key, int status) {
    const std::string_view type = status < 500 ? "invalid_request_error" : "server_error";
    std::string out = "{\"error\":{\"message\":";
    api::append_json_string(out, "Simulated failure of " + std::string(key) + ".");
    out.append(",\"type\":\"").append(type);
    return out.append("\",\"param\":null,\"code\":\"simulated_failure\"}}");
}

std::string test_models_body(std::string_view model_id) {
    std::string out = "{\"object\":\"list\",\"data\":[{\"id\":";
    api::append_json_string(out, model_id);
    return out.append(",\"object\":\"model\",\"created\":0,\"owned_by\":\"meta-model\"}]}");
}

}  // namespace meta_model::upstream
