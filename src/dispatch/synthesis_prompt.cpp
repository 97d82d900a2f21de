#include "dispatch/synthesis_prompt.hpp"

#include "api/json_text.hpp"
#include "dispatch/prompt_texts.hpp"

#include <algorithm>
#include <numeric>

namespace meta_model::dispatch {

namespace {

constexpr std::size_t max_token_bytes = 64;

bool is_token_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-';
}

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Length of a chat template's control token at the start of `text`, 0 if there is none.
std::size_t control_token_bytes(std::string_view text) {
    for (const std::string_view token : {"<start_of_turn>", "<end_of_turn>"}) {
        if (text.starts_with(token)) {
            return token.size();
        }
    }
    if (!text.starts_with("<|")) {
        return 0;
    }
    std::size_t end = 2;
    while (end < text.size() && end < max_token_bytes && is_token_letter(text[end])) {
        ++end;
    }
    return end > 2 && text.substr(end).starts_with("|>") ? end + 2 : 0;
}

// A space behind the `<` of each control token.
std::string without_control_tokens(const std::string& text) {
    std::string out;
    std::size_t start = 0;
    for (auto at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
        if (control_token_bytes(std::string_view(text).substr(at)) > 0) {
            out.append(text, start, at + 1 - start);
            out += ' ';
            start = at + 1;
        }
    }
    out.append(text, start);
    return out;
}

// How many bytes each draft may have: as `max_each` and `max_total` say, equal shares, except that what short drafts
// do not need is shared by the others.
std::vector<std::size_t> budgets(
    const std::vector<std::string_view>& drafts, std::size_t max_each, std::size_t max_total
) {
    std::vector<std::size_t> by_size(drafts.size());
    std::iota(by_size.begin(), by_size.end(), std::size_t{0});
    std::ranges::sort(by_size, {}, [&](std::size_t i) { return drafts[i].size(); });
    std::vector<std::size_t> out(drafts.size());
    for (std::size_t k = 0; k < by_size.size(); ++k) {
        const auto share = max_total / (by_size.size() - k);
        auto& budget = out[by_size[k]];
        budget = std::min({drafts[by_size[k]].size(), max_each, share});
        max_total -= budget;
    }
    return out;
}

// Without any occurrence of `fence`, so that only our own lines carry it.
std::string without_fence(std::string text, const std::string& fence) {
    for (auto at = text.find(fence); !fence.empty() && at != std::string::npos;
         at = text.find(fence, at)) {
        text.erase(at, fence.size());
        at = at > fence.size() ? at - fence.size()
                               : 0;  // what is left around it must not form it anew
    }
    return text;
}

// The operator's text with the drafts. What a request asks of the answer is said whether the text has a place for it or
// not; what a judge's reply must look like too, since it is read by the gateway.
std::string own_prompt(
    const std::vector<std::string_view>& drafts,
    const synthesis_prompt_options& options,
    std::string_view contract,
    bool needs_contract
) {
    const auto& text = *options.own_text;
    std::string shown;
    shown += text.count_of("tools") == 0 ? options.tool_rules : "";
    shown += text.count_of("form") == 0 ? options.form_rules : "";
    shown += prompt_texts::drafts_heading;
    append_candidates(shown, drafts, options);
    const auto count = std::to_string(drafts.size());
    const config::prompt_value values[] = {
        {"drafts", shown},
        {"count", count},
        {"evidence",
         options.is_grounded ? prompt_texts::grounded_rules : prompt_texts::ungrounded_rules},
        {"tools", options.tool_rules},
        {"form", options.form_rules},
        {"contract", contract},
    };
    auto out = text.filled(values);
    if (needs_contract && text.count_of("contract") == 0) {
        out += '\n';
        out += contract;
    }
    return out;
}

}  // namespace

