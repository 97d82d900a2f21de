// Requests, replies and events of the Messages API with what real ones have and what later ones may have.
#pragma once

#include "contract/anthropic_words.hpp"
#include "contract/raw_wire_words.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

using namespace std::string_literals;

// With white space, escapes and members that no table knows.
inline const auto request_rest =
    R"(, "max_tokens" : 99,"messages":[ {"role":"user","content":"caf\u00e9 \ud83d\ude00 \/"},)"
    R"({"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln+/="},)"
    R"({"type":"redacted_thinking","data":"AAEC"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1.50}}]},)"
    R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"new_kind","x":[1e400]}]}]}],)"
    R"("tools":[],"container":{"id":"c_1"},"mcp_servers":[{"url":"https://m"}], "unknown":{"z":123456789012345678901} )"s;

inline std::string streamed(const std::string& model) {
    return R"({"model":")" + model + R"(","stream":true)" + request_rest + "}";
}

inline const auto answer_bytes =
    R"({ "id":"msg_1","type":"message","role":"assistant","model":"claude-real",)"
    R"("content":[{"type":"thinking","thinking":"h\u00e9","signature":"c2ln+/="},)"
    R"({"type":"server_tool_use","id":"s1","name":"web_search","input":{"q":1.0}},{"type":"text","text":"hi"}],)"
    R"("stop_reason":"end_turn","stop_sequence":null,"context_management":{"x":[]},)"
    R"("usage":{"input_tokens":20,"cache_read_input_tokens":300,"cache_creation_input_tokens":80,"output_tokens":50}})"s;

inline const auto message_start = event_text(
    "message_start",
    R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-real",)"
    R"("content":[],"stop_reason":null,"usage":{"input_tokens":20,"cache_read_input_tokens":300,"output_tokens":1}}})"
);
inline const auto text_start = event_text(
    "content_block_start",
    R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
);
inline const auto hello = event_text(
    "content_block_delta",
    R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"h\u00e9llo"}})"
);
inline const auto message_delta = event_text(
    "message_delta",
    R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":50}})"
);
inline const auto message_stop = event_text("message_stop", R"({"type":"message_stop"})");
inline const auto upstream_error = event_text(
    "error", R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"
);

// A stream with what real ones have, and what later ones may have.
inline std::vector<std::string> all_events() {
    return {
        message_start,
        event_text("ping", R"({"type": "ping"})"),
        event_text(
            "content_block_start",
            R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})"
        ),
        event_text(
            "content_block_delta",
            R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})"
        ),
        event_text(
            "content_block_delta",
            R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln+/="}})"
        ),
        event_text("content_block_stop", R"({"type":"content_block_stop","index":0})"),
        ": a comment\n\n",
        event_text("new_kind", R"({"type":"new_kind","x":[1.50, 1e400]})"),
        text_start,
        hello,
        event_text("content_block_stop", R"({"type":"content_block_stop","index":0})"),
        message_delta,
        message_stop,
    };
}

// The one error event at the end of `body`, in the words of the wire.
inline json last_error(const std::string& body) {
    const auto at = body.rfind("event: error\ndata: ");
    if (at == std::string::npos) {
        ADD_FAILURE() << body;
        return {};
    }
    return json::parse(body.substr(at + 19));
}

class raw_messages : public anthropic_upstream {
protected:
    http_reply ask(const gateway_process& gateway, const std::string& body) {
        return post(gateway, messages_path, body);
    }

    std::string whole(const std::string& model = "a") {
        return R"({"model":")" + model + '"' + request_rest + "}";
    }
};

}  // namespace meta_model::contract
