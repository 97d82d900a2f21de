// The input items of a request to /v1/responses as the messages of a chat (spec §7.2.2).
#pragma once

#include "api/chat_reasoning.hpp"
#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

class response_history;

// Everything that one assistant turn said, its reasoning, text and calls, becomes one message: servers want the calls of
// a turn together, and what they said themselves as they said it.
class response_items {
public:
    // Writes into `out`, which stands behind the `[` of the messages. `history` outlives it.
    response_items(std::string& out, const response_history& history)
        : out_(out), history_(history), begin_(out.size()) {}

    // The next item, raw JSON, which must stay where it is until close(). `place` names it in errors.
    base::result<void> add(std::string_view item, std::string place);

    // A leading system text, a raw JSON string.
    void add_system(std::string_view raw);

    // No more items.
    base::result<void> close();

    bool is_empty() const { return out_.size() == begin_; }

private:
    struct item_fields;

    struct said {
        std::string_view content{};  // raw
        std::string place{};
        std::string members{};  // of the message, `,"name":value` each
    };

    struct call {
        std::string_view id{};    // raw
        std::string_view name{};  // raw
        std::string_view text{};  // raw arguments or input
        bool is_custom = false;
        std::string details{};  // further members of the chat's call, `,"name":value` each
    };

    base::result<void> add_message(const item_fields& f, const std::string& place);
    base::result<void> add_call(const item_fields& f, const std::string& place, bool is_custom);
    base::result<void> add_output(const item_fields& f, const std::string& place);
    base::result<void> add_reference(const item_fields& f, const std::string& place);
    base::result<void> add_reasoning(const item_fields& f, const std::string& place);

    enum class next_speaker { assistant, other };

    void begin_message(std::string_view role);
    base::result<void> end_turn(next_speaker next);
    base::result<void> append_said();
    void put_thought_before(std::size_t content);
    void append_calls();

    std::string& out_;
    const response_history& history_;
    std::size_t begin_;
    bool is_referred_ = false;  // inside an item that another one refers to
    std::size_t referred_bytes_ = 0;

    // The assistant turn that is being gathered.
    std::vector<said> said_{};
    std::vector<call> calls_{};
    chat_reasoning reasoning_{};
    chat_reasoning next_reasoning_{
    };  // came behind a text: of this turn if that ends here, else of the next
};

}  // namespace meta_model::api
