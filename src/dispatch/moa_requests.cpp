#include "dispatch/moa_requests.hpp"

#include "api/tool_fields.hpp"
#include "base/ids.hpp"
#include "dispatch/answer_form.hpp"
#include "dispatch/leg_requests.hpp"
#include "dispatch/synthesis_prompt.hpp"

#include <algorithm>
#include <functional>

namespace meta_model::dispatch {

upstream::body_changes generator_changes(
    const request_context& c, const moa_prompts& prompts, std::size_t i
) {
    const auto& u = *c.target.upstreams[i];
    const auto& seat = c.target.seats[i];
    auto changes = leg_changes(c, u);
    const auto temperature =
        seat.member->temperature.value_or(c.target.profile->generator_temperature);
    changes.members.push_back({"temperature", number_json(temperature)});
    set_seed_of_sample(c, changes, seat.sample);
    const auto& prompt = prompts.of(u);
    if (!prompt.fits) {
        changes.refusal = "the newest messages and the tools are longer than its window";
    }
    changes.messages = prompt.edits;
    const auto own_text = generator_text(*c.target.profile, i + 1, c.target.seats.size());
    if (!own_text.empty()) {
        add_user_message(changes, own_text);
    }
    cap_output(c, changes, prompts.output_limit(u, prompts.tokens_for(u)));
    return changes;
}

namespace {

synthesis_prompt_options prompt_options(const request_context& c, const shown_drafts& drafts) {
    synthesis_prompt_options options;
    options.fence = base::random_hex(16);
    options.unfinished = drafts.unfinished;
    const auto& own_text = c.target.profile->synthesizer_prompt;
    options.own_text = own_text.is_set() ? &own_text : nullptr;
    options.is_grounded = std::ranges::any_of(c.request.messages(), [](const auto& m) {
        return m.role == api::role::tool;
    });
    return options;
}

using prompt_writer = std::function<
    std::string(const std::vector<std::string_view>&, const synthesis_prompt_options&)>;

// Puts the conversation and the message that `write` makes of the drafts into the synthesizer's window.
void add_drafts(
    synthesizer_call& call,
    const moa_prompts& prompts,
    const shown_drafts& drafts,
    synthesis_prompt_options options,
    const prompt_writer& write
) {
    const auto most = std::min(options.max_total_bytes, drafts.max_bytes);
    const auto write_within = [&](std::size_t max_bytes) {
        options.max_total_bytes = std::min(most, max_bytes);
        return write(drafts.texts, options);
    };
    std::vector<std::size_t> draft_bytes;
    for (const auto text : drafts.texts) {
        draft_bytes.push_back(text.size());
    }
    const auto fitted = prompts.fit_synthesis(write_within, draft_bytes);
    call.tokens = fitted.tokens;
    if (!fitted.fits) {
        call.changes.refusal = "the newest messages and the drafts are longer than its window";
    }
    call.changes.messages = fitted.messages;
    add_user_message(call.changes, fitted.text);
}

// The answer has what the window leaves, unless the client wants less.
void limit_answer(synthesizer_call& call, const request_context& c, const moa_prompts& prompts) {
    const auto limit = prompts.output_limit(*c.target.synthesizer, call.tokens);
    if (c.request.find("max_tokens") == nullptr
        && c.request.find("max_completion_tokens") == nullptr) {
        call.changes.members.push_back({"max_tokens", std::to_string(limit)});
    }
    cap_output(c, call.changes, limit);
}

}  // namespace

synthesizer_call synthesizer_changes(
    const request_context& c,
    const moa_prompts& prompts,
    const shown_drafts& drafts,
    const tool_policy* arbitration
) {
    const auto& u = *c.target.synthesizer;
    synthesizer_call out{.changes = leg_changes(c, u)};
    auto& changes = out.changes;
    changes.members.push_back(
        {"temperature", number_json(c.target.profile->synthesizer_temperature)}
    );
    auto options = prompt_options(c, drafts);
    options.form_rules = form_of(c.request).rules();
    if (arbitration != nullptr) {
        options.tool_rules = tool_rules(*arbitration);
    } else if (!c.target.profile->strip_tools && api::offered_tools(c.request) != nullptr) {
        // The tools stay, so that the prefix that the generators' servers cached is the same; calls are not wanted.
        changes.members.push_back({"tool_choice", R"("none")"});
    }
    add_drafts(out, prompts, drafts, std::move(options), &synthesis_prompt);
    limit_answer(out, c, prompts);
    return out;
}

synthesizer_call best_of_changes(
    const request_context& c, const moa_prompts& prompts, const shown_drafts& drafts
) {
    const auto& u = *c.target.synthesizer;
    synthesizer_call out{
        .changes = question_changes(c, u, c.target.profile->synthesizer_temperature)
    };
    add_drafts(out, prompts, drafts, prompt_options(c, drafts), &judge_prompt);
    return out;
}

synthesizer_call repair_changes(
    const request_context& c,
    const moa_prompts& prompts,
    std::string_view answer,
    std::string_view problem
) {
    synthesizer_call out{.changes = leg_changes(c, *c.target.synthesizer)};
    out.changes.members.push_back({"temperature", "0"});
    if (!c.target.profile->strip_tools && api::offered_tools(c.request) != nullptr) {
        out.changes.members.push_back({"tool_choice", R"("none")"});
    }
    const shown_drafts shown{.texts = {answer}};
    auto options = prompt_options(c, shown);
    options.form_rules = form_of(c.request).rules();
    const prompt_writer write = [&](const auto& texts, const auto& with) {
        return repair_prompt(texts.front(), problem, with);
    };
    add_drafts(out, prompts, shown, std::move(options), write);
    limit_answer(out, c, prompts);
    return out;
}

}  // namespace meta_model::dispatch
