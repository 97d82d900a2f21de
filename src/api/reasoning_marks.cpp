#include "api/reasoning_marks.hpp"

#include <algorithm>

namespace meta_model::api::marks {

namespace {

// An attribute list or a run of spaces beyond these is no tag; it bounds what a stream has to hold back.
constexpr std::size_t max_attribute_bytes = 256;
constexpr std::size_t max_closing_spaces = 16;
constexpr std::size_t max_role_bytes = 16;

constexpr std::array table{
    mark{mark_kind::tag, "think", ""},
    mark{mark_kind::tag, "thinking", ""},
    mark{mark_kind::tag, "thought", ""},
    mark{mark_kind::tag, "thoughts", ""},
    mark{mark_kind::tag, "scratchpad", ""},
    mark{mark_kind::tag, "inner_monologue", ""},
    mark{mark_kind::weak_tag, "reasoning", ""},
    mark{mark_kind::weak_tag, "reflection", ""},
    mark{mark_kind::weak_tag, "analysis", ""},
    mark{mark_kind::weak_tag, "rationale", ""},
    mark{mark_kind::block, "<|begin_of_thought|>", "<|end_of_thought|>"},
    mark{mark_kind::block, "◁think▷", "◁/think▷"},
    mark{mark_kind::solution, solution_open, "<|end_of_solution|>"},
    mark{mark_kind::channel, channel_open, ""},
    mark{mark_kind::start, "<|start|>", ""},
};

constexpr bool is_tag(const mark& m) {
    return m.kind == mark_kind::tag || m.kind == mark_kind::weak_tag;
}

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr bool is_letter(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

// `text` follows "<name": does it end the tag, with or without attributes?
match match_tag_rest(std::string_view text, std::size_t consumed) {
    if (text.empty()) {
        return {fit::prefix};
    }
    if (text[0] == '>') {
        return {fit::yes, consumed + 1};
    }
    if (!is_space(text[0])) {
        return {};
    }
    const auto end = text.substr(0, max_attribute_bytes).find_first_of("<>");
    if (end == std::string_view::npos) {
        return {text.size() < max_attribute_bytes ? fit::prefix : fit::no};
    }
    return text[end] == '>' ? match{fit::yes, consumed + end + 1} : match{};
}

match match_tag_open(std::string_view text, std::string_view name) {
    if (text.empty() || text[0] != '<') {
        return {};
    }
    const auto m = match_literal(text.substr(1), name);
    return m.result == fit::yes ? match_tag_rest(text.substr(1 + name.size()), 1 + name.size()) : m;
}

match match_tag_close(std::string_view text, std::string_view name) {
    auto m = match_literal(text, "</");
    if (m.result != fit::yes) {
        return m;
    }
    m = match_literal(text.substr(2), name);
    if (m.result != fit::yes) {
        return m;
    }
    auto end = 2 + name.size();
    const auto limit = end + max_closing_spaces;
    while (end < text.size() && end < limit && is_space(text[end])) {
        ++end;
    }
    if (end == text.size()) {
        return {fit::prefix};
    }
    return text[end] == '>' ? match{fit::yes, end + 1} : match{};
}

// "<|start|>", a role, "<|channel|>". Without the channel it is no reasoning mark.
match match_start(std::string_view text, std::string_view open) {
    const auto m = match_literal(text, open);
    if (m.result != fit::yes) {
        return m;
    }
    auto end = open.size();
    while (end < text.size() && end < open.size() + max_role_bytes && is_letter(text[end])) {
        ++end;
    }
    const auto channel = match_literal(text.substr(end), channel_open);
    return {channel.result, end + channel.length};
}

}  // namespace

std::span<const mark> all() {
    return table;
}

match match_literal(std::string_view text, std::string_view literal) {
    const auto n = std::min(text.size(), literal.size());
    for (std::size_t i = 0; i < n; ++i) {
        if (lower(text[i]) != lower(literal[i])) {
            return {};
        }
    }
    return n == literal.size() ? match{fit::yes, n} : match{fit::prefix};
}

match match_open(std::string_view text, const mark& m) {
    if (is_tag(m)) {
        return match_tag_open(text, m.open);
    }
    return m.kind == mark_kind::start ? match_start(text, m.open) : match_literal(text, m.open);
}

match match_close(std::string_view text, const mark& m) {
    return is_tag(m) ? match_tag_close(text, m.open) : match_literal(text, m.close);
}

opening match_any_open(std::string_view text) {
    opening best;
    if (text.empty() || (text[0] != '<' && text[0] != '\xe2')) {
        return best;
    }
    for (const auto& m : table) {
        const auto found = match_open(text, m);
        if (found.result == fit::yes) {
            return {found, &m};
        }
        if (found.result == fit::prefix) {
            best = {found, &m};
        }
    }
    return best;
}

std::string_view channel_name(std::string_view header) {
    while (!header.empty() && is_space(header.front())) {
        header.remove_prefix(1);
    }
    std::size_t end = 0;
    while (end < header.size() && is_letter(header[end])) {
        ++end;
    }
    return header.substr(0, end);
}

}  // namespace meta_model::api::marks
