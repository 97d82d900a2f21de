#include "dispatch/own_wire_changes.hpp"

#include "api/anthropic_request.hpp"
#include "api/json_walk.hpp"
#include "dispatch/cache_marks.hpp"
#include "upstream/anthropic_call.hpp"

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

// The API refuses thinking beside these.
bool excludes_thinking(const api::chat_request& request) {
    const auto* choice = request.find("tool_choice");
    const auto type = choice != nullptr ? api::find_member(choice->value, "type") : "";
    const auto* temperature = request.find("temperature");
    const bool is_sampled = (temperature != nullptr && temperature->value != "1")
                            || request.find("top_p") != nullptr || request.find("top_k") != nullptr;
    return is_sampled || api::is_string(type, "any") || api::is_string(type, "tool");
}

// In the middle of a round of calls whose thinking the client did not keep no budget may begin.
bool misses_thinking(const api::chat_request& request) {
    std::array<std::string_view, 2> last{};
    if (const auto* messages = request.find("messages")) {
        api::walk_list(messages->value, [&](std::string_view message) {
            last = {last[1], message};
        });
    }
    bool has_results = false;
    api::walk_list(api::find_member(last[1], "content"), [&](std::string_view block) {
        has_results = has_results || api::is_string(api::find_member(block, "type"), "tool_result");
    });
    bool has_thinking = false;
    api::walk_list(api::find_member(last[0], "content"), [&](std::string_view block) {
        const auto type = api::find_member(block, "type");
        has_thinking = has_thinking || api::is_string(type, "thinking")
                       || api::is_string(type, "redacted_thinking");
    });
    return has_results && !has_thinking;
}

void add_thinking(
    const api::chat_request& request, const config::upstream& config, upstream::body_changes& out
) {
    constexpr std::int64_t least_tokens =
        1024;  // with fewer, thinking could be all that is written
    const auto options = upstream::messages_options_of(config);
    const auto* limit = request.find("max_tokens");
    std::int64_t max_tokens = 0;
    if (options.thinking == api::thinking_mode::off || request.find_any("thinking") != nullptr
        || limit == nullptr || !api::to_int64(limit->value, max_tokens)
        || excludes_thinking(request)) {
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
    if (options.thinking == api::thinking_mode::enabled && !misses_thinking(request)) {
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
        add_thinking(request, upstream.config, changes);
        if (upstream.config.anthropic && upstream.config.anthropic->prompt_caching) {
            add_cache_marks(request, changes);
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
