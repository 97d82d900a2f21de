// Clients of the chat wire and of Responses over several turns with an Anthropic upstream that thinks and calls: what it
// thought comes back to it byte for byte.
#include "contract/anthropic_words.hpp"
#include "contract/responses_words.hpp"

#include <algorithm>

namespace meta_model::contract {

namespace {

// A turn as the upstream writes it, whose JSON is escaped in its own way.
struct thinking_turn {
    std::string id;
    std::string said{};  // empty: it calls without a word

    std::string thought() const { return R"(caf\u00e9 \/ \u2028\ud83d\ude00 \"hm\"\n of )" + id; }
    std::string signature() const { return R"(c2ln+\/)" + id + "="; }
    std::string thinking() const {
        return R"({"type":"thinking","thinking":")" + thought() + R"(","signature":")" + signature()
               + "\"}";
    }
    std::string redacted() const {
        return R"({"type":"redacted_thinking","data":"RXRl+\/)" + id + "\"}";
    }
    std::string seals() const { return thinking() + "," + redacted(); }
    std::string input() const { return R"({"at": "K\u00f6ln"})"; }
    // The list of its blocks.
    std::string content() const {
        const auto text = said.empty() ? "" : R"({"type":"text","text":")" + said + "\"},";
        return "[" + seals() + "," + text + R"({"type":"tool_use","id":")" + id
               + R"(","name":"weather","input":)" + input() + "}]";
    }
};

const std::vector<thinking_turn> turns{{"toolu_1", "let me see"}, {"toolu_2"}, {"toolu_3", "so"}};

std::string event_bytes(const std::string& type, const std::string& rest) {
    return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + rest + "}\n\n";
}

// Events of the next block, which begins as `start` and goes on with these deltas.
class block_writer {
public:
    void add(const std::string& start, const std::vector<std::string>& deltas = {}) {
        const auto at = R"(,"index":)" + std::to_string(count_++);
        bytes += event_bytes("content_block_start", at + R"(,"content_block":)" + start);
        for (const auto& delta : deltas) {
            bytes += event_bytes("content_block_delta", at + R"(,"delta":)" + delta);
        }
        bytes += event_bytes("content_block_stop", at);
    }
    std::string bytes{};

private:
    int count_ = 0;
};

std::string message_with(const std::string& content, const std::string& stop_reason) {
    return R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-real","content":)"
           + content + R"(,"stop_reason":)" + stop_reason
           + R"(,"stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":7}})";
}

std::string events_of(const thinking_turn& turn) {
    const auto thought = turn.thought();
    const auto half = thought.find(' ');
    block_writer blocks;
    blocks.add(
        R"({"type":"thinking","thinking":"","signature":""})",
        {R"({"type":"thinking_delta","thinking":")" + thought.substr(0, half) + "\"}",
         R"({"type":"thinking_delta","thinking":")" + thought.substr(half) + "\"}",
         R"({"type":"signature_delta","signature":")" + turn.signature() + "\"}"}
    );
    blocks.add(turn.redacted());
    if (!turn.said.empty()) {
        blocks.add(
            R"({"type":"text","text":""})", {R"({"type":"text_delta","text":")" + turn.said + "\"}"}
        );
    }
    const auto escaped = json(turn.input()).dump();  // with quotes
    blocks.add(
        R"({"type":"tool_use","id":")" + turn.id + R"(","name":"weather","input":{}})",
        {R"({"type":"input_json_delta","partial_json":)" + escaped.substr(0, 4) + "\"}",
         R"({"type":"input_json_delta","partial_json":")" + escaped.substr(4) + "}"}
    );
    return event_bytes("message_start", R"(,"message":)" + message_with("[]", "null"))
           + blocks.bytes
           + event_bytes(
               "message_delta",
               R"(,"delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":7})"
           )
           + event_bytes("message_stop", "");
}

