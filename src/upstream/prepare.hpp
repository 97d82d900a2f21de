// What goes to an upstream: the client's own bytes with the edits that the upstream's configuration and the strategy
// ask for (spec §7.5, §7.6).
#pragma once

#include "api/chat_request.hpp"
#include "api/span_edits.hpp"
#include "config/config.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::upstream {

// Messages of a conversation that were left out, cut or put in so that it fits a window.
struct message_edits {
    struct edit {
        std::size_t begin = 0;  // of the body
        std::size_t end = 0;
        std::string text{};
    };
    std::vector<edit> edits{};    // without overlap; insertions at one place in order
    std::vector<bool> removed{};  // by the position of a message
    // A message was put in before the one of this position; npos: none was.
    std::size_t put_before = std::string_view::npos;
};

// Changes of a strategy. They come before the upstream's own, which therefore win.
struct body_changes {
    struct member {
        std::string_view key;
        std::optional<std::string> value;  // JSON text; absent: the member is removed
    };
    std::vector<member> members{};
    std::string leading_message{};   // one JSON object put in front of `messages`; empty: none
    std::string trailing_message{};  // one put behind them
    std::shared_ptr<const message_edits> messages{};  // null: they stay as they are
    std::string refusal{};  // why the call must not be made: nothing that it could be given fits
};

// Takes away what lets a model call tools.
void remove_tools(body_changes& changes);

// Keeps the replacements alive that its pieces view. Neither copied nor moved.
class prepared_body {
public:
    prepared_body() = default;
    prepared_body(const prepared_body&) = delete;
    prepared_body& operator=(const prepared_body&) = delete;

    // `request`, `upstream` and `changes` must outlive the pieces. Of a request that is no chat are changed only the model,
    // what drop_params and request_overrides name (of a Messages request none of a chat's), and members and edits of `changes`.
    void prepare(
        const api::chat_request& request,
        const config::upstream& upstream,
        const body_changes& changes
    );

    const api::pieces& pieces() const { return pieces_; }

    // For call_options::affinity; 0 unless the upstream balances by it.
    std::uint64_t affinity() const { return affinity_; }

private:
    std::string model_;   // JSON text
    std::string effort_;  // JSON text
    std::string choice_;  // JSON text
    api::span_edits edits_;
    api::pieces pieces_;
    std::uint64_t affinity_ = 0;
};

}  // namespace meta_model::upstream
