#include "api/call_tracker.hpp"

#include "api/json_cursor.hpp"

#include <algorithm>

namespace meta_model::api {

namespace {

bool is_complete_json(std::string_view text) {
    json_cursor in(text, json_cursor::depth_limit);
    std::string_view raw;
    return in.peek() == json_type::object && in.skip(raw) && in.at_end();
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

// Every byte is looked at once: the whole is parsed where its last bracket closes, and never again.
void call_tracker::open_call::take(char c) {
    if (state != progress::open) {
        state = is_space(c) ? state : progress::broken;
        return;
    }
    arguments += c;
    if (is_in_string) {
        is_in_string = c != '"' || is_escaped;
        is_escaped = c == '\\' && !is_escaped;
    } else if (c == '"') {
        is_in_string = true;
    } else if (c == '{' || c == '[') {
        ++depth;
    } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
        state = is_complete_json(arguments) ? progress::whole : progress::broken;
        std::string().swap(arguments);
    }
}

void call_tracker::add_arguments(std::size_t call, std::string_view text) {
    for (const char c : text) {
        calls_[call].take(c);
    }
}

std::size_t call_tracker::open(std::string_view index, std::string_view id) {
    if (calls_.size() == max_calls) {
        has_refused_call_ = true;
        return no_call;
    }
    auto& call = calls_.emplace_back();
    call.index = index;
    call.id = id;
    return calls_.size() - 1;
}

std::size_t call_tracker::find(std::string_view index, std::string_view id, std::string_view name) {
    if (!id.empty()) {
        const auto same_id = std::ranges::find(calls_, id, &open_call::id);
        if (same_id != calls_.end()) {
            return static_cast<std::size_t>(same_id - calls_.begin());
        }
    }
    if (has_refused_call_) {
        return no_call;
    }
    // The latest call of the same index, or the latest of all when no index is given.
    for (auto i = calls_.size(); i-- > 0;) {
        auto& call = calls_[i];
        if (!index.empty() && call.index != index) {
            continue;
        }
        const bool begins_another = !name.empty() && call.state == progress::whole;
        if (begins_another || (!id.empty() && !call.id.empty())) {
            return open(index, id);  // under a reused index, or none
        }
        if (!id.empty()) {
            call.id = id;
        }
        return i;
    }
    if (id.empty() && name.empty() && !calls_.empty()) {
        return calls_.size() - 1;  // the index changed in the middle of a call
    }
    return open(index, id);
}

}  // namespace meta_model::api
