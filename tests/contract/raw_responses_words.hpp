// Requests, replies and events of the Responses API with what real ones have and what later ones may have.
#pragma once

#include "contract/raw_wire_words.hpp"

#include <string>
#include <vector>

namespace meta_model::contract {

// The Messages API has its own under the same names.
namespace raw_response_words {

using namespace std::string_literals;

inline const auto request_rest =
    R"(, "input":[ {"role":"user","content":"caf\u00e9 \/"},{"type":"reasoning","id":"rs_1","encrypted_content":"AA+/","summary":[]},)"
    R"({"type":"new_item","x":[1.50,1e400]}],"tools":[],"include":["reasoning.encrypted_content"],"previous_response_id":"resp_0","store":true,"background":false,"conversation":{"id":"conv_1"}, "unknown":{"z":123456789012345678901} )"s;

inline const auto answer_bytes =
    R"({ "id":"resp_1","object":"response","created_at":1,"status":"completed","model":"gpt-real",)"
    R"("output":[{"type":"reasoning","id":"rs_2","encrypted_content":"AA"},{"type":"new_item","x":1.50},)"
    R"({"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"h\u00e9","annotations":[]}]}],)"
    R"("usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":130},"error":null})"s;

inline std::string lifecycle(const std::string& name, int sequence, const std::string& more = "") {
    return event_text(
        "response." + name,
        R"({"type":"response.)" + name + R"(","sequence_number":)" + std::to_string(sequence)
            + R"(,"response":{"id":"resp_1","object":"response","model":"gpt-real","output":[])"
            + more + "}}"
    );
}

inline std::string text_delta(int sequence) {
    return event_text(
        "response.output_text.delta",
        R"({"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"h\u00e9","sequence_number":)"
            + std::to_string(sequence) + R"(,"obfuscation":"xyz"})"
    );
}

inline const auto usage =
    R"(,"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":30,"total_tokens":130})"s;

inline std::vector<std::string> all_events(const std::string& end = "completed") {
    return {
        lifecycle("created", 0),
        lifecycle("in_progress", 1),
        event_text(
            "response.output_item.added",
            R"({"type":"response.output_item.added","output_index":0,"item":{"type":"new_item","x":1.50},"sequence_number":2})"
        ),
        ": a comment\n\n",
        event_text(
            "response.new_kind", R"({"type":"response.new_kind","sequence_number":3,"x":[1e400]})"
        ),
        text_delta(4),
        lifecycle(end, 5, usage),
    };
}

inline json last_error(const std::string& body) {
    const auto at = body.rfind("event: error\ndata: ");
    if (at == std::string::npos) {
        ADD_FAILURE() << body;
        return {};
    }
    return json::parse(body.substr(at + 19));
}

class raw_responses : public testing::Test {
protected:
    fake_upstream models{};

    config_text config(const std::string& lines = "") {
        config_text out(models);
        out.upstream("a", "api_key = \"sk-1\"\nwire = \"responses\"\n" + lines);
        return out;
    }

    http_reply ask(const gateway_process& gateway, const std::string& body) {
        return post(gateway, responses_path, body);
    }

    std::string whole(const std::string& model = "a") {
        return R"({"model":")" + model + '"' + request_rest + "}";
    }
    std::string streamed(const std::string& model = "a") {
        return R"({"model":")" + model + R"(","stream":true)" + request_rest + "}";
    }

    void SetUp() override { models.on("a", text_reply(200, "application/json", answer_bytes)); }
};

}  // namespace raw_response_words

}  // namespace meta_model::contract
