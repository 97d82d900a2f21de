// One `key = value` of the file on its way into a typed member: checks type and range and reports what is wrong.
// TOML types are strict, except that an integer is taken where a float is asked for. A member keeps its default when
// the value is refused, so that one mistake gives one problem.
#pragma once

#include "config/config.hpp"
#include "config/problem_list.hpp"
#include "config/toml_document.hpp"

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::config {

struct integer_range {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

struct number_range {
    double low = 0;
    double high = 0;
    bool low_excluded = false;
};

// No duration is longer than a year: it would overflow the clock's nanoseconds, and it is a typing mistake.
inline constexpr double longest_secs = 31'536'000;

constexpr integer_range between(std::int64_t low, std::int64_t high) {
    return {low, high};
}
constexpr integer_range from(std::int64_t low) {
    return {low, std::numeric_limits<std::int32_t>::max()};
}
constexpr integer_range bytes_from(std::int64_t low) {
    return {low, std::int64_t{1} << 40};
}
constexpr number_range within(double low, double high) {
    return {low, high};
}
constexpr number_range above_zero(double high = longest_secs) {
    return {0, high, true};
}
constexpr number_range zero_or_more(double high = longest_secs) {
    return {0, high};
}

// One spelling of an enumeration.
template <class E>
struct choice {
    std::string_view spelling;
    E value;
};

// A text with its place, for what is judged after the whole table is read.
struct placed_text {
    std::string text{};
    position at{};
};

class field {
public:
    // `label` names the value in messages: `[server].port`. `value` must outlive the field.
    field(std::string label, const node& value, position key_at, problem_list& problems)
        : label_(std::move(label)), value_(value), key_at_(key_at), problems_(problems) {}

    const std::string& label() const { return label_; }
    const node& value() const { return value_; }
    position at() const { return value_.at; }
    // Where the value of a table's `key` stands; without it, where the table's own key does.
    position at(std::string_view key) const;
    position key_at() const { return key_at_; }
    problem_list& problems() const { return problems_; }

    // The message is the label, then `text` as given: start it with `:` or ` = value`.
    void error(std::string_view text) const { problems_.error(at(), label_ + std::string(text)); }
    void warning(std::string_view text) const {
        problems_.warning(at(), label_ + std::string(text));
    }
    void wrong_type(std::string_view expected) const;

    // False: refused and reported.
    bool read(bool& into) const;
    bool read(std::string& into) const;
    bool read(double& into, number_range allowed) const;
    bool read(seconds_f& into, number_range allowed = above_zero()) const;
    bool read(std::vector<std::string>& into) const;

    template <class T>
        requires(std::integral<T> && !std::same_as<T, bool>)
    bool read(T& into, integer_range allowed) const {
        const auto number = whole(allowed);
        if (number) {
            into = static_cast<T>(*number);
        }
        return number.has_value();
    }

    template <class T, class Range>
    bool read(std::optional<T>& into, Range allowed) const {
        T value_read{};
        const bool ok = read(value_read, allowed);
        if (ok) {
            into = value_read;
        }
        return ok;
    }

    template <class E, std::size_t N>
    bool read(E& into, const choice<E> (&choices)[N]) const {
        std::array<std::string_view, N> spellings{};
        for (std::size_t i = 0; i < N; ++i) {
            spellings[i] = choices[i].spelling;
        }
        const auto i = chosen(spellings);
        if (i) {
            into = choices[*i].value;
        }
        return i.has_value();
    }

    // A text that says something: not empty, not only blanks.
    bool read_filled(std::string& into) const;
    // Each text filled, none twice.
    bool read_distinct(std::vector<std::string>& into) const;

    // The element at `index`; the value must be an array.
    field element(std::size_t index) const;

private:
    std::optional<std::int64_t> whole(integer_range allowed) const;
    std::optional<std::size_t> chosen(std::span<const std::string_view> spellings) const;

    std::string label_;
    const node& value_;
    position key_at_;
    problem_list& problems_;
};

}  // namespace meta_model::config
