#include "dispatch/own_wire_changes.hpp"

#include "api/anthropic_request.hpp"
#include "api/json_walk.hpp"
#include "dispatch/cache_marks.hpp"
#include "upstream/anthropic_call.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace meta_model::dispatch {

namespace {

using api::json_type;

std::string json_string(std::string_view text) {
    std::string out;
    api::append_json_string(out, text);
    return out;
}

// `object`, JSON text or empty, with this member.
std::string with_member(std::string_view object, std::string_view key, std::string_view value) {
    if (const auto old = api::find_member(object, key); !old.empty()) {
        std::string out(object);
        return out.replace(static_cast<std::size_t>(old.data() - object.data()), old.size(), value);
    }
    std::string out = "{\"" + std::string(key) + "\":" + std::string(value);
    bool is_empty = true;
    api::walk_object(object, [&](auto, auto) { is_empty = false; });
    if (is_empty) {
        return out + '}';
    }
    return out + ',' + std::string(object.substr(1));
}

// The operator's text in front of the client's own, which is a string or, in the Messages API, a list of blocks.
std::string system_text(std::string_view prompt, const api::request_member* own) {
    if (own != nullptr && own->type == json_type::array) {
        std::string out = R"([{"type":"text","text":)" + json_string(prompt) + '}';
        bool is_empty = true;
        api::walk_list(own->value, [&](auto) { is_empty = false; });
        return out + (is_empty ? "" : ",") + std::string(own->value.substr(1));
    }
    auto out = json_string(prompt);
    if (own != nullptr && own->type == json_type::string && own->value.size() > 2) {
        out.pop_back();
        out += "\\n\\n";
        out += own->value.substr(1);
    }
    return out;
}

// An override's JSON text; empty: there is none.
std::string_view override_of(const config::upstream& u, std::string_view key) {
    const auto& all = u.request_overrides;
    const auto it = std::ranges::find(all, key, &std::pair<std::string, std::string>::first);
    return it == all.end() ? std::string_view() : std::string_view(it->second);
}

constexpr std::array<std::string_view, 3> sampling_members{"temperature", "top_p", "top_k"};

// The API refuses thinking beside these.
bool excludes_thinking(const api::chat_request& request, const config::upstream& u) {
    const auto* choice = request.find("tool_choice");
    const auto type = choice != nullptr ? api::find_member(choice->value, "type") : "";
    const auto is_sampled = [&](std::string_view key) {
        const auto* own = request.find(key);
        auto value = override_of(u, key);
        value = api::is_given(value) ? value : own != nullptr ? own->value : std::string_view();
        double number = 0;
        const bool is_default =
            key == "temperature" && api::to_double(value, number) && number == 1;
        return !value.empty() && !is_default;
    };
    return std::ranges::any_of(sampling_members, is_sampled) || api::is_string(type, "any")
           || api::is_string(type, "tool")
           || api::is_string(override_of(u, "reasoning_effort"), "none");
}

bool is_thinking(std::string_view member) {
    return api::is_json_object(member)
           && !api::is_string(api::find_member(member, "type"), "disabled");
}

// The limit of the answer as it goes out, at most `max_output`; 0: none that can be read.
std::int64_t answer_limit(const api::chat_request& request, const config::upstream& u) {
    const auto* own = request.find("max_tokens");
    const std::array<std::string_view, 3> said{
        override_of(u, "max_completion_tokens"),
        override_of(u, "max_tokens"),
        own != nullptr ? own->value : std::string_view()
    };
    for (const auto raw : said) {
        std::int64_t tokens = 0;
        if (api::to_int64(raw, tokens)) {
            return std::clamp<std::int64_t>(tokens, 0, u.max_output);
        }
    }
    return 0;
}

// A JSON list; empty: nothing that the API would take.
std::string stop_sequences(std::string_view stop) {
    std::string out;
    const auto take = [&out](std::string_view raw) {
        std::string text;
        api::append_unescaped(text, api::string_body(raw));
        if (text.find_first_not_of(" \t\r\n") != std::string::npos) {
            out += out.empty() ? "[" : ",";
            out += raw;
        }
    };
    if (api::is_json_string(stop)) {
        take(stop);
    } else {
        api::walk_list(stop, take);
    }
    return out.empty() ? out : out + ']';
}

// Overrides that are written for chats, as far as the Messages API has a word for them; the rest of them is left out.
void add_overrides(
    const api::chat_request& request, const config::upstream& u, upstream::body_changes& out
) {
    const auto* own_thinking = request.find("thinking");
    const auto passed = override_of(u, "thinking");
    const bool is_passed = is_thinking(passed);
    const bool thinks =
        is_passed
        || (passed.empty() && own_thinking != nullptr && is_thinking(own_thinking->value));
    for (const auto key : sampling_members) {
        const auto value = override_of(u, key);
        double number = 0;
        if (is_passed && request.find(key) != nullptr) {
            out.members.push_back({key, std::nullopt});
        } else if (!thinks && api::to_double(value, number)) {
            const bool is_above = key == "temperature" && number > 1;  // its range ends there
            out.members.push_back({key, is_above ? "1" : std::string(value)});
        }
    }
    auto stops = stop_sequences(override_of(u, "stop"));
    if (!stops.empty() && override_of(u, "stop_sequences").empty()) {
        out.members.push_back({"stop_sequences", std::move(stops)});
    }
}

bool has_block(std::string_view message, std::string_view type) {
    bool out = false;
    api::walk_list(api::find_member(message, "content"), [&](std::string_view block) {
        out = out || api::is_string(api::find_member(block, "type"), type);
    });
    return out;
}

// How a conversation ends.
struct last_turn {
    bool is_prefilled =
        false;  // with the beginning of the answer, beside which no thinking may be asked for
    bool misses_thinking =
        false;  // in a round of calls whose thinking the client did not keep: no budget may begin
};

// A turn is all that follows what the user last said; results of calls are a part of it.
last_turn read_last_turn(const api::chat_request& request) {
    last_turn out;
    bool has_results = false;
    bool has_thought = false;
    const auto* messages = request.find("messages");
    api::walk_list(messages != nullptr ? messages->value : "", [&](std::string_view message) {
        out.is_prefilled = false;
        if (api::is_string(api::find_member(message, "role"), "assistant")) {
            const bool thinks =
                has_block(message, "thinking") || has_block(message, "redacted_thinking");
            out.is_prefilled = !thinks;  // else it is the model's own, which paused
            has_thought = has_thought || thinks;
            return;
        }
        has_results = has_block(message, "tool_result");
        has_thought = has_thought && has_results;
    });
    out.misses_thinking = has_results && !has_thought;
    return out;
}

void add_thinking(
    const api::chat_request& request,
    const config::upstream& config,
    std::int64_t max_tokens,
    upstream::body_changes& out
) {
    constexpr std::int64_t least_tokens =
        1024;  // with fewer, thinking could be all that is written
    const auto options = upstream::messages_options_of(config);
    if (options.thinking == api::thinking_mode::off || request.find_any("thinking") != nullptr
        || !override_of(config, "thinking").empty() || max_tokens < 1
        || excludes_thinking(request, config)) {
        return;
    }
    const auto turn = read_last_turn(request);
    if (turn.is_prefilled) {
        return;
    }
    if (options.thinking == api::thinking_mode::adaptive && max_tokens > least_tokens) {
        out.members.push_back({"thinking", R"({"type":"adaptive"})"});
        const auto* format = request.find("output_config");
        const auto own = format != nullptr ? format->value : std::string_view();
        if (!options.effort.empty() && api::find_member(own, "effort").empty()) {
            out.members.push_back(
                {"output_config", with_member(own, "effort", json_string(options.effort))}
            );
        }
    }
    if (options.thinking == api::thinking_mode::enabled && !turn.misses_thinking) {
        const auto share = api::share_output(options, max_tokens);
        if (share.thinking_budget > 0) {
            const auto budget = std::to_string(share.thinking_budget);
            out.members.push_back(
                {"thinking", R"({"type":"enabled","budget_tokens":)" + budget + '}'}
            );
            out.members.push_back({"max_tokens", std::to_string(share.max_tokens)});
        }
    }
}

// The client's own thinking under a limit that is lower than the one it has chosen: its budget has to be below it.
void lower_budget(
    const api::chat_request& request,
    const config::upstream& u,
    std::int64_t limit,
    upstream::body_changes& out
) {
    const auto* own = request.find("thinking");
    const auto thinking = own != nullptr ? own->value : std::string_view();
    std::int64_t budget = 0;
    if (!override_of(u, "thinking").empty() || !is_thinking(thinking)
        || !api::to_int64(api::find_member(thinking, "budget_tokens"), budget) || budget < limit) {
        return;
    }
    const auto share = api::share_output({.max_output = limit, .budget_tokens = budget}, limit);
    const auto fitting = std::to_string(share.thinking_budget);
    out.members.push_back(
        {"thinking",
         share.thinking_budget > 0 ? with_member(thinking, "budget_tokens", fitting)
                                   : R"({"type":"disabled"})"}
    );
}

void fit_messages(
    const api::chat_request& request, const config::upstream& u, upstream::body_changes& out
) {
    add_overrides(request, u, out);
    const auto limit = answer_limit(request, u);
    const auto* own = request.find("max_tokens");
    std::int64_t asked = 0;
    if (limit > 0 && own != nullptr && api::to_int64(own->value, asked) && limit != asked) {
        out.members.push_back({"max_tokens", std::to_string(limit)});
        if (limit < asked) {
            lower_budget(request, u, limit, out);
        }
    }
    add_thinking(request, u, limit, out);
}

}  // namespace

upstream::body_changes own_wire_changes(
    const request_context& context, const upstream::upstream_state& upstream
) {
    upstream::body_changes changes;
    const auto& request = context.request;
    const bool is_messages = request.shape().kind == api::request_kind::messages;
    const std::string_view system = is_messages ? "system" : "instructions";
    if (const auto& prompt = context.config.server.system_prompt; !prompt.empty()) {
        changes.members.push_back({system, system_text(prompt, request.find(system))});
    }
    if (is_messages) {
        fit_messages(request, upstream.config, changes);
        if (upstream.config.anthropic && upstream.config.anthropic->prompt_caching) {
            add_cache_marks(request, changes);
        }
        if (const auto* profile = context.target.profile; profile && profile->strip_tools) {
            changes.members.push_back({"mcp_servers", std::nullopt});
            changes.members.push_back({"container", std::nullopt});
        }
    } else if (upstream.config.openai && !upstream.config.openai->reasoning_effort.empty()) {
        const auto* own = request.find("reasoning");
        const auto effort = json_string(upstream.config.openai->reasoning_effort);
        changes.members.push_back(
            {"reasoning", with_member(own != nullptr ? own->value : "", "effort", effort)}
        );
    }
    return changes;
}

}  // namespace meta_model::dispatch
