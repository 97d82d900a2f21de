// The response object of /v1/responses, written from a chat completion and from what its request said (spec §7.2.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meta_model::api {

enum class response_status : std::uint8_t {
    queued,
    in_progress,
    completed,
    incomplete,
    failed,
    cancelled
};

std::string_view to_string(response_status status);

// What a response object says from its beginning on. It owns what it holds.
struct response_facts {
    std::string id{};                    // "resp_" and 24 hexadecimal digits
    std::int64_t created_at = 0;         // Unix time
    std::string model{};                 // as requested; a reply's own takes its place
    bool is_stored = false;              // `store` of the object: whether it can be asked for later
    bool is_background = false;          // starts as `queued`
    std::string conversation_id{};       // empty: null
    std::string previous_response_id{};  // empty: null
    // Members that are repeated from the request, as `"name":value` and a comma in front of each; those that the request
    // did not give have OpenAI's defaults.
    std::string echo{};
    std::string service_tier{};  // raw JSON; a reply's own takes its place
    bool wants_summary = false;  // reasoning.summary: reasoning is told as a summary
};

// Why a response failed; `code` and `message` are text, not JSON.
struct response_failure {
    std::string code{};
    std::string message{};
};

// Is told what a client is told, before the client is. Called on the thread that serves the request.
class response_listener {
public:
    virtual ~response_listener() = default;

    // One whole event of the stream, its blank line included. `sequence` is its sequence_number: 1, 2, 3, … Heartbeats are
    // not events.
    virtual void on_event(std::uint64_t /*sequence*/, std::string_view /*event_bytes*/) {}

    // The final response object, on one line, whatever its status. Told before the event that carries it, and before a
    // whole reply is sent. At most once; not at all when the reply was cut by its client.
    virtual void on_final(response_status /*status*/, std::string_view /*response_json*/) {}
};

// Appends the response object without any output: what a stream begins with, and what a reader of a response is shown that
// has not ended. `failure`: with status `failed`, else null.
void append_response_snapshot(
    std::string& out,
    const response_facts& facts,
    response_status status,
    const response_failure* failure = nullptr
);

// The response object for a whole chat completion, on one line; empty when `chat_completion` is none.
std::string response_of_chat(
    std::string_view chat_completion, const response_facts& facts, response_status& status
);

}  // namespace meta_model::api
