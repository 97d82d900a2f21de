#include "dispatch/agreement.hpp"

#include "api/json_text.hpp"
#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/ballot_number.hpp"
#include "dispatch/canonical_json.hpp"
#include "dispatch/final_answer.hpp"

#include <algorithm>

namespace meta_model::dispatch {

namespace {

// Trimmed, each run of white space one space.
std::string normalised(std::string_view text) {
    std::string out;
    bool gap = false;
    for (const char c : base::trim(text)) {
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            gap = true;
            continue;
        }
        if (gap) {
            out += ' ';
            gap = false;
        }
        out += c;
    }
    return out;
}

void append_pair(std::string& out, const std::string& name, const std::string& arguments) {
    out += '[';
    api::append_json_string(out, name);
    out += ',';
    api::append_json_string(out, canonical_arguments(arguments));
    out += ']';
}

enum class form { nothing, calls, json, number, answer, text };

// What a draft comes to.
struct conclusion {
    dispatch::form form = dispatch::form::nothing;
    std::string key{};
    ballot number{};  // with form::number
};

// "B", "(b)", "b)": the letter; 0 for what is none.
char choice_letter(std::string_view answer) {
    auto inside = bare(answer);
    inside.remove_prefix(inside.starts_with('(') ? 1 : 0);
    inside.remove_suffix(inside.ends_with(')') ? 1 : 0);
    const auto letter = base::ascii_lower(inside);
    return letter.size() == 1 && letter[0] >= 'a' && letter[0] <= 'z' ? letter[0] : '\0';
}

std::string_view last_line(std::string_view text) {
    const auto end = text.find_last_of('\n');
    return end == std::string_view::npos ? text : text.substr(end + 1);
}

// The part of `text`, which is trimmed and not empty, that the rest only leads to; empty when it is all of one piece.
std::string_view answer_within(std::string_view text) {
    if (const auto marked = marked_answer(text)) {
        return *marked;
    }
    const auto line = last_line(text);
    const bool is_alone = line.size() == text.size();
    return is_alone || read_bare_number(line) || choice_letter(line) != '\0' ? line
                                                                             : std::string_view{};
}

conclusion conclusion_of(const api::draft& d) {
    if (!d.tool_calls.empty() || d.function_call) {
        const auto signature = signature_of(d);
        return {.form = form::calls, .key = signature.calls + signature.function};
    }
    const auto said = api::strip_in_band_reasoning(d.content.value_or(""));
    const auto text = base::trim(said);
    if (text.empty()) {
        return {};
    }
    constexpr std::string_view fence = "```";
    const bool is_all_of_it = text.starts_with('{') || text.starts_with('[')
                              || (text.starts_with(fence) && text.ends_with(fence));
    auto value = is_all_of_it ? read_json_value(text) : std::nullopt;
    if (value && (value->key[0] == '{' || value->key[0] == '[')) {
        return {.form = form::json, .key = std::move(value->key)};
    }
    if (d.finish_reason == "length" && !marked_answer(text)) {
        return {};
    }
    const auto answer = answer_within(text);
    if (answer.empty()) {
        return {.form = form::text, .key = normalised(text)};
    }
    if (auto number = read_bare_number(answer)) {
        return {.form = form::number, .key = {}, .number = std::move(*number)};
    }
    if (const char letter = choice_letter(answer); letter != '\0') {
        return {.form = form::answer, .key = std::string(1, letter)};
    }
    return {.form = form::answer, .key = base::ascii_lower(normalised(bare(answer)))};
}

bool is_same(const conclusion& a, const conclusion& b) {
    if (a.form != b.form || a.form == form::nothing) {
        return false;
    }
    return a.form == form::number ? agrees(a.number, b.number) : a.key == b.key;
}

}  // namespace

std::string canonical_arguments(const std::string& arguments) {
    return canonical_json(arguments).value_or(arguments);
}

draft_signature signature_of(const api::draft& d) {
    draft_signature out;
    out.text = normalised(d.content.value_or(""));
    out.calls = "[";
    for (const auto& call : d.tool_calls) {
        out.calls += out.calls.size() > 1 ? "," : "";
        append_pair(out.calls, call.name, call.arguments);
    }
    out.calls += ']';
    out.function = "null";
    if (d.function_call) {
        out.function.clear();
        append_pair(out.function, d.function_call->name, d.function_call->arguments);
    }
    return out;
}

bool all_agree(const std::vector<const api::draft*>& drafts) {
    if (drafts.empty()) {
        return false;
    }
    const auto first = signature_of(*drafts.front());
    if (first == signature_of({})) {
        return false;
    }
    return std::ranges::all_of(drafts, [&](const auto* d) { return signature_of(*d) == first; });
}

bool all_agree_canonically(const std::vector<const api::draft*>& drafts) {
    std::vector<conclusion> all;
    for (const auto* d : drafts) {
        auto next = conclusion_of(*d);
        // Numbers that agree with a third need not agree with each other, so that each is held against all.
        const auto agrees = [&](const auto& other) { return is_same(next, other); };
        if (next.form == form::nothing || !std::ranges::all_of(all, agrees)) {
            return false;
        }
        all.push_back(std::move(next));
    }
    return !all.empty();
}

bool all_agree(const std::vector<const api::draft*>& drafts, config::agreement_rule rule) {
    switch (rule) {
        case config::agreement_rule::off: return false;
        case config::agreement_rule::exact: return all_agree(drafts);
        case config::agreement_rule::canonical: return all_agree_canonically(drafts);
    }
    return false;
}

}  // namespace meta_model::dispatch
