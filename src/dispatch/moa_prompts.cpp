#include "dispatch/moa_prompts.hpp"

#include "dispatch/message_estimate.hpp"
#include "dispatch/prompt_budget.hpp"
#include "dispatch/reply_headers.hpp"
#include "dispatch/token_estimate.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

constexpr std::size_t system_role_bytes = 6;
constexpr std::size_t user_role_bytes = 4;

// A draft is cut below this only when many share a small window.
constexpr std::size_t usual_least_draft = 2048;
constexpr std::size_t least_draft = 256;
constexpr std::size_t draft_share = 4;  // of the window, one part in so many

std::size_t bytes_of(std::int64_t tokens) {
    return tokens <= 0 ? 0 : static_cast<std::size_t>(tokens) * 28 / 10;
}

prompt_window window_of(
    const request_context& c, const upstream::upstream_state& u, std::int64_t budget
) {
    return {
        .budget = budget,
        .demotes_system = u.config.requires_leading_system_only,
        .hidden = c.hidden_from(u)
    };
}

// Voters get tools only where calls are what they vote on.
bool offers_tools(const request_context& c) {
    const auto& p = *c.target.profile;
    return p.type == config::profile_type::voting ? p.ballot == config::ballot_kind::tool_call
                                                  : !p.strip_tools;
}

}  // namespace

std::string generator_text(const config::profile& profile, std::size_t number, std::size_t count) {
    const auto number_text = std::to_string(number);
    const auto count_text = std::to_string(count);
    const config::prompt_value values[] = {{"number", number_text}, {"count", count_text}};
    return profile.generator_prompt.filled(values);
}

std::int64_t generator_text_tokens(const config::profile& profile, std::size_t count) {
    const auto text = generator_text(profile, count, count);
    return text.empty() ? 0 : estimate_plain_message(user_role_bytes, text.size());
}

double moa_prompts::ratio_of(const upstream::upstream_state& u) const {
    return u.tokens_per_estimate.value();
}

base::maybe_error moa_prompts::plan() {
    const auto& operators = context_.config.server.system_prompt;
    operator_tokens_ =
        operators.empty() ? 0 : estimate_plain_message(system_role_bytes, operators.size());
    tools_tokens_ = offers_tools(context_) ? offered_tools_tokens(context_.request) : 0;
    generator_text_tokens_ =
        generator_text_tokens(*context_.target.profile, context_.target.seats.size());
    std::vector<prompt_window> windows;
    for (const auto* u : context_.target.upstreams) {
        const auto budget = prompt_budget(u->config.context, tools_tokens_, ratio_of(*u));
        windows.push_back(window_of(context_, *u, budget - generator_text_tokens_));
    }
    const auto* last = context_.target.synthesizer;  // a vote need not have a judge
    const auto hidden_at_end = last != nullptr ? context_.hidden_from(*last) : media_set();
    plan_ = plan_prompts(context_.request, operator_tokens_, windows, hidden_at_end);
    if (plan_.is_empty) {
        return base::make_error(
            base::error_code_id::shape,
            "'messages' must hold more than an assistant's text at its end.",
            "messages"
        );
    }
    prompt_figures figures{.tokens_in = plan_.tokens_in};
    for (const auto& p : plan_.prompts) {
        if (p.fits) {
            figures.tokens_out = std::min(figures.tokens_out.value_or(p.tokens), p.tokens);
            figures.compacted = std::max(figures.compacted, p.compacted_chunks);
        }
    }
    append_plan_headers(context_, figures);
    if (!figures.tokens_out) {
        return base::make_error(
            base::error_code_id::context_length_exceeded,
            "The newest messages and the tools are longer than every model's window."
        );
    }
    return std::nullopt;
}

const leg_prompt& moa_prompts::of(const upstream::upstream_state& generator) const {
    const auto& all = context_.target.upstreams;
    const auto at = std::ranges::find(all, &generator) - all.begin();
    return plan_.prompts[static_cast<std::size_t>(at)];
}

std::int64_t moa_prompts::output_limit(const upstream::upstream_state& u, std::int64_t tokens)
    const {
    const auto ceiling = output_ceiling(u.config.context, tokens + tools_tokens_, ratio_of(u));
    return std::min<std::int64_t>(u.config.max_output, ceiling);
}

fitted_synthesis moa_prompts::fit_synthesis(
    const std::function<std::string(std::size_t)>& write,
    const std::vector<std::size_t>& draft_bytes
) const {
    const auto& u = *context_.target.synthesizer;
    const auto window = prompt_budget(u.config.context, tools_tokens_, ratio_of(u));
    // The prefix that its own server has seen, if it drafted too.
    const auto& all = context_.target.upstreams;
    const bool has_drafted = std::ranges::find(all, &u) != all.end() && of(u).fits;
    auto talk = has_drafted ? of(u) : plan_.whole;

    fitted_synthesis out;
    std::size_t all_drafts = 0;
    std::size_t least_drafts = 0;
    const auto share =
        bytes_of(window) / draft_share / std::max<std::size_t>(1, draft_bytes.size());
    const auto least_each = std::clamp(share, least_draft, usual_least_draft);
    for (const auto bytes : draft_bytes) {
        all_drafts += bytes;
        least_drafts += std::min(bytes, least_each);
    }
    const auto tokens_with = [&](std::size_t max_drafts) {
        out.text = write(max_drafts);
        return estimate_plain_message(user_role_bytes, out.text.size());
    };
    auto added = tokens_with(all_drafts);
    if (talk.tokens + added > window) {
        const auto frame = tokens_with(0);
        auto room = bytes_of(window - talk.tokens - frame);
        if (room < least_drafts) {
            const auto left = window - frame - estimate_text_tokens(least_drafts);
            const auto narrow = window_of(context_, u, left);
            const auto plan =
                plan_prompts(context_.request, operator_tokens_, {&narrow, 1}, narrow.hidden);
            talk = plan.prompts.front();
            out.fits = talk.fits;
            room = bytes_of(window - talk.tokens - frame);
        }
        added = tokens_with(room);
        // Texts grow a little where marks in them are made harmless.
        for (int i = 0; i < 4 && talk.tokens + added > window; ++i) {
            const auto excess = bytes_of(talk.tokens + added - window) + 16;
            room -= std::min(room, excess);
            added = tokens_with(room);
        }
        out.fits = out.fits && talk.tokens + added <= window;
    }
    out.messages = talk.edits;
    out.tokens = talk.tokens + added;
    return out;
}

void moa_prompts::learn(
    upstream::upstream_state& u, std::int64_t tokens, const std::optional<api::token_usage>& usage
) const {
    // What each makes of an image differs too much to learn from; what a profile reports is of several calls.
    if (usage && context_.media.kinds.is_empty() && context_.target.nested_in(u) == nullptr) {
        u.tokens_per_estimate.note(tokens + tools_tokens_, usage->prompt_tokens);
    }
}

}  // namespace meta_model::dispatch
