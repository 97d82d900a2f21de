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

}  // namespace

std::size_t call_tracker::open(std::string_view index, std::string_view id) {
    if (calls_.size() == max_calls) {
        has_refused_call_ = true;
        return no_call;
    }
    calls_.push_back({std::string(index), std::string(id), {}});
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
        if (!id.empty()) {
            if (!call.id.empty()) {
                return open(index, id);  // another call under a reused index
            }
            call.id = id;
            return i;
        }
        const bool begins_another = !name.empty() && is_complete_json(call.arguments);
        return begins_another ? open(index, id) : i;
    }
    if (id.empty() && name.empty() && !calls_.empty()) {
        return calls_.size() - 1;  // the index changed in the middle of a call
    }
    return open(index, id);
}

}  // namespace meta_model::api
