#include "dispatch/window_fit.hpp"

#include "dispatch/compaction_plan.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/message_estimate.hpp"
#include "dispatch/prompt_budget.hpp"
#include "dispatch/reply_headers.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

constexpr std::size_t system_role_bytes = 6;
constexpr std::size_t user_role_bytes = 4;

bool removes_tools(const upstream::body_changes& changes) {
    return std::ranges::any_of(changes.members, [](const auto& m) {
        return m.key == "tools" && !m.value;
    });
}

}  // namespace

window_fit fit_window(
    const request_context& c,
    const upstream::upstream_state& u,
    upstream::body_changes& changes,
    std::int64_t added_tokens
) {
    const auto operator_bytes = c.config.server.system_prompt.size();
    const auto operator_tokens =
        operator_bytes == 0 ? 0 : estimate_plain_message(system_role_bytes, operator_bytes);
    const auto tools = removes_tools(changes) ? 0 : offered_tools_tokens(c.request);
    const auto ratio = u.tokens_per_estimate.value();
    const prompt_window window{
        .budget = prompt_budget(u.config.context, tools, ratio) - added_tokens,
        .demotes_system = u.config.requires_leading_system_only,
        .hidden = c.hidden_from(u)
    };
    const auto plan = plan_prompts(c.request, operator_tokens, {&window, 1}, window.hidden);
    window_fit out{
        .tokens_in = plan.tokens_in, .tokens = plan.tokens_in + added_tokens, .tools_tokens = tools
    };
    if (plan.tokens_in <= window.budget || plan.is_empty) {
        return out;
    }
    const auto& prompt = plan.prompts.front();
    if (!prompt.fits) {
        changes.refusal = "the newest messages and the tools are longer than its window";
        return out;
    }
    changes.messages = prompt.edits;
    out.tokens = prompt.tokens + added_tokens;
    out.compacted_chunks = prompt.compacted_chunks;
    const auto ceiling = output_ceiling(u.config.context, out.tokens + tools, ratio);
    out.most_output = std::min<std::int64_t>(u.config.max_output, ceiling);
    return out;
}

std::int64_t added_message_tokens(std::size_t text_bytes) {
    return estimate_plain_message(user_role_bytes, text_bytes);
}

std::size_t half_window_bytes(const upstream::upstream_state& u) {
    const auto tokens = prompt_budget(u.config.context, 0, u.tokens_per_estimate.value()) / 2;
    return tokens <= 0 ? 0 : static_cast<std::size_t>(tokens) * 28 / 10;
}

void learn_tokens(
    const request_context& c,
    upstream::upstream_state& u,
    const window_fit& fit,
    const std::optional<api::token_usage>& usage
) {
    // What each makes of an image differs too much to learn from; what a profile reports is of several calls.
    if (usage && c.media.kinds.is_empty() && c.target.nested_in(u) == nullptr) {
        u.tokens_per_estimate.note(fit.tokens + fit.tools_tokens, usage->prompt_tokens);
    }
}

}  // namespace meta_model::dispatch