// Whole, or in events.
reply answer_of(const thinking_turn& turn) {
    return [turn](const recorded_request& request) {
        return request.wants_stream()
                   ? text_reply(200, "text/event-stream", events_of(turn))(request)
                   : text_reply(200, "application/json", message_with(turn.content(), R"("tool_use")"))(
                         request
                     );
    };
}

std::size_t count_in(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

// The parameter: whether the client streams.
class anthropic_turns : public anthropic_upstream, public testing::WithParamInterface<bool> {
protected:
    config_text thinking_config() {
        return config("thinking = \"enabled\"\nbudget_tokens = 1024\n");
    }

    // The upstream's newest request: the question and, for each turn, its blocks and what its call found.
    void expect_conversation(std::size_t size) const {
        const auto sent = models.last_request("a").json;
        EXPECT_TRUE(sent.contains("thinking")) << "without it the blocks would be worth nothing";
        const auto& messages = sent["messages"];
        ASSERT_EQ(messages.size(), 1 + 2 * size) << messages;
        for (std::size_t i = 0; i < size; ++i) {
            EXPECT_EQ(messages[1 + 2 * i]["content"], json::parse(turns[i].content()));
            const auto& result = messages[2 + 2 * i]["content"][0];
            EXPECT_EQ(result["type"], "tool_result");
            EXPECT_EQ(result["tool_use_id"], turns[i].id);
        }
    }
};

// ---- chat ----------------------------------------------------------------------------------------------------------

// What a client makes of the deltas of a stream, joining them member by member.
json message_of_deltas(const sse_transcript& stream) {
    json message = {{"role", "assistant"}, {"content", nullptr}};
    for (const auto& chunk : stream.chunks()) {
        const auto delta = chunk["choices"].empty() ? json() : chunk["choices"][0]["delta"];
        for (const auto* key : {"content", "reasoning_content"}) {
            if (delta.contains(key) && delta[key].is_string()) {
                const auto before = message.value(key, json());
                message[key] = (before.is_string() ? before.get<std::string>() : "")
                               + delta[key].get<std::string>();
            }
        }
        if (delta.contains("thinking_blocks")) {
            EXPECT_FALSE(message.contains("thinking_blocks")) << "they come in one delta";
            message["thinking_blocks"] = delta["thinking_blocks"];
        }
        for (const auto& piece : delta.value("tool_calls", json::array())) {
            auto& calls = message["tool_calls"];
            if (piece["index"] == calls.size()) {
                calls.push_back(call_of(piece["id"], piece["function"]["name"], ""));
            }
            auto& arguments = calls.back()["function"]["arguments"];
            arguments = arguments.get<std::string>() + piece["function"].value("arguments", "");
        }
    }
    return message;
}

TEST_P(anthropic_turns, of_a_chat_client_come_back_byte_for_byte) {
    const gateway_process gateway(thinking_config());
    json messages = {{{"role", "user"}, {"content", "How warm?"}}};
    // A client that escapes what it can: nobody on the way writes it anew.
    const auto request = [&] {
        const auto body = ask(messages, {{"tools", {weather_tool()}}, {"stream", GetParam()}});
        return body.dump(-1, ' ', true);
    };
    for (std::size_t i = 0; i < turns.size(); ++i) {
        SCOPED_TRACE(turns[i].id);
        models.on("a", answer_of(turns[i]));
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(request())));
        json message;
        const auto seals = R"("thinking_blocks":[)" + turns[i].seals() + "]";
        if (GetParam()) {
            const auto streamed = read_transcript(client);
            EXPECT_TRUE(streamed.has_done());
            EXPECT_EQ(streamed.finish_reason(), "tool_calls");
            EXPECT_TRUE(std::ranges::any_of(streamed.events, [&](const auto& event) {
                return event.data.find(seals) != std::string::npos;
            }));
            message = message_of_deltas(streamed);
        } else {
            const auto whole = client.read_reply();
            ASSERT_EQ(whole.status, 200) << whole.body;
            EXPECT_NE(whole.body.find(seals), std::string::npos) << whole.body;
            message = whole.json()["choices"][0]["message"];
        }
        EXPECT_EQ(message["reasoning_content"], message["thinking_blocks"][0]["thinking"]);
        EXPECT_EQ(message["tool_calls"], json({call_of(turns[i].id, "weather", turns[i].input())}));
        expect_conversation(i);
        messages.push_back(message);
        messages.push_back({{"role", "tool"}, {"tool_call_id", turns[i].id}, {"content", "9"}});
    }
    models.on("a", anthropic_text("cold"));
    EXPECT_EQ(chat_bytes(gateway, request()).status, 200);
    expect_conversation(turns.size());
    const auto sent = models.last_request("a").body;
    for (const auto& turn : turns) {
        for (const auto& block : {turn.thinking(), turn.redacted()}) {
            EXPECT_EQ(count_in(sent, json::parse(block).dump(-1, ' ', true)), 1u) << sent;
        }
    }
}

