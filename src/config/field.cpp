#include "config/field.hpp"

#include "base/text.hpp"
#include "config/nearest_key.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace meta_model::config {

namespace {

std::string text_of(double number) {
    char digits[32];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    return {digits, end};
}

std::string bounds_text(number_range allowed) {
    if (allowed.low_excluded) {
        return "must be greater than " + text_of(allowed.low) + " and at most "
               + text_of(allowed.high);
    }
    return "must be between " + text_of(allowed.low) + " and " + text_of(allowed.high);
}

bool is_inside(double number, number_range allowed) {
    return std::isfinite(number) && number <= allowed.high
           && (allowed.low_excluded ? number > allowed.low : number >= allowed.low);
}

}  // namespace

position field::at(std::string_view key) const {
    const auto* found = value_.find(key);
    return found != nullptr ? found->at : key_at_;
}

void field::wrong_type(std::string_view expected) const {
    error(": expected " + std::string(expected) + ", found " + std::string(kind_of(value_)));
}

bool field::read(bool& into) const {
    const auto* boolean = value_.as<bool>();
    if (boolean == nullptr) {
        wrong_type("a boolean");
        return false;
    }
    into = *boolean;
    return true;
}

bool field::read(std::string& into) const {
    const auto* text = value_.as<std::string>();
    if (text == nullptr) {
        wrong_type("a string");
        return false;
    }
    into = *text;
    return true;
}

bool field::read(double& into, number_range allowed) const {
    const auto* whole_number = value_.as<std::int64_t>();
    const auto* real = value_.as<double>();
    if (whole_number == nullptr && real == nullptr) {
        wrong_type("a number");
        return false;
    }
    const double number = real != nullptr ? *real : static_cast<double>(*whole_number);
    if (!is_inside(number, allowed)) {
        error(" = " + text_of(number) + ": " + bounds_text(allowed));
        return false;
    }
    into = number;
    return true;
}

bool field::read(seconds_f& into, number_range allowed) const {
    double secs = 0;
    if (!read(secs, allowed)) {
        return false;
    }
    into = seconds_f(secs);
    return true;
}

bool field::read(std::vector<std::string>& into) const {
    const auto* elements = value_.as<node::array>();
    if (elements == nullptr) {
        wrong_type("an array of strings");
        return false;
    }
    std::vector<std::string> texts(elements->size());
    bool ok = true;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        ok = element(i).read(texts[i]) && ok;
    }
    if (ok) {
        into = std::move(texts);
    }
    return ok;
}

bool field::read_filled(std::string& into) const {
    std::string text;
    if (!read(text)) {
        return false;
    }
    if (base::trim(text).empty()) {
        error(": must be non-empty");
        return false;
    }
    into = std::move(text);
    return true;
}

bool field::read_distinct(std::vector<std::string>& into) const {
    std::vector<std::string> texts;
    if (!read(texts)) {
        return false;
    }
    bool ok = true;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto earlier = texts.begin() + static_cast<std::ptrdiff_t>(i);
        if (base::trim(texts[i]).empty()) {
            element(i).error(": must be non-empty");
            ok = false;
        } else if (std::find(texts.begin(), earlier, texts[i]) != earlier) {
            element(i).error(" = '" + texts[i] + "' is a duplicate");
            ok = false;
        }
    }
    // Kept even with duplicates, so that what refers to the list can still be checked.
    into = std::move(texts);
    return ok;
}

field field::element(std::size_t index) const {
    const auto& one = (*value_.as<node::array>())[index];
    return {label_ + "[" + std::to_string(index) + "]", one, one.at, problems_};
}

std::optional<std::int64_t> field::whole(integer_range allowed) const {
    const auto* number = value_.as<std::int64_t>();
    if (number == nullptr) {
        wrong_type("an integer");
        return std::nullopt;
    }
    if (*number < allowed.low || *number > allowed.high) {
        error(
            " = " + std::to_string(*number) + ": must be between " + std::to_string(allowed.low)
            + " and " + std::to_string(allowed.high)
        );
        return std::nullopt;
    }
    return *number;
}

std::optional<std::size_t> field::chosen(std::span<const std::string_view> spellings) const {
    std::string text;
    if (!read(text)) {
        return std::nullopt;
    }
    const auto at_spelling = std::find(spellings.begin(), spellings.end(), text);
    if (at_spelling != spellings.end()) {
        return static_cast<std::size_t>(at_spelling - spellings.begin());
    }
    std::string message = " = '" + text + "': must be ";
    for (std::size_t i = 0; i < spellings.size(); ++i) {
        message += i == 0 ? "" : i + 1 == spellings.size() ? " or " : ", ";
        message += "'" + std::string(spellings[i]) + "'";
    }
    error(message + did_you_mean(text, spellings));
    return std::nullopt;
}

}  // namespace meta_model::config
