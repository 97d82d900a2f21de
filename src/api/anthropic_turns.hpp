// The `messages` and the `system` text of a Messages request, written from the messages of a chat request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

class anthropic_turns {
public:
    // Writes into `out`, which stands behind the `[` of the list of turns.
    explicit anthropic_turns(std::string& out) : out_(out) {}

    // One element of a chat request's `messages`. Values of a wrong type count as absent.
    void add(std::string_view message);

    // A system text of our own.
    void add_system(std::string text);

    // No more messages. A conversation of system texts only becomes one user turn. `marks_end`: what was written so far is
    // marked as the beginning of the next request.
    void close(bool marks_end);

    // Appends `,"system":…`, nothing when there is none: one string, or blocks where a part carries or gets a cache mark.
    void append_system(bool is_marked);

    // The last assistant turn asks for tools and does not begin with its thinking: with a thinking budget the API refuses
    // such a conversation.
    bool misses_thinking() const { return has_open_calls_ && !begins_with_thinking_; }

private:
    enum class turn { none, user, assistant };

    struct system_text {
        std::string_view text{};   // escaped
        std::string_view cache{};  // raw cache_control
        std::string own{};         // escaped; in place of `text`
        std::string_view escaped() const { return own.empty() ? text : std::string_view(own); }
    };

    void begin_block(turn role);
    void add_text(turn role, std::string_view escaped, std::string_view cache = {});
    void add_content(turn role, std::string_view content);
    void add_part(turn role, std::string_view part);
    bool append_media(std::string_view part);
    void add_system_content(std::string_view content);
    void add_thinking(std::string_view blocks);
    void add_calls(std::string_view calls);
    void add_result(std::string_view id, std::string_view content, std::string_view cache);
    void append_result_content(std::string_view content);

    std::string& out_;
    std::vector<system_text> system_;
    turn current_ = turn::none;
    bool can_mark_ = false;              // the last block may carry a cache mark
    bool has_open_calls_ = false;        // of the last assistant turn
    bool begins_with_thinking_ = false;  // the last assistant turn
};

}  // namespace meta_model::api
