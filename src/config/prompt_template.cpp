#include "config/prompt_template.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace meta_model::config {

namespace {

constexpr std::string_view opening = "{{";
constexpr std::string_view closing = "}}";
constexpr std::size_t max_name_bytes = 64;

bool is_name_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-' || c == '.' || c == ' ';
}

// What stands between the braces at the start of `text`; empty when that is no name, so that it is only text.
std::string_view name_in(std::string_view text) {
    text.remove_prefix(opening.size());
    const auto end = text.substr(0, max_name_bytes + closing.size()).find(closing);
    const auto name = text.substr(0, end == std::string_view::npos ? 0 : end);
    return std::ranges::all_of(name, is_name_letter) ? name : std::string_view{};
}

position position_at(std::string_view text, std::size_t offset) {
    const auto before = text.substr(0, offset);
    const auto line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto is_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    return {
        .line = static_cast<std::uint32_t>(1 + std::ranges::count(before, '\n')),
        .column = static_cast<std::uint32_t>(
            1 + std::ranges::count_if(before.substr(line_begin), is_character)
        )
    };
}

}  // namespace

std::optional<prompt_template::fault> prompt_template::parse(
    std::string_view text, std::span<const std::string_view> names
) {
    std::vector<piece> pieces;
    std::size_t text_begin = 0;
    for (auto at = text.find(opening); at != std::string_view::npos;) {
        const auto name = name_in(text.substr(at));
        if (name.empty()) {
            at = text.find(opening, at + 1);
            continue;
        }
        if (std::ranges::find(names, name) == names.end()) {
            return fault{position_at(text, at), "'{{" + std::string(name) + "}}' is not known"};
        }
        pieces.push_back({std::string(text.substr(text_begin, at - text_begin)), std::string(name)}
        );
        text_begin = at + opening.size() + name.size() + closing.size();
        at = text.find(opening, text_begin);
    }
    if (text_begin < text.size()) {
        pieces.push_back({std::string(text.substr(text_begin)), {}});
    }
    pieces_ = std::move(pieces);
    return std::nullopt;
}

std::size_t prompt_template::count_of(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count(pieces_, name, &piece::name));
}

std::string prompt_template::filled(std::span<const prompt_value> values) const {
    std::string out;
    for (const auto& p : pieces_) {
        out += p.text;
        const auto value = std::ranges::find(values, std::string_view(p.name), &prompt_value::name);
        if (!p.name.empty() && value != values.end()) {
            out += value->text;
        }
    }
    return out;
}

}  // namespace meta_model::config
