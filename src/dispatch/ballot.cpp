#include "dispatch/ballot.hpp"

#include "api/reasoning.hpp"
#include "base/text.hpp"
#include "dispatch/agreement.hpp"
#include "dispatch/ballot_number.hpp"
#include "dispatch/canonical_json.hpp"
#include "dispatch/final_answer.hpp"

#include <algorithm>
#include <cmath>

namespace meta_model::dispatch {

namespace {

using config::ballot_kind;

constexpr std::size_t yes_no_window = 32;
constexpr double tolerance = 1e-9;

std::optional<ballot> read_label(
    std::string_view text, const std::vector<std::string>& labels, std::size_t window
) {
    const auto said = said_label(text, labels, window);
    if (said < 0) {
        return std::nullopt;
    }
    const auto& label = labels[static_cast<std::size_t>(said)];
    return ballot{.key = label, .text = label};
}

std::optional<ballot> read_calls(const api::draft& d, const std::vector<std::string>& tools) {
    const auto is_valid = [&](const std::string& name, const std::string& arguments) {
        return std::ranges::find(tools, name) != tools.end() && canonical_json(arguments);
    };
    if (d.tool_calls.empty() && !d.function_call) {
        return api::has_visible_content(d) ? std::optional(ballot{.text = *d.content})
                                           : std::nullopt;
    }
    const auto calls_valid = [&](const auto& call) { return is_valid(call.name, call.arguments); };
    const bool has_both = !d.tool_calls.empty() && d.function_call;
    if (has_both || !std::ranges::all_of(d.tool_calls, calls_valid)
        || (d.function_call && !calls_valid(*d.function_call))) {
        return std::nullopt;
    }
    auto signature = signature_of(d);
    return ballot{
        .key = std::move(d.function_call ? signature.function : signature.calls),
        .text = d.content.value_or("")
    };
}

std::optional<ballot> read_text(std::string_view text, bool is_cut) {
    const auto marked = marked_answer(text);
    if (is_cut && !marked) {
        return std::nullopt;
    }
    api::draft said;
    said.content = std::string(bare(marked.value_or(text)));
    auto key = signature_of(said).text;
    if (said.content->find('\n') == std::string::npos) {
        key = base::ascii_lower(key);
    }
    if (key.empty()) {
        return std::nullopt;
    }
    return ballot{.key = std::move(key), .text = std::string(text)};
}

}  // namespace

std::optional<ballot> read_ballot(const api::draft& d, const ballot_rules& rules) {
    static const std::vector<std::string> yes_no{"yes", "no"};
    if (rules.kind == ballot_kind::tool_call) {
        return read_calls(d, rules.tools);
    }
    const std::string_view text = d.content ? std::string_view(*d.content) : std::string_view{};
    if (base::trim(text).empty()) {
        return std::nullopt;
    }
    const bool is_cut = d.finish_reason == "length";
    switch (rules.kind) {
        case ballot_kind::yes_no: return read_label(text, yes_no, yes_no_window);
        case ballot_kind::label: return read_label(text, rules.labels, is_cut ? 0 : text.size());
        case ballot_kind::number: return read_number_ballot(text, is_cut);
        case ballot_kind::json: return read_json_value(text);
        default: return read_text(text, is_cut);
    }
}

std::optional<ballot> read_json_value(std::string_view text) {
    const auto fenced = fenced_text(text);
    const auto inside = fenced.empty() ? base::trim(text) : fenced;
    auto canonical = canonical_json(inside);
    if (!canonical) {
        return std::nullopt;
    }
    return ballot{.key = std::move(*canonical), .text = std::string(inside)};
}

bool agrees(const ballot& a, const ballot& b) {
    if (!a.is_number || !b.is_number || a.key == b.key || (a.is_integer && b.is_integer)) {
        return a.key == b.key;
    }
    const auto size = std::max(std::abs(a.value), std::abs(b.value));
    return a.unit == b.unit && std::abs(a.value - b.value) <= tolerance * size;
}

}  // namespace meta_model::dispatch
