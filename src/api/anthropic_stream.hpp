// A stream of Anthropic's Messages API as the events of a chat stream: SSE bytes in, in any split, SSE bytes out. What the
// chat wire has no word for (pings, server tools, unknown events and blocks) is skipped.
#pragma once

#include "api/anthropic_reply.hpp"
#include "api/message.hpp"
#include "api/sse_events.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

class anthropic_stream {
public:
    static constexpr std::size_t max_event_bytes = event_splitter::default_max_event_bytes;
    static constexpr std::size_t max_blocks = 1024;
    static constexpr std::size_t max_calls = 128;

    // `model`: for a stream that does not name its own. `created`: Unix time. `wants_usage`: the client asked for a chunk
    // with the token counts.
    anthropic_stream(
        std::string_view model,
        std::int64_t created,
        bool wants_usage,
        thinking_telling telling = thinking_telling::in_one
    );

    // Appends what can be told by now to `out`. False: an event is larger than max_event_bytes.
    bool feed(std::string_view bytes, std::string& out);

    bool has_begun() const { return has_begun_; }      // a block began, whatever is in it
    bool has_finished() const { return has_finish_; }  // a stop_reason came

    // Counts so far; is_told once its end named them.
    const messages_usage& usage() const { return usage_; }

private:
    enum class block_kind { text, thinking, tool, other };

    struct block {
        std::string index{};  // raw
        block_kind kind = block_kind::other;
        int call = 0;  // position among the calls
        bool has_arguments = false;
        std::string thinking{};   // escaped
        std::string signature{};  // escaped
        std::string own{};        // JSON text of a redacted one
    };

    struct event_fields {
        std::string_view type{};
        std::string_view index{};
        std::string_view message{};
        std::string_view content_block{};
        std::string_view delta{};
        std::string_view usage{};
        std::string_view error{};
    };

    void take_event(std::string_view event);
    void take_fields(const event_fields& e, std::string_view data);
    void begin_block(const event_fields& e);
    void take_delta(const event_fields& e);
    void end_block(const event_fields& e);
    void take_message_delta(const event_fields& e);
    void name_answer(std::string_view id, std::string_view model);
    block* find_block(std::string_view index);
    void keep_thinking(std::string& into, std::string_view escaped);
    static void append_thinking(std::string& list, const block& b);
    void add_call(block& b, std::string_view content_block);
    void add_arguments(block& b, std::string_view escaped);
    void add_input(block& b, std::string_view input);
    void add_string(std::string_view key, std::string_view escaped);
    void tell_thinking(std::span<block> blocks);
    void open(bool is_text);
    void close_chunk();

    std::string* out_ = nullptr;  // during feed()
    std::string default_model_;
    std::int64_t created_;
    bool wants_usage_;
    thinking_telling telling_;
    std::string head_;  // of a chunk, up to its delta
    event_splitter events_;
    std::string joined_;
    std::vector<block> blocks_;
    messages_usage usage_;
    std::size_t thinking_bytes_ = 0;
    int call_count_ = 0;
    bool is_thinking_lost_ = false;  // more than is kept: none is told
    bool is_open_ = false;           // the role was told
    bool has_begun_ = false;
    bool has_finish_ = false;
    bool is_over_ = false;  // it ended, or failed
};

}  // namespace meta_model::api