// ---- Responses -----------------------------------------------------------------------------------------------------

const json response_tool = {
    {"type", "function"}, {"name", "weather"}, {"parameters", {{"type", "object"}}}
};

json output_for(const std::string& call_id) {
    return {{"type", "function_call_output"}, {"call_id", call_id}, {"output", "9"}};
}

std::vector<std::string> types_of(const json& items) {
    std::vector<std::string> out;
    for (const auto& item : items) {
        out.push_back(item["type"]);
    }
    return out;
}

TEST_P(anthropic_turns, of_a_responses_client_come_back_byte_for_byte) {
    const gateway_process gateway(thinking_config());
    json input = {{{"role", "user"}, {"content", "How warm?"}}};
    const auto body = [&] { return with(respond_to("a", input), {{"tools", {response_tool}}}); };
    for (std::size_t i = 0; i < turns.size(); ++i) {
        SCOPED_TRACE(turns[i].id);
        models.on("a", answer_of(turns[i]));
        json response;
        if (GetParam()) {
            const auto streamed = respond_streamed(gateway, body());
            response = streamed.final_response;
            std::vector<std::string> added;
            for (const auto& event : streamed.of_type("response.output_item.added")) {
                added.push_back(event["item"]["type"]);
            }
            EXPECT_EQ(added, types_of(response["output"])) << "one reasoning item, and it is first";
            const auto all = streamed.types();
            const auto call =
                std::ranges::find(all, "response.function_call_arguments.delta") - all.begin();
            const auto done = std::ranges::find(all, "response.output_item.done") - all.begin();
            EXPECT_LT(done, call) << "reasoning ends before the call";
        } else {
            response = respond(gateway, body()).json();
        }
        ASSERT_EQ(response["status"], "completed") << response;
        const auto& output = response["output"];
        std::vector<std::string> expected{"reasoning", "function_call"};
        if (!turns[i].said.empty()) {
            expected.insert(expected.begin() + 1, "message");
        }
        ASSERT_EQ(types_of(output), expected) << output;
        const auto thought = json::parse(turns[i].thinking())["thinking"];
        EXPECT_EQ(output[0]["content"][0]["text"], thought);
        EXPECT_EQ(response["output_text"], turns[i].said);
        EXPECT_EQ(output.back()["arguments"], turns[i].input());
        expect_conversation(i);
        input.insert(input.end(), output.begin(), output.end());
        input.push_back(output_for(turns[i].id));
    }
    models.on("a", anthropic_text("cold"));
    EXPECT_EQ(respond(gateway, body()).json()["output_text"], "cold");
    expect_conversation(turns.size());
    const auto sent = models.last_request("a").body;
    for (const auto& turn : turns) {
        EXPECT_EQ(count_in(sent, turn.seals()), 1u) << turn.seals() << "\nin " << sent;
        EXPECT_EQ(count_in(sent, R"("input":)" + turn.input()), turns.size()) << sent;
    }
}

