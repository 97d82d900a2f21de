#include "api/reasoning.hpp"

#include "api/reasoning_marks.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace meta_model::api {

namespace {

using namespace marks;

std::string_view trim_ascii(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

bool is_blank(std::string_view text) {
    return trim_ascii(text).empty();
}

std::string_view line_at(std::string_view text, std::size_t start) {
    return text.substr(start, std::min(text.find('\n', start), text.size()) - start);
}

// Calls `visit(start, line)` for each line outside code fences.
template <class Visit>
void for_each_prose_line(std::string_view text, Visit visit) {
    bool is_in_fence = false;
    for (std::size_t start = 0; start < text.size();) {
        const auto line = line_at(text, start);
        const auto begin = trim_ascii(line);
        if (begin.starts_with("```") || begin.starts_with("~~~")) {
            is_in_fence = !is_in_fence;
        } else if (!is_in_fence) {
            visit(start, line);
        }
        start += line.size() + 1;
    }
}

// --- The last final channel, the last solution

std::string_view channel_body(std::string_view after_message) {
    auto end = after_message.size();
    for (const auto mark : channel_ends) {
        end = std::min(end, after_message.find(mark));
    }
    return after_message.substr(0, end);
}

std::optional<std::string_view> last_final_channel(std::string_view text) {
    std::optional<std::string_view> body;
    for (auto at = text.find(channel_open); at != std::string_view::npos;
         at = text.find(channel_open, at + 1)) {
        const auto header = text.substr(at + channel_open.size());
        const auto message = header.substr(0, max_channel_header_bytes).find(channel_message);
        const bool is_final =
            message != std::string_view::npos
            && base::ascii_iequals(channel_name(header.substr(0, message)), "final");
        if (is_final) {
            body = header.substr(message + channel_message.size());
        }
    }
    return body ? std::optional(channel_body(*body)) : body;
}

std::optional<std::string_view> last_solution(std::string_view text) {
    const auto at = text.rfind(solution_open);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const auto body = text.substr(at + solution_open.size());
    return body.substr(0, body.find("<|end_of_solution|>"));
}

// --- A closing tag whose opening one was part of the prompt

// A tag that ends reasoning stands at the start of its line, or ends it with visible text on later lines.
bool ends_reasoning(
    std::string_view text, std::size_t line_start, std::size_t at, std::size_t after
) {
    if (is_blank(text.substr(line_start, at - line_start))) {
        return true;
    }
    return is_blank(line_at(text, after)) && !is_blank(text.substr(after));
}

class stray_close_finder {
public:
    explicit stray_close_finder(std::string_view text) : text_(text) {}

    void visit(std::size_t start, std::string_view line) {
        bool is_code = false;
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (line[i] == '`') {
                is_code = !is_code;
            } else if (line[i] == '<' && !is_code) {
                look_at(start, start + i);
            }
        }
    }

    // Where the text after the last one begins; 0: none.
    std::size_t end() const { return end_; }

private:
    void look_at(std::size_t line_start, std::size_t at) {
        const auto here = text_.substr(at);
        for (const auto& m : all()) {
            if (m.kind != mark_kind::tag && m.kind != mark_kind::weak_tag) {
                continue;
            }
            const auto bit = std::uint32_t{1} << (&m - all().data());
            if (match_open(here, m).result == fit::yes) {
                opened_ |= bit;
            }
            const auto close = match_close(here, m);
            const bool is_stray = close.result == fit::yes && (opened_ & bit) == 0;
            if (is_stray && ends_reasoning(text_, line_start, at, at + close.length)) {
                end_ = at + close.length;
            }
        }
    }

    std::string_view text_;
    std::uint32_t opened_ = 0;  // a bit per mark
    std::size_t end_ = 0;
};

std::size_t end_of_stray_close(std::string_view text) {
    if (text.find("</") == std::string_view::npos) {
        return 0;
    }
    stray_close_finder finder(text);
    for_each_prose_line(text, [&](std::size_t start, std::string_view line) {
        finder.visit(start, line);
    });
    return finder.end();
}

// --- A spoken preamble

// Lower case, without Markdown decoration, a straight apostrophe, single spaces.
std::string plain_words(std::string_view line) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line.substr(i, 3) == "’") {
            out += '\'';
            i += 2;
        } else if (is_space(line[i])
                   || std::string_view("#*_>").find(line[i]) != std::string_view::npos) {
            if (!out.empty() && out.back() != ' ') {
                out += ' ';
            }
        } else {
            out += line[i];
        }
    }
    while (!out.empty() && out.back() == ' ') {
        out.pop_back();
    }
    return base::ascii_lower(out);
}

