#include "upstream/affinity.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace meta_model::upstream {

namespace {

constexpr std::size_t most_hashed_bytes = 16 * 1024;

// Of a wire of its own: what every turn of a conversation repeats in front of the first one.
std::string_view first_words(const api::chat_request& request) {
    const auto* const member = request.find(request.shape().prompt.front());
    if (member == nullptr || member->type != api::json_type::array) {
        return member != nullptr ? member->value : std::string_view();
    }
    std::string_view first;
    api::json_cursor in(member->value, api::json_cursor::depth_limit);
    in.enter_array();
    if (in.next_element()) {
        in.skip(first);
    }
    return first;
}

std::string_view first_turn(const api::chat_request& request) {
    if (!request.is_chat()) {
        return first_words(request);
    }
    const auto& messages = request.messages();
    const auto user = std::ranges::find(messages, api::role::user, &api::request_message::role);
    if (user == messages.end()) {
        return messages.empty() ? std::string_view() : messages.front().raw;
    }
    const auto* const begin = messages.front().raw.data();
    return {begin, static_cast<std::size_t>(user->raw.data() + user->raw.size() - begin)};
}

}  // namespace

std::uint64_t affinity_of(const api::chat_request& request) {
    std::string_view shared;
    for (const auto* key : {"prompt_cache_key", "user"}) {
        const auto* member = request.find(key);
        if (member != nullptr && member->type == api::json_type::string
            && member->value.size() > 2) {
            shared = member->value;
            break;
        }
    }
    if (shared.empty()) {
        shared = first_turn(request).substr(0, most_hashed_bytes);
    }
    return std::max<std::uint64_t>(1, std::hash<std::string_view>{}(shared));
}

}  // namespace meta_model::upstream
