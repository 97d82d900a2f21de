#include "dispatch/final_answer.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <string>

namespace meta_model::dispatch {

namespace {

constexpr std::string_view box = "\\boxed{";
constexpr std::string_view marks[] = {"answer:", "answer is", "answer**:"};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::optional<std::string_view> boxed(std::string_view text) {
    const auto at = text.rfind(box);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const auto inside = text.substr(at + box.size());
    int depth = 1;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        depth += inside[i] == '{' ? 1 : inside[i] == '}' ? -1 : 0;
        if (depth == 0) {
            return base::trim(inside.substr(0, i));
        }
    }
    return std::nullopt;
}

// Behind the last mark; npos without one.
std::size_t behind_mark(std::string_view text) {
    const auto lower = base::ascii_lower(text);
    auto best = std::string::npos;
    for (const auto mark : marks) {
        for (auto at = lower.find(mark); at != std::string::npos; at = lower.find(mark, at + 1)) {
            const auto end = at + mark.size();
            const bool is_word = (at == 0 || !is_letter(lower[at - 1]))
                                 && (end == lower.size() || !is_letter(lower[end]));
            if (is_word && (best == std::string::npos || end > best)) {
                best = end;
            }
        }
    }
    return best;
}

}  // namespace

std::string_view fenced_text(std::string_view text) {
    constexpr std::string_view fence = "```";
    const auto open = text.find(fence);
    const auto line_end =
        open == std::string_view::npos ? open : text.find('\n', open + fence.size());
    const auto close = line_end == std::string_view::npos ? line_end : text.find(fence, line_end);
    const bool is_only = close != std::string_view::npos
                         && text.find(fence, close + fence.size()) == std::string_view::npos;
    return is_only ? base::trim(text.substr(line_end, close - line_end)) : std::string_view{};
}

std::string_view bare(std::string_view text) {
    constexpr std::string_view around = "*_`\"' \t\r\n";
    const auto first = text.find_first_not_of(around);
    if (first == std::string_view::npos) {
        return {};
    }
    text.remove_prefix(first);
    while (!text.empty()
           && (around.find(text.back()) != std::string_view::npos || text.back() == '.')) {
        text.remove_suffix(1);
    }
    return text;
}

std::optional<std::string_view> marked_answer(std::string_view text) {
    if (const auto inside = boxed(text)) {
        return inside;
    }
    const auto at = behind_mark(text);
    if (at == std::string::npos) {
        return std::nullopt;
    }
    auto rest = text.substr(at);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        if (!bare(line).empty()) {
            return base::trim(line);
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::nullopt;
}

}  // namespace meta_model::dispatch
