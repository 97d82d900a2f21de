// What upstreams with protocol = "test" answer: OpenAI wire bytes, the same for the same model, messages and seed.
// No I/O, no clock; pace and faults are the transport's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meta_model::upstream {

struct test_request {
    std::string_view key{};       // of the upstream; chooses the voice
    std::string_view model_id{};  // chooses it when the key is none of the demo's
    std::string_view body{};      // the chat request as it goes to the upstream
    std::int64_t created = 0;     // Unix time, for `created`
};

struct test_reply {
    int status = 200;  // 400 when the body is no chat request
    bool is_stream = false;
    std::string body{};  // JSON, unless it is a stream
    std::vector<std::string> events{
    };  // of a stream: whole `data: …` events, a word each, with `data: [DONE]`
};

// Plain text in the voice of the model; a tool call where tools are offered and the voice is `demo-tools`, or where
// `tool_choice` asks for one; JSON where `response_format` asks for it; a fused answer to the gateway's synthesis task.
// Honours n, max_tokens, max_completion_tokens, parallel_tool_calls and stream_options.include_usage.
test_reply make_test_reply(const test_request& request);

// The JSON body of fail = "status".
std::string test_error_body(std::string_view key, int status);

// The JSON body of GET /models.
std::string test_models_body(std::string_view model_id);

}  // namespace meta_model::upstream
