// Replies to a Messages request: chat completions as messages, and the events of a chat stream as those of a Messages stream.
// There the blocks of an answer follow each other, so that what a chat stream tells side by side (calls in parallel) is held
// until its turn has come.
#pragma once

#include "api/argument_scan.hpp"
#include "api/call_tracker.hpp"
#include "api/messages_reply.hpp"
#include "api/reply_translator.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

class messages_translator final : public reply_translator {
public:
    // A stream that needs more ends with an error.
    static constexpr std::size_t max_held_bytes = 8u << 20;  // of blocks whose turn has not come
    static constexpr std::size_t max_blocks = 1024;          // of an answer

    // `request_id`: for errors.
    explicit messages_translator(std::string_view request_id) : request_id_(request_id) {}

    std::string whole(std::string_view chat_completion) override {
        return message_of_chat(chat_completion);
    }
    std::string error(int status, std::string_view body) override;
    void take_event(std::string_view event, std::string& out) override;
    void end(std::string& out) override;

private:
    enum class block_kind { text, thinking, redacted, tool };

    struct block {
        block_kind kind{};
        int key = 0;  // a call's position
        bool is_open = false;
        bool is_whole = false;    // nothing can be added
        std::string id{};         // raw, of a call
        std::string name{};       // raw
        std::string text{};       // escaped, not yet told; of a redacted one: its JSON text
        std::string signature{};  // escaped
        argument_scan arguments{};
    };

    struct delta_members;

    void take_chunk(std::string_view data);
    void take_choice(std::string_view choice);
    void take_delta(std::string_view delta);
    void take_thinking_blocks(std::string_view list, bool has_reasoning);
    void take_call(std::string_view call);
    void take_error(std::string_view data);
    void take_extension(std::string_view extension, bool is_beside_choices);

    void begin(std::string_view id, std::string_view model);
    void add(block_kind kind, int key, std::string_view escaped);
    block* find(block_kind kind, int key);
    block* push(block_kind kind, int key);
    bool can_close(const block& b) const;
    void advance();
    void open(block& b);
    void tell(block& b, std::string_view escaped);
    void close(const block& b);
    void finish();
    void fail(std::string_view type, std::string_view message);

    void append_delta(std::string_view type, std::string_view key, std::string_view escaped);

    std::string* out_ = nullptr;  // during take_event() and end()
    std::string request_id_;
    std::string joined_;         // of an event whose data stands on several lines
    std::vector<block> blocks_;  // the first may be open, the others wait
    call_tracker calls_;
    std::vector<int> closed_calls_;
    std::string thought_;       // escaped; of the open block of thinking
    std::string last_thought_;  // escaped; of the newest delta of reasoning
    std::size_t held_bytes_ = 0;
    int next_index_ = 0;
    message_usage usage_;
    std::string finish_reason_;  // raw
    std::string stopped_by_;     // raw
    std::string extension_;      // JSON text
    bool has_begun_ = false;
    bool has_calls_ = false;
    bool is_over_ = false;
};

}  // namespace meta_model::api
