#include "dispatch/canonical_json.hpp"

#include "api/json_cursor.hpp"
#include "api/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace meta_model::dispatch {

namespace {

constexpr std::size_t max_bytes = 64 * 1024;
constexpr int max_depth = 64;  // also the depth of the recursion below

bool append_value(std::string& out, api::json_cursor& in);

bool append_string(std::string& out, std::string_view raw) {
    std::string text;
    if (!api::append_unescaped(text, raw)) {
        return false;
    }
    api::append_json_string(out, text);
    return true;
}

void append_number(std::string& out, std::string_view raw) {
    double value = 0;
    const bool is_integer = raw.find_first_of(".eE") == std::string_view::npos;
    if (is_integer || !api::to_double(raw, value)) {
        out += raw;
        return;
    }
    char digits[32];
    const std::string_view shortest(
        digits, std::to_chars(digits, digits + sizeof digits, value).ptr
    );
    out += shortest;
    // 1.0 is not spelled like 1: an exact comparison does not call them the same.
    if (shortest.find_first_of(".e") == std::string_view::npos) {
        out += ".0";
    }
}

bool append_array(std::string& out, api::json_cursor& in) {
    out += '[';
    bool is_first = true;
    for (in.enter_array(); in.next_element(); is_first = false) {
        out += is_first ? "" : ",";
        if (!append_value(out, in)) {
            return false;
        }
    }
    out += ']';
    return !in.failed();
}

bool append_object(std::string& out, api::json_cursor& in) {
    std::vector<std::pair<std::string, std::string>> members;
    std::string_view raw_key;
    for (in.enter_object(); in.next_member(raw_key);) {
        auto& [key, value] = members.emplace_back();
        if (!append_string(key, raw_key) || !append_value(value, in)) {
            return false;
        }
    }
    const auto key_of = [](const auto& member) -> const std::string& { return member.first; };
    std::ranges::stable_sort(members, {}, key_of);
    out += '{';
    bool is_first = true;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const bool is_repeated = i + 1 < members.size() && members[i + 1].first == members[i].first;
        if (is_repeated) {
            continue;
        }
        out += is_first ? "" : ",";
        is_first = false;
        out += members[i].first + ':' + members[i].second;
    }
    out += '}';
    return !in.failed();
}

bool append_value(std::string& out, api::json_cursor& in) {
    std::string_view raw;
    switch (in.peek()) {
        case api::json_type::object: return append_object(out, in);
        case api::json_type::array: return append_array(out, in);
        case api::json_type::string: return in.string(raw) && append_string(out, raw);
        case api::json_type::number:
            if (!in.skip(raw)) {
                return false;
            }
            append_number(out, raw);
            return true;
        default:
            if (!in.skip(raw)) {
                return false;
            }
            out += raw;
            return true;
    }
}

}  // namespace

std::optional<std::string> canonical_json(std::string_view text) {
    if (text.size() > max_bytes) {
        return std::nullopt;
    }
    api::json_cursor in(text, max_depth);
    std::string out;
    if (!append_value(out, in) || in.failed() || !in.at_end()) {
        return std::nullopt;
    }
    return out;
}

}  // namespace meta_model::dispatch
