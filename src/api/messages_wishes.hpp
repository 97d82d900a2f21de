// What only servers of the Messages API understand of what its client asks for, carried within a chat request.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace meta_model::api {

// A member of the chat request, {"thinking"?,"metadata"?,"effort"?} with the client's own values. No other upstream is sent it.
inline constexpr std::string_view messages_wishes_member = "x_meta_messages";

enum class thinking_mode { off, adaptive, enabled };

// Views the member's text.
struct messages_wishes {
    std::string_view thinking{};              // raw; empty: the client said nothing of it
    thinking_mode mode = thinking_mode::off;  // that `thinking` stands for
    std::optional<std::int64_t> budget_tokens{};
    std::string_view effort{};    // escaped
    std::string_view metadata{};  // raw
};

// `raw`: the member's value; empty where there is none.
messages_wishes read_wishes(std::string_view raw);

}  // namespace meta_model::api
