// The marks that models put around reasoning inside their visible text, and how to recognise them in text that may
// still be arriving (spec §5.6.3). Private to api: used by reasoning.cpp and leading_reasoning_filter.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace meta_model::api::marks {

enum class mark_kind {
    tag,       // <name attributes> … </name>, reasoning whatever follows
    weak_tag,  // the same, but a name that answers use too: reasoning only when something follows it
    block,     // fixed opening and closing text
    solution,  // what follows is the answer, up to the closing text
    channel,   // harmony: a channel name, <|message|>, the body
    start,     // harmony: a role name, then <|channel|>
};

struct mark {
    mark_kind kind;
    std::string_view open;   // a tag's name, else the literal opening
    std::string_view close;  // the literal closing; empty for tags and channels
};

inline constexpr std::string_view solution_open = "<|begin_of_solution|>";
inline constexpr std::string_view channel_open = "<|channel|>";
inline constexpr std::string_view channel_message = "<|message|>";
inline constexpr std::size_t max_channel_header_bytes = 256;

// What ends a channel's body.
inline constexpr std::array<std::string_view, 5> channel_ends{
    "<|end|>", "<|return|>", "<|call|>", "<|start|>", channel_open
};

std::span<const mark> all();

enum class fit { no, prefix, yes };  // prefix: more text may make it a yes

struct match {
    fit result = fit::no;
    std::size_t length = 0;  // bytes of the mark, when `yes`
};

// Does `text` begin with `literal`? ASCII letters compare without case.
match match_literal(std::string_view text, std::string_view literal);

// Does `text` begin with the opening, or the closing, of `m`?
match match_open(std::string_view text, const mark& m);
match match_close(std::string_view text, const mark& m);

struct opening {
    match found{};
    const mark* which = nullptr;
};

// Which opening does `text` begin with?
opening match_any_open(std::string_view text);

// The channel's name in a header such as "commentary to=functions.f": its leading letters.
std::string_view channel_name(std::string_view header);

// The nearest occurrence that `matcher(text from there)` accepts, each beginning with the byte `first`.
// Not found: `at` is npos and everything before `keep_from` cannot be part of one that is still arriving.
struct occurrence {
    std::size_t at = std::string_view::npos;
    std::size_t length = 0;
    std::size_t keep_from = 0;

    bool is_found() const { return at != std::string_view::npos; }
};

template <class Matcher>
occurrence find_first(std::string_view text, char first, Matcher matcher) {
    for (auto at = text.find(first); at != std::string_view::npos; at = text.find(first, at + 1)) {
        const match m = matcher(text.substr(at));
        if (m.result == fit::yes) {
            return {at, m.length, at};
        }
        if (m.result == fit::prefix) {
            return {std::string_view::npos, 0, at};
        }
    }
    return {std::string_view::npos, 0, text.size()};
}

constexpr bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace meta_model::api::marks
