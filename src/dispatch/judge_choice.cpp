#include "dispatch/judge_choice.hpp"

#include "base/text.hpp"

#include <charconv>

namespace meta_model::dispatch {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The integer at the start of `text`. Without one, or with one too large for the type, 0: no candidate's number.
long leading_integer(std::string_view text, std::size_t& length) {
    long value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    length = static_cast<std::size_t>(end - text.data());
    return fault == std::errc{} ? value : 0;
}

}  // namespace

std::optional<std::size_t> read_choice(std::string_view reply, std::size_t count) {
    reply = base::trim(reply);
    const auto line = base::trim(reply.substr(0, reply.find('\n')));
    std::size_t length = 0;
    auto number = leading_integer(line, length);
    if (length != line.size()) {
        std::size_t at = 0;
        while (at < reply.size() && !is_digit(reply[at])) {
            ++at;
        }
        number = leading_integer(reply.substr(at), length);
    }
    if (number < 1 || static_cast<std::size_t>(number) > count) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(number) - 1;
}

}  // namespace meta_model::dispatch
