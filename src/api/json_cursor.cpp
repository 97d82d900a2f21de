#include "api/json_cursor.hpp"

#include "api/json_text.hpp"
#include "api/string_scan.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace meta_model::api {

namespace {

bool is_digit(char c) {
    return static_cast<unsigned char>(c - '0') < 10;
}

}  // namespace

json_cursor::json_cursor(std::string_view text, int max_depth)
    : begin_(text.data()),
      p_(begin_),
      end_(begin_ + text.size()),
      max_depth_(max_depth < depth_limit ? max_depth : depth_limit) {
}

bool json_cursor::fail() {
    failed_ = true;
    return false;
}

void json_cursor::skip_space() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) {
        ++p_;
    }
}

bool json_cursor::at_end() {
    skip_space();
    return p_ == end_;
}

json_type json_cursor::peek() {
    skip_space();
    if (failed_ || p_ == end_) {
        return json_type::invalid;
    }
    switch (*p_) {
        case '{': return json_type::object;
        case '[': return json_type::array;
        case '"': return json_type::string;
        case 't':
        case 'f': return json_type::boolean;
        case 'n': return json_type::null;
        default: return *p_ == '-' || is_digit(*p_) ? json_type::number : json_type::invalid;
    }
}

bool json_cursor::scan_string() {
    const char* const quote = find_string_end(p_, end_);
    if (quote == nullptr) {
        return fail();
    }
    p_ = quote + 1;
    return true;
}

bool json_cursor::scan_number() {
    const auto digits = [&] {
        const char* const start = p_;
        while (p_ != end_ && is_digit(*p_)) {
            ++p_;
        }
        return p_ != start;
    };
    if (*p_ == '-') {
        ++p_;
    }
    if (p_ != end_ && *p_ == '0') {
        ++p_;
    } else if (!digits()) {
        return fail();
    }
    if (p_ != end_ && *p_ == '.') {
        ++p_;
        if (!digits()) {
            return fail();
        }
    }
    if (p_ != end_ && (*p_ | 0x20) == 'e') {
        ++p_;
        if (p_ != end_ && (*p_ == '+' || *p_ == '-')) {
            ++p_;
        }
        if (!digits()) {
            return fail();
        }
    }
    return true;
}

bool json_cursor::scan_literal(std::string_view word) {
    if (static_cast<std::size_t>(end_ - p_) < word.size()
        || std::memcmp(p_, word.data(), word.size()) != 0) {
        return fail();
    }
    p_ += word.size();
    return true;
}

// Iterative, so that a client's nesting costs no stack: one bit a level tells object from array.
bool json_cursor::scan_container() {
    std::array<std::uint64_t, depth_limit / 64> is_object{};
    const int base = depth_;
    const auto push = [&](bool object) {
        if (depth_ == max_depth_) {
            too_deep_ = true;
            return fail();
        }
        auto& word = is_object[static_cast<std::size_t>(depth_) / 64];
        const auto bit = std::uint64_t{1} << (depth_ % 64);
        word = object ? word | bit : word & ~bit;
        ++depth_;
        ++p_;
        return true;
    };
    const auto inside_object = [&] {
        const auto level = static_cast<std::size_t>(depth_ - 1);
        return ((is_object[level / 64] >> (level % 64)) & 1) != 0;
    };
    const auto key_and_colon = [&] {
        if (p_ == end_ || *p_ != '"') {
            return fail();
        }
        ++p_;
        if (!scan_string()) {
            return false;
        }
        skip_space();
        if (p_ == end_ || *p_ != ':') {
            return fail();
        }
        ++p_;
        return true;
    };

    bool opened = push(*p_ == '{');
    if (!opened) {
        return false;
    }
    for (;;) {
        // At the start of a member or element, or at the end of a container that was just opened.
        skip_space();
        if (opened && p_ != end_ && *p_ == (inside_object() ? '}' : ']')) {
            opened = false;
        } else {
            if (inside_object() && !key_and_colon()) {
                return false;
            }
            const auto type = peek();
            if (type == json_type::object || type == json_type::array) {
                if (!push(type == json_type::object)) {
                    return false;
                }
                opened = true;
                continue;
            }
            bool ok = false;
            switch (type) {
                case json_type::string:
                    ++p_;
                    ok = scan_string();
                    break;
                case json_type::number: ok = scan_number(); break;
                case json_type::boolean: ok = scan_literal(*p_ == 't' ? "true" : "false"); break;
                case json_type::null: ok = scan_literal("null"); break;
                default: ok = fail();
            }
            if (!ok) {
                return false;
            }
            opened = false;
            skip_space();
            if (p_ != end_ && *p_ == ',') {
                ++p_;
                continue;
            }
        }
        // Close every container that ends here.
        for (;;) {
            skip_space();
            if (p_ == end_ || *p_ != (inside_object() ? '}' : ']')) {
                return fail();
            }
            ++p_;
            if (--depth_ == base) {
                return true;
            }
            skip_space();
            if (p_ != end_ && *p_ == ',') {
                ++p_;
                break;
            }
        }
    }
}

