// What a response holds while it is made: its output items, and the object around them (spec §7.2.3).
#pragma once

#include "api/chat_reasoning.hpp"
#include "api/responses_reply.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

enum class output_kind : std::uint8_t { reasoning, message, function_call, custom_call };

// Texts are escaped, as they came.
struct output_part {
    bool is_refusal = false;
    std::string text{};
    std::string logprobs{};     // elements of the list
    std::string annotations{};  // elements of the list
    std::size_t annotation_count = 0;
};

struct output_item {
    output_kind kind{};
    std::string id{};
    bool is_done = false;
    std::vector<output_part> parts{};  // of a message
    chat_reasoning reasoning{};        // of a reasoning item
    std::string text{};                // shown reasoning, or arguments, or input
    std::string call_id{};             // raw JSON
    std::string name{};                // raw JSON
    std::string details{};             // of a call: its further members, `,"name":value` each
};

// A further member of a chat's call, such as a signature of the thoughts behind it (`extra_content`): appended, on one line,
// as the item of the call has it, and as the call has it again. Not what a call or an item says in its own members, nor
// what is too large to be kept.
void append_call_detail(std::string& details, std::string_view key, std::string_view value);

output_item make_item(output_kind kind);

enum class item_state : std::uint8_t { in_progress, completed, incomplete };

// `in_progress`: as it is announced, before anything of it came.
void append_item(
    std::string& out, const output_item& item, item_state state, const response_facts& facts
);

// A part of a message, as it is announced or, with its texts, as it is.
void append_empty_part(std::string& out, const output_part& part);
void append_part(std::string& out, const output_part& part);

// The elements of a chat message's `annotations`, as this wire has them.
void append_annotation(std::string& out, std::string_view chat_annotation);

// What is known of a response besides its output. Raw JSON where not said otherwise; empty: unknown.
struct response_ending {
    response_status status{};
    std::string model{};
    std::string service_tier{};
    std::string usage{};          // a chat's
    std::string extension{};      // x_meta_model
    std::string finish_reason{};  // why it is incomplete
    const response_failure* failure = nullptr;
};

// The status that a chat's raw finish_reason stands for.
response_status status_of_finish(std::string_view raw);

// Why it failed, where a finish_reason is all that is known.
response_failure failure_of_finish();

// Appends the response object, on one line.
void append_response(
    std::string& out,
    const response_facts& facts,
    const response_ending& ending,
    std::span<const output_item> items
);

}  // namespace meta_model::api
