#include "contract/anthropic_words.hpp"

namespace meta_model::contract {

namespace {

// The start of a block and its deltas.
void add_block(std::vector<json>& events, const json& block, std::size_t index) {
    auto start = block;
    json deltas = json::array();
    const auto type = block.at("type").get<std::string>();
    if (type == "text") {
        start["text"] = "";
        const auto text = block.at("text").get<std::string>();
        const auto half = text.size() / 2;
        deltas.push_back({{"type", "text_delta"}, {"text", text.substr(0, half)}});
        deltas.push_back({{"type", "text_delta"}, {"text", text.substr(half)}});
    } else if (type == "thinking") {
        start["thinking"] = start["signature"] = "";
        deltas.push_back({{"type", "thinking_delta"}, {"thinking", block.at("thinking")}});
        deltas.push_back({{"type", "signature_delta"}, {"signature", block.at("signature")}});
    } else if (type == "tool_use") {
        start["input"] = json::object();
        const auto input = block.at("input").dump();
        deltas.push_back({{"type", "input_json_delta"}, {"partial_json", ""}});
        deltas.push_back({{"type", "input_json_delta"}, {"partial_json", input.substr(0, 3)}});
        deltas.push_back(
            {{"type", "input_json_delta"},
             {"partial_json", input.substr(std::min<std::size_t>(3, input.size()))}}
        );
    }
    events.push_back({{"type", "content_block_start"}, {"index", index}, {"content_block", start}});
    for (const auto& delta : deltas) {
        events.push_back({{"type", "content_block_delta"}, {"index", index}, {"delta", delta}});
    }
    events.push_back({{"type", "content_block_stop"}, {"index", index}});
}

json message_of(const anthropic_message& what) {
    return {
        {"id", "msg_1"},
        {"type", "message"},
        {"role", "assistant"},
        {"model", "claude-real"},
        {"content", what.content},
        {"stop_reason", what.stop_reason},
        {"stop_details", what.stop_details},
        {"stop_sequence", nullptr},
        {"usage", what.usage},
    };
}

}  // namespace

json text_block(const std::string& text) {
    return {{"type", "text"}, {"text", text}};
}

json tool_use(const std::string& id, const std::string& name, const json& input) {
    return {{"type", "tool_use"}, {"id", id}, {"name", name}, {"input", input}};
}

std::vector<json> events_of(const anthropic_message& what) {
    auto begun = message_of(what);
    begun["content"] = json::array();
    begun["stop_reason"] = nullptr;
    begun["usage"]["output_tokens"] = 1;
    std::vector<json> events{{{"type", "message_start"}, {"message", begun}}, {{"type", "ping"}}};
    for (std::size_t i = 0; i < what.content.size(); ++i) {
        add_block(events, what.content[i], i);
    }
    json usage = {{"output_tokens", what.usage.at("output_tokens")}};
    if (what.usage.contains("output_tokens_details")) {
        usage["output_tokens_details"] = what.usage["output_tokens_details"];
    }
    events.push_back(
        {{"type", "message_delta"},
         {"delta", {{"stop_reason", what.stop_reason}, {"stop_details", what.stop_details}}},
         {"usage", usage}}
    );
    events.push_back({{"type", "message_stop"}});
    return events;
}

reply anthropic_events(const std::vector<json>& events) {
    std::string body;
    for (const auto& e : events) {
        body += "event: " + e.at("type").get<std::string>() + "\ndata: " + e.dump() + "\n\n";
    }
    return text_reply(200, "text/event-stream; charset=utf-8", body);
}

reply anthropic_answer(anthropic_message what) {
    return [what = std::move(what)](const recorded_request& request) {
        return request.wants_stream() ? anthropic_events(events_of(what))(request)
                                      : json_reply(200, message_of(what))(request);
    };
}

reply anthropic_text(const std::string& text) {
    return anthropic_answer({.content = json::array({text_block(text)})});
}

reply anthropic_error(
    int status, const std::string& type, const std::string& message, header_list headers
) {
    return json_reply(
        status,
        {{"type", "error"},
         {"error", {{"type", type}, {"message", message}}},
         {"request_id", "req_1"}},
        std::move(headers)
    );
}

json call_of(const std::string& id, const std::string& name, const std::string& arguments) {
    return {
        {"id", id},
        {"type", "function"},
        {"function", {{"name", name}, {"arguments", arguments}}},
    };
}

json weather_tool() {
    return {
        {"type", "function"},
        {"function",
         {{"name", "weather"},
          {"description", "now"},
          {"parameters", {{"type", "object"}, {"properties", {{"at", {{"type", "string"}}}}}}}}}
    };
}

json ask(const json& messages, const json& more) {
    return with({{"model", "a"}, {"messages", messages}}, more);
}

}  // namespace meta_model::contract
