#include "api/messages_wishes.hpp"

#include "api/json_walk.hpp"

namespace meta_model::api {

messages_wishes read_wishes(std::string_view raw) {
    messages_wishes out;
    const auto thinking = find_member(raw, "thinking");
    const auto type = find_member(thinking, "type");
    std::int64_t budget = 0;
    if (is_json_string(type)) {
        out.thinking = thinking;
        out.mode = is_string(type, "disabled") ? thinking_mode::off : thinking_mode::adaptive;
    }
    if (is_string(type, "enabled") && to_int64(find_member(thinking, "budget_tokens"), budget)) {
        out.mode = thinking_mode::enabled;
        out.budget_tokens = budget;
    }
    out.effort = string_body(find_member(raw, "effort"));
    const auto metadata = find_member(raw, "metadata");
    out.metadata = is_json_object(metadata) ? metadata : std::string_view{};
    return out;
}

}  // namespace meta_model::api