bool json_cursor::skip(std::string_view& raw) {
    const auto type = peek();
    const char* const start = p_;
    bool ok = false;
    switch (type) {
        case json_type::object:
        case json_type::array: ok = scan_container(); break;
        case json_type::string:
            ++p_;
            ok = scan_string();
            break;
        case json_type::number: ok = scan_number(); break;
        case json_type::boolean: ok = scan_literal(*p_ == 't' ? "true" : "false"); break;
        case json_type::null: ok = scan_literal("null"); break;
        case json_type::invalid: return fail();
    }
    is_first_ = false;
    raw = {start, static_cast<std::size_t>(p_ - start)};
    return ok;
}

bool json_cursor::string(std::string_view& raw) {
    if (peek() != json_type::string || !skip(raw)) {
        return fail();
    }
    raw = raw.substr(1, raw.size() - 2);
    return true;
}

bool json_cursor::enter(char open) {
    skip_space();
    if (failed_ || p_ == end_ || *p_ != open) {
        return fail();
    }
    if (depth_ == max_depth_) {
        too_deep_ = true;
        return fail();
    }
    ++depth_;
    ++p_;
    is_first_ = true;
    return true;
}

bool json_cursor::enter_object() {
    return enter('{');
}

bool json_cursor::enter_array() {
    return enter('[');
}

bool json_cursor::next_element() {
    skip_space();
    if (failed_ || p_ == end_) {
        return fail();
    }
    if (*p_ == ']') {
        ++p_;
        --depth_;
        is_first_ = false;
        return false;
    }
    if (!is_first_) {
        if (*p_ != ',') {
            return fail();
        }
        ++p_;
    }
    is_first_ = false;
    return true;
}

bool json_cursor::next_member(std::string_view& raw_key) {
    skip_space();
    if (failed_ || p_ == end_) {
        return fail();
    }
    if (*p_ == '}') {
        ++p_;
        --depth_;
        is_first_ = false;
        return false;
    }
    if (!is_first_) {
        if (*p_ != ',') {
            return fail();
        }
        ++p_;
        skip_space();
    }
    is_first_ = false;
    if (p_ == end_ || *p_ != '"') {
        return fail();
    }
    const char* const start = ++p_;
    if (!scan_string()) {
        return false;
    }
    raw_key = {start, static_cast<std::size_t>(p_ - start - 1)};
    skip_space();
    if (p_ == end_ || *p_ != ':') {
        return fail();
    }
    ++p_;
    return true;
}

std::string_view find_member(std::string_view text, std::string_view key) {
    json_cursor in(text, json_cursor::depth_limit);
    std::string_view found;
    std::string_view name;
    std::string_view value;
    if (in.peek() != json_type::object || !in.enter_object()) {
        return {};
    }
    while (in.next_member(name) && in.skip(value)) {
        if (stands_for(name, key)) {
            found = value;
        }
    }
    return in.failed() ? std::string_view{} : found;
}

bool is_string(std::string_view value, std::string_view text) {
    return value.size() >= 2 && value.front() == '"'
           && stands_for(value.substr(1, value.size() - 2), text);
}

bool to_int64(std::string_view raw, std::int64_t& out) {
    const auto [end, ec] = std::from_chars(raw.data(), raw.data() + raw.size(), out);
    return ec == std::errc{} && end == raw.data() + raw.size();
}

bool to_double(std::string_view raw, double& out) {
    const auto [end, ec] = std::from_chars(raw.data(), raw.data() + raw.size(), out);
    return ec == std::errc{} && end == raw.data() + raw.size() && std::isfinite(out);
}

}  // namespace meta_model::api