std::string elide_middle(std::string_view text, std::size_t max_bytes) {
    if (text.size() <= max_bytes) {
        return std::string(text);
    }
    auto head = max_bytes / 2;
    auto tail = text.size() - (max_bytes - head);
    while (head > 0 && continues_character(text[head])) {
        --head;
    }
    while (tail < text.size() && continues_character(text[tail])) {
        ++tail;
    }
    return std::string(text.substr(0, head)) + "\n[… " + std::to_string(tail - head)
           + " bytes elided …]\n" + std::string(text.substr(tail));
}

std::string tool_rules(const tool_policy& policy) {
    std::string out(prompt_texts::calls_rules);
    if (policy.mode == tool_mode::specific) {
        out += prompt_texts::calls_forced;
        api::append_json_string(out, policy.forced);
        out += '\n';
    } else {
        out += policy.needs_call() ? prompt_texts::calls_needed : prompt_texts::calls_free;
    }
    out += policy.is_parallel ? std::string_view{} : prompt_texts::calls_single;
    out += '\n';
    return out;
}

void append_candidates(
    std::string& out,
    const std::vector<std::string_view>& drafts,
    const synthesis_prompt_options& options
) {
    const auto budget = budgets(drafts, options.max_draft_bytes, options.max_total_bytes);
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        const auto mark = "=====" + options.fence + "=====\n";
        const bool is_whole = std::ranges::find(options.unfinished, i) == options.unfinished.end();
        out += "candidate " + std::to_string(i + 1)
               + (is_whole ? "" : " (unfinished: it was cut off)") + '\n' + mark;
        out +=
            without_control_tokens(without_fence(elide_middle(drafts[i], budget[i]), options.fence)
            );
        out += '\n' + mark + '\n';
    }
}

std::string synthesis_prompt(
    const std::vector<std::string_view>& drafts, const synthesis_prompt_options& options
) {
    const auto contract =
        options.tool_rules.empty() ? prompt_texts::contract : prompt_texts::calls_contract;
    if (options.own_text != nullptr) {
        return own_prompt(drafts, options, contract, false);
    }
    std::string out(prompt_texts::task);
    out += options.is_grounded ? prompt_texts::grounded_rules : prompt_texts::ungrounded_rules;
    out += options.tool_rules;
    out += options.form_rules;
    out += prompt_texts::drafts_heading;
    append_candidates(out, drafts, options);
    out += contract;
    return out;
}

std::string judge_prompt(
    const std::vector<std::string_view>& drafts, const synthesis_prompt_options& options
) {
    if (options.own_text != nullptr) {
        return own_prompt(drafts, options, prompt_texts::judge_contract, true);
    }
    std::string out(prompt_texts::judge_task);
    out += options.is_grounded ? prompt_texts::grounded_rules : prompt_texts::ungrounded_rules;
    out += prompt_texts::drafts_heading;
    append_candidates(out, drafts, options);
    out += prompt_texts::judge_contract;
    return out;
}

std::string tie_prompt(
    const std::vector<std::string_view>& answers, const synthesis_prompt_options& options
) {
    std::string out(prompt_texts::tie_task);
    out += prompt_texts::drafts_heading;
    append_candidates(out, answers, options);
    out += prompt_texts::tie_contract;
    return out;
}

std::string grade_prompt(std::string_view answer, const synthesis_prompt_options& options) {
    std::string out(prompt_texts::grade_task);
    out += prompt_texts::drafts_heading;
    append_candidates(out, {answer}, options);
    out += prompt_texts::grade_contract;
    return out;
}

std::string repair_prompt(
    std::string_view answer, std::string_view problem, const synthesis_prompt_options& options
) {
    std::string out(prompt_texts::repair_task);
    out += options.form_rules;
    out += prompt_texts::repair_problem;
    out += problem;
    out += "\n\n";
    out += prompt_texts::drafts_heading;
    append_candidates(out, {answer}, options);
    out += prompt_texts::repair_contract;
    return out;
}

}  // namespace meta_model::dispatch
