#include "dispatch/ballot_number.hpp"

#include "base/text.hpp"
#include "dispatch/final_answer.hpp"

#include <charconv>
#include <cmath>

namespace meta_model::dispatch {

namespace {

constexpr std::string_view minus_sign = "\u2212";
constexpr std::size_t longest_number = 64;  // bytes; nobody answers with more
constexpr std::string_view currencies[] = {"$", "€", "£", "¥"};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
           || static_cast<unsigned char>(c) >= 0xc3;
}

std::size_t digits_at(std::string_view text, std::size_t at) {
    std::size_t n = 0;
    while (at + n < text.size() && is_digit(text[at + n])) {
        ++n;
    }
    return n;
}

// A number in a text: `digits` is what strtod reads.
struct found_number {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string digits{};
    bool is_integer = true;
};

// Digits with thousands separators, fraction and exponent; `at` is a digit, or a point before one.
found_number number_at(std::string_view text, std::size_t at) {
    found_number out{.begin = at, .end = at + digits_at(text, at)};
    out.digits = text.substr(at, out.end - at);
    const bool may_group = out.digits.size() <= 3 && !out.digits.empty();
    while (may_group && out.end < text.size() && text[out.end] == ','
           && digits_at(text, out.end + 1) == 3) {
        out.digits += text.substr(out.end + 1, 3);
        out.end += 4;
    }
    if (out.end < text.size() && text[out.end] == '.') {
        if (const auto n = digits_at(text, out.end + 1); n > 0) {
            out.digits += text.substr(out.end, n + 1);
            out.end += n + 1;
            out.is_integer = false;
        }
    }
    if (out.end + 1 < text.size() && (text[out.end] == 'e' || text[out.end] == 'E')) {
        const auto sign = text[out.end + 1] == '-' || text[out.end + 1] == '+' ? 1u : 0u;
        if (const auto n = digits_at(text, out.end + 1 + sign); n > 0) {
            out.digits += text.substr(out.end, 1 + sign + n);
            out.end += 1 + sign + n;
            out.is_integer = false;
        }
    }
    return out;
}

// A sign counts where no word or number ends in front of it: in "3-4" it is none.
void take_sign(std::string_view text, found_number& n) {
    const auto before = text.substr(0, n.begin);
    const auto length = before.ends_with('-') || before.ends_with('+') ? std::size_t{1}
                        : before.ends_with(minus_sign)                 ? minus_sign.size()
                                                                       : 0;
    const auto rest = before.substr(0, before.size() - length);
    if (length == 0 || (!rest.empty() && is_word(rest.back()))) {
        return;
    }
    n.begin -= length;
    if (!before.ends_with('+')) {
        n.digits.insert(0, 1, '-');
    }
}

// The first or the last number that is no part of a word.
std::optional<found_number> find_number(std::string_view text, bool is_last) {
    std::optional<found_number> found;
    for (std::size_t i = 0; i < text.size();) {
        const bool begins = is_digit(text[i]) || (text[i] == '.' && digits_at(text, i + 1) > 0);
        if (!begins) {
            ++i;
            continue;
        }
        auto n = number_at(text, i);
        const bool is_inside_word = i > 0 && is_word(text[i - 1]);
        i = n.end;
        if (is_inside_word || n.digits.size() > longest_number) {
            continue;
        }
        take_sign(text, n);
        found = std::move(n);
        if (!is_last) {
            break;
        }
    }
    return found;
}

// As decimal digits.
std::string spelled(double value) {
    char digits[64];
    return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

// Decimal digits in one spelling: 007.50 and 7.5 are the same.
std::string canonical_decimal(const found_number& n, double value) {
    if (n.digits.find_first_of("eE") != std::string::npos) {
        return spelled(value);
    }
    const bool is_negative = n.digits.starts_with('-');
    std::string_view body = std::string_view(n.digits).substr(is_negative ? 1 : 0);
    while (body.size() > 1 && body[0] == '0' && is_digit(body[1])) {
        body.remove_prefix(1);
    }
    if (body.find('.') != std::string_view::npos) {
        while (body.ends_with('0')) {
            body.remove_suffix(1);
        }
        if (body.ends_with('.')) {
            body.remove_suffix(1);
        }
    }
    std::string out(body.empty() ? "0" : body);
    if (out.starts_with('.')) {
        out.insert(0, 1, '0');
    }
    return is_negative && out != "0" ? '-' + out : out;
}

// What stands around the number when that is no more than a currency or one word: "$5", "42 km", "5%". Empty when
// nothing does; nothing when it is more.
std::optional<std::string> unit_around(std::string_view text, const found_number& n) {
    auto before = bare(text.substr(0, n.begin));
    auto behind = bare(text.substr(n.end));
    if (behind.starts_with('%')) {
        behind = bare(behind.substr(1));
    }
    if (before.empty() && behind.empty()) {
        return std::string();
    }
    for (const auto currency : currencies) {
        if (before == currency && behind.empty()) {
            return std::string(currency);
        }
    }
    const bool is_one_word = !behind.empty() && behind.size() <= 16
                             && (is_word(behind.front()) || behind.starts_with("°"))
                             && behind.find_first_of(" \t\n") == std::string::npos;
    return before.empty() && is_one_word ? std::optional(std::string(behind)) : std::nullopt;
}

// "3/4" and "\frac{3}{4}", when that is all there is.
std::optional<double> fraction(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    text.remove_prefix(is_negative ? 1 : 0);
    std::string_view between = "/";
    for (const std::string_view command : {"\\frac{", "\\dfrac{", "\\tfrac{"}) {
        if (text.starts_with(command) && text.ends_with('}')) {
            text.remove_prefix(command.size());
            text.remove_suffix(1);
            between = "}{";
        }
    }
    const auto over = digits_at(text, 0);
    const bool is_fraction = over > 0 && text.substr(over).starts_with(between);
    const auto under = is_fraction ? digits_at(text, over + between.size()) : 0;
    if (under == 0 || over > 15 || under > 15 || over + between.size() + under != text.size()) {
        return std::nullopt;
    }
    const auto a = std::stod(std::string(text.substr(0, over)));
    const auto b = std::stod(std::string(text.substr(over + between.size())));
    return b == 0 ? std::nullopt : std::optional(is_negative ? -a / b : a / b);
}

// Mathematics that no number in it stands for.
bool is_formula(std::string_view text) {
    for (const std::string_view sign : {"frac{", "\\sqrt", "\\pi", "^"}) {
        if (text.find(sign) != std::string_view::npos) {
            return true;
        }
    }
    return false;
}

std::optional<ballot> ballot_of(std::string_view source, const found_number& n) {
    double value = 0;
    if (std::from_chars(n.digits.data(), n.digits.data() + n.digits.size(), value).ec
        != std::errc{}) {
        return std::nullopt;
    }
    ballot out{
        .unit = unit_around(source, n).value_or(std::string()), .value = value, .is_number = true
    };
    const auto decimal = canonical_decimal(n, value);
    out.is_integer = decimal.find_first_of(".e") == std::string::npos;
    const bool is_currency = !out.unit.empty() && source.starts_with(out.unit);
    out.text = decimal;
    if (is_currency) {
        out.text.insert(0, out.unit);
    } else if (!out.unit.empty()) {
        out.text += ' ' + out.unit;
    }
    out.key = out.text;
    return out;
}

}  // namespace

std::optional<ballot> read_number_ballot(std::string_view text, bool is_cut) {
    const auto marked = marked_answer(text);
    if (is_cut && !marked) {
        return std::nullopt;
    }
    auto source = bare(marked.value_or(text));
    std::string quotient;
    if (const auto f = fraction(source)) {
        source = quotient = spelled(*f);
    } else if (marked && is_formula(source)) {
        return std::nullopt;
    }
    const auto n = find_number(source, !marked);
    return n ? ballot_of(source, *n) : std::nullopt;
}

std::optional<ballot> read_bare_number(std::string_view answer) {
    auto source = bare(answer);
    std::string quotient;
    if (const auto f = fraction(source)) {
        source = quotient = spelled(*f);
    }
    const auto n = find_number(source, false);
    return n && unit_around(source, *n) ? ballot_of(source, *n) : std::nullopt;
}

}  // namespace meta_model::dispatch
