#include "dispatch/synthesis_prompt.hpp"

#include "dispatch/prompt_texts.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Without any occurrence of `fence`, so that only our own lines carry it.
std::string without_fence(std::string text, const std::string& fence) {
    for (auto at = text.find(fence); !fence.empty() && at != std::string::npos; at = text.find(fence, at)) {
        text.erase(at, fence.size());
        at = at > fence.size() ? at - fence.size() : 0;  // what is left around it must not form it anew
    }
    return text;
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
    return std::string(text.substr(0, head)) + "\n[… " + std::to_string(tail - head) + " bytes elided …]\n" +
           std::string(text.substr(tail));
}

std::string synthesis_prompt(const std::vector<std::string_view>& drafts, const synthesis_prompt_options& options) {
    const auto share = options.max_total_bytes / std::max<std::size_t>(1, drafts.size());
    const auto budget = std::min(options.max_draft_bytes, share);
    std::string out(prompt_texts::task);
    out += options.is_grounded ? prompt_texts::grounded_rules : prompt_texts::ungrounded_rules;
    out += prompt_texts::drafts_heading;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        const auto mark = "=====" + options.fence + "=====\n";
        out += "candidate " + std::to_string(i + 1) + '\n' + mark;
        out += without_fence(elide_middle(drafts[i], budget), options.fence);
        out += '\n' + mark + '\n';
    }
    out += prompt_texts::contract;
    return out;
}

}  // namespace meta_model::dispatch
