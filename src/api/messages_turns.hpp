// The `messages` of a chat request, written from the `system` text and the turns of a Messages request. The inverse of
// anthropic_turns where both apply: blocks of thinking, ids and inputs of calls, texts and cache marks are carried byte for byte.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

class messages_turns {
public:
    // Writes into `out`, which stands behind the `[` of the chat's messages.
    explicit messages_turns(std::string& out) : out_(out), begin_(out.size()) {}

    // The raw value of `system`: a string, a list of text blocks or null.
    void add_system(std::string_view raw);

    // The raw value of `messages`.
    void add_messages(std::string_view raw);

    // The first value that is not what the wire allows (400), named as in "messages.0.content.1.type"; what was written is
    // then of no use.
    const base::maybe_error& fault() const { return fault_; }

private:
    // The raw values of a block; empty where absent.
    struct block {
        std::string_view raw{};
        std::string_view type{};
        std::string_view text{};
        std::string_view cache{};
        std::string_view citations{};
        std::string_view source{};
        std::string_view id{};
        std::string_view name{};
        std::string_view input{};
        std::string_view tool_use_id{};
        std::string_view content{};
        std::string_view is_error{};
        std::string_view thinking{};
        std::string_view signature{};
        std::string_view data{};
    };

    struct text_part {
        std::string_view text{};  // escaped
        std::string_view cache{};
    };

    // What becomes one assistant message.
    struct spoken {
        std::vector<text_part> texts{};
        std::string signed_text{};    // of thinking, escaped
        std::string unsigned_text{};  // the same of what carries no signature
        std::string blocks{};         // of thinking, as they came
        std::string calls{};
        bool is_empty() const {
            return texts.empty() && signed_text.empty() && unsigned_text.empty() && blocks.empty()
                   && calls.empty();
        }
    };

    bool fail(std::string_view field, std::string_view what, base::error_code_id id);
    bool fail(std::string_view field, std::string_view what) {
        return fail(field, what, base::error_code_id::shape);
    }
    bool refuse_block(std::string_view type);
    bool expect_string(std::string_view value, std::string_view field);
    bool read_block(std::string_view raw, block& b);

    void add_message(std::string_view raw);
    void add_user(std::string_view content);
    void add_assistant(std::string_view content);
    void add_system_message(std::string_view content);
    bool take_user_block(const block& b);
    bool take_assistant_block(const block& b);
    bool take_thinking(const block& b);
    bool take_call(const block& b);
    bool append_result(const block& b);
    bool append_result_content(const block& b);
    bool append_image(std::string& out, const block& b);
    void flush_parts();
    void flush_spoken();
    void begin_message(std::string_view role);
    static void append_cache(std::string& out, std::string_view cache);
    static void append_text_part(
        std::string& out, std::string_view escaped, std::string_view cache
    );

    std::string& out_;
    std::size_t begin_;
    base::maybe_error fault_;
    // Where the walk is, for the names of fields.
    std::string_view base_ = "messages";
    std::ptrdiff_t message_ = -1;
    std::ptrdiff_t block_ = -1;
    std::ptrdiff_t inner_ = -1;

    std::string parts_;  // of the user message in progress
    std::size_t part_count_ = 0;
    std::string_view only_text_{};  // escaped; of the part, while it is the only one and plain
    spoken spoken_;
};

}  // namespace meta_model::api
