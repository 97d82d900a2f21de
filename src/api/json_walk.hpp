// Going through the members of an object and the elements of a list, as raw JSON values of a text that stays where it is.
#pragma once

#include "api/json_cursor.hpp"
#include "api/json_text.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace meta_model::api {

// Calls take(key, value) for each member of the object `json`, the key unescaped and the value as source text. False when
// `json` is not a valid object; some members may have been told by then.
template <class F>
bool walk_object(std::string_view json, F&& take) {
    json_cursor in(json, json_cursor::depth_limit);
    std::string_view key;
    std::string_view value;
    if (in.peek() != json_type::object || !in.enter_object()) {
        return false;
    }
    std::string unescaped;
    while (in.next_member(key)) {
        if (!in.skip(value)) {
            return false;
        }
        if (key.find('\\') != std::string_view::npos) {
            unescaped.clear();
            key = append_unescaped(unescaped, key) ? std::string_view(unescaped) : key;
        }
        take(key, value);
    }
    return !in.failed() && in.at_end();
}

// The same for the elements of a list.
template <class F>
bool walk_list(std::string_view json, F&& take) {
    json_cursor in(json, json_cursor::depth_limit);
    std::string_view element;
    if (in.peek() != json_type::array || !in.enter_array()) {
        return false;
    }
    while (in.next_element()) {
        if (!in.skip(element)) {
            return false;
        }
        take(element);
    }
    return !in.failed() && in.at_end();
}

// Whether `part` is bytes of `whole` itself, not of a copy.
inline bool is_within(std::string_view whole, std::string_view part) {
    const std::less<> is_before;
    return !is_before(part.data(), whole.data())
           && !is_before(whole.data() + whole.size(), part.data() + part.size());
}

inline bool is_json_string(std::string_view raw) {
    return raw.size() >= 2 && raw.front() == '"';
}

inline bool is_json_object(std::string_view raw) {
    return !raw.empty() && raw.front() == '{';
}

inline bool is_json_list(std::string_view raw) {
    return !raw.empty() && raw.front() == '[';
}

// A value other than null.
inline bool is_given(std::string_view raw) {
    return !raw.empty() && raw != "null";
}

// The text between a raw string's quotes, still escaped; empty for anything else.
inline std::string_view string_body(std::string_view raw) {
    return is_json_string(raw) ? raw.substr(1, raw.size() - 2) : std::string_view{};
}

}  // namespace meta_model::api
