// Collects the events of one answer into a draft.
#pragma once

#include "api/answer_event.hpp"
#include "api/chat_reasoning.hpp"
#include "api/tool_index_map.hpp"

#include <optional>

namespace meta_model::api {

class draft_builder final : public answer_listener {
public:
    struct options {
        std::size_t max_bytes =
            64u << 20;  // of text, arguments and names together; beyond it nothing is collected
    };

    draft_builder() = default;
    explicit draft_builder(const options& opts) : options_(opts) {}

    void on_event(const answer_event& event) override;

    // True when something did not fit; the draft then holds what came before.
    bool is_too_large() const { return is_too_large_; }
    bool is_finished() const { return is_finished_; }
    const std::optional<base::error>& failure() const { return failure_; }

    // Gives the text back and keeps no more of it: calls, finish and usage are still told, and how much text there was.
    void forget_text();
    std::size_t content_bytes() const { return content_bytes_; }

    // Without the lists that seal what was thought: they may still be in pieces.
    const draft& current() const { return draft_; }
    draft take();

private:
    void on_text(std::string_view text);
    void on_tool_call(const answer_event& event);
    void on_function(const answer_event& event);
    bool fits(std::size_t bytes);
    void append(std::string& to, std::string_view text);
    void append_list(object_pieces& to, std::string_view list);

    options options_{};
    draft draft_{};
    tool_index_map indices_{};
    object_pieces thinking_{};
    object_pieces details_{};
    std::size_t list_bytes_ = 0;
    bool are_lists_lost_ = false;
    std::size_t bytes_ = 0;
    std::size_t content_bytes_ = 0;
    bool keeps_text_ = true;
    bool is_too_large_ = false;
    bool is_finished_ = false;
    std::optional<base::error> failure_{};
};

}  // namespace meta_model::api