constexpr std::array<std::string_view, 11> preamble_starts{
    "let me think",
    "let us think",
    "let's think",
    "thinking:",
    "reasoning:",
    "thinking process:",
    "thought process:",
    "reasoning process:",
    "chain of thought:",
    "step by step reasoning:",
    "step-by-step reasoning:"
};
constexpr std::array<std::string_view, 8> announcements{
    "here is ",
    "here's ",
    "below is ",
    "this is ",
    "the following is ",
    "my ",
    "okay, here",
    "first, "
};
constexpr std::array<std::string_view, 5> announced{
    "thinking process",
    "thought process",
    "reasoning process",
    "chain of thought",
    "chain-of-thought"
};
constexpr std::array<std::string_view, 9> answer_markers{
    "answer",
    "the answer",
    "final answer",
    "final response",
    "response",
    "solution",
    "conclusion",
    "here is the answer",
    "here's the answer"
};

constexpr std::size_t max_marker_bytes = 64;

bool is_preamble(std::string_view text) {
    const auto first_line = plain_words(line_at(text, 0).substr(0, 200));
    const auto starts = [&](std::string_view s) { return first_line.starts_with(s); };
    const auto holds = [&](std::string_view s) { return first_line.find(s) != std::string::npos; };
    return std::ranges::any_of(preamble_starts, starts)
           || (std::ranges::any_of(announcements, starts) && std::ranges::any_of(announced, holds));
}

bool is_answer_marker(std::string_view line) {
    if (line.size() > max_marker_bytes) {
        return false;
    }
    auto words = plain_words(line);
    while (!words.empty() && (words.back() == ':' || words.back() == ' ')) {
        words.pop_back();
    }
    return std::ranges::find(answer_markers, words) != answer_markers.end();
}

// What follows the last answer marker that has visible text after it.
std::optional<std::string_view> after_preamble(std::string_view text) {
    if (!is_preamble(trim_ascii(text))) {
        return std::nullopt;
    }
    std::optional<std::string_view> rest;
    for_each_prose_line(text, [&](std::size_t start, std::string_view line) {
        const auto after = text.substr(std::min(start + line.size() + 1, text.size()));
        if (is_answer_marker(line) && !is_blank(after)) {
            rest = trim_ascii(after);
        }
    });
    return rest;
}

std::string strip_leading_marks(std::string_view text, const mark& first) {
    if (first.kind == mark_kind::channel || first.kind == mark_kind::start) {
        if (const auto body = last_final_channel(text)) {
            return std::string(trim_ascii(*body));
        }
    }
    if (first.kind == mark_kind::block || first.kind == mark_kind::solution) {
        if (const auto body = last_solution(text)) {
            return std::string(trim_ascii(*body));
        }
    }
    leading_reasoning_filter filter;
    std::string out(filter.feed(text));
    out += filter.finish();
    return out;
}

}  // namespace

std::string strip_in_band_reasoning(std::string_view text) {
    const auto opening = match_any_open(trim_ascii(text));
    if (opening.found.result == fit::yes) {
        return strip_leading_marks(text, *opening.which);
    }
    if (const auto end = end_of_stray_close(text)) {
        return std::string(trim_ascii(text.substr(end)));
    }
    if (const auto rest = after_preamble(text)) {
        return std::string(*rest);
    }
    return std::string(text);
}

bool has_visible_content(const draft& d) {
    return d.content && !base::trim(*d.content).empty();
}

void rescue_reasoning(draft& d) {
    if (has_visible_content(d) || !d.refusal.empty() || !d.tool_calls.empty() || d.function_call) {
        return;
    }
    for (auto* field : {&d.reasoning_content, &d.reasoning}) {
        if (const auto text = base::trim(*field); !text.empty()) {
            d.content = std::string(text);
            field->clear();
            return;
        }
    }
}

void separate_reasoning(draft& d) {
    if (d.content) {
        d.content = strip_in_band_reasoning(*d.content);
    }
    rescue_reasoning(d);
}

}  // namespace meta_model::api