// Two calls whose arguments come in turn.
std::vector<json> interleaved(const anthropic_message& what) {
    const auto on = [](const char* type, int index, const char* key, const json& value) {
        return json{{"type", type}, {"index", index}, {key, value}};
    };
    const auto arguments = [&](int index, const char* text) {
        return on(
            "content_block_delta",
            index,
            "delta",
            {{"type", "input_json_delta"}, {"partial_json", text}}
        );
    };
    auto thought = what;
    thought.content = json::array({what.content[0]});
    auto events = contract::events_of(thought);
    const std::vector<json> calls{
        on("content_block_start", 1, "content_block", tool_use("toolu_1", "weather")),
        on("content_block_start", 2, "content_block", tool_use("toolu_2", "weather")),
        arguments(2, "{\"b\""),
        arguments(1, "{\"a\""),
        arguments(2, ":2}"),
        arguments(1, ":1}"),
        {{"type", "content_block_stop"}, {"index", 2}},
        {{"type", "content_block_stop"}, {"index", 1}},
    };
    events.insert(events.end() - 2, calls.begin(), calls.end());
    return events;
}

TEST_P(anthropic_turns, of_a_responses_client_keep_calls_in_parallel_apart) {
    const gateway_process gateway(thinking_config());
    const anthropic_message what{
        .content =
            {json::parse(turns[0].thinking()),
             tool_use("toolu_1", "weather", {{"a", 1}}),
             tool_use("toolu_2", "weather", {{"b", 2}})},
        .stop_reason = "tool_use"
    };
    models.on("a", GetParam() ? anthropic_events(interleaved(what)) : anthropic_answer(what));
    json input = {{{"role", "user"}, {"content", "How warm?"}}};
    const auto body = [&] { return with(respond_to("a", input), {{"tools", {response_tool}}}); };
    json response;
    if (GetParam()) {
        const auto streamed = respond_streamed(gateway, body());
        response = streamed.final_response;
        std::vector<int> order;
        for (const auto& delta : streamed.of_type("response.function_call_arguments.delta")) {
            order.push_back(delta["output_index"]);
        }
        EXPECT_EQ(order, (std::vector{2, 1, 2, 1})) << "as they came";
    } else {
        response = respond(gateway, body()).json();
    }
    const auto items = items_of(response);
    ASSERT_EQ(
        types_of(items), (std::vector<std::string>{"reasoning", "function_call", "function_call"})
    ) << response;
    EXPECT_EQ(items[1]["call_id"], "toolu_1");
    EXPECT_EQ(items[1]["arguments"], "{\"a\":1}");
    EXPECT_EQ(items[2]["call_id"], "toolu_2");
    EXPECT_EQ(items[2]["arguments"], "{\"b\":2}");

    input.insert(input.end(), response["output"].begin(), response["output"].end());
    input.push_back(output_for("toolu_1"));
    input.push_back(output_for("toolu_2"));
    models.on("a", anthropic_text("cold"));
    EXPECT_EQ(respond(gateway, body()).json()["output_text"], "cold");
    const auto sent = models.last_request("a").json["messages"];
    ASSERT_EQ(sent.size(), 3u) << sent;
    EXPECT_EQ(sent[1]["content"], what.content);
    ASSERT_EQ(sent[2]["content"].size(), 2u) << sent;
    EXPECT_EQ(sent[2]["content"][0]["tool_use_id"], "toolu_1");
    EXPECT_EQ(sent[2]["content"][1]["tool_use_id"], "toolu_2");
}

INSTANTIATE_TEST_SUITE_P(wires, anthropic_turns, testing::Bool(), [](const auto& each) {
    return each.param ? "streamed" : "whole";
});

}  // namespace

}  // namespace meta_model::contract
