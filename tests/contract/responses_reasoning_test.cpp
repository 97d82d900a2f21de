// Reasoning in responses: shown to clients, and given back to the model's server byte for byte over turns.
#include "contract/contract_test.hpp"
#include "contract/responses_words.hpp"

namespace meta_model::contract {

namespace {

// A turn as a model's server tells it, and the bytes that it must be shown of it later.
struct told_turn {
    const char* name;
    std::string message;                 // of a whole reply
    std::vector<std::string> deltas;     // of a stream
    std::vector<std::string> must_come;  // in the next request's bytes
};

const std::string blocks =
    R"([{"type":"thinking","thinking":"caf\u00e9 \/ hm","signature":"c2ln+/="},{"type":"redacted_thinking","data":"AA"}])";
const std::string details =
    R"([{"type":"reasoning.text","text":"so \u2028it is","signature":"x==","format":"f","index":0},{"type":"reasoning.encrypted","data":"zz","index":1}])";
const std::string call =
    R"([{"id":"call_1","type":"function","function":{"name":"look_up","arguments":"{ \"w\" : 1.0 }"}}])";

const std::vector<told_turn> turns{
    {"plain",
     R"({"role":"assistant","content":null,"reasoning_content":"hmm é","tool_calls":)" + call + "}",
     {R"({"reasoning_content":"hm"})",
      R"({"reasoning_content":"m é"})",
      R"({"tool_calls":)" + call + "}"},
     {R"("reasoning_content":"hmm é")"}},
    {"short name",
     R"({"role":"assistant","content":"ok","reasoning":"why","tool_calls":)" + call + "}",
     {R"({"reasoning":"w"})",
      R"({"reasoning":"hy"})",
      R"({"content":"ok"})",
      R"({"tool_calls":)" + call + "}"},
     {R"("reasoning":"why")", R"("content":"ok")"}},
    {"blocks with signatures at the end",
     R"({"role":"assistant","content":"ok","reasoning_content":"café / hm","thinking_blocks":)"
         + blocks + R"(,"tool_calls":)" + call + "}",
     {R"({"reasoning_content":"café / hm"})",
      R"({"content":"ok"})",
      R"({"tool_calls":)" + call + "}",
      R"({"thinking_blocks":)" + blocks + "}"},
     {R"("reasoning_content":"café / hm")", R"("thinking_blocks":)" + blocks}},
    {"details without a shown text",
     R"({"role":"assistant","content":null,"reasoning_details":)" + details + R"(,"tool_calls":)"
         + call + "}",
     {R"({"reasoning_details":[{"type":"reasoning.text","text":"so ","signature":null,"format":"f","index":0}]})",
      R"({"reasoning_details":[{"type":"reasoning.text","text":"\u2028it is","signature":"x==","index":0}]})",
      R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"zz","index":1}]})",
      R"({"tool_calls":)" + call + "}"},
     {R"("reasoning_details":)" + details}},
};

reply whole_turn(const std::string& message) {
    const auto body =
        R"({"id":"chatcmpl-1","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":)"
        + message + R"(,"finish_reason":"tool_calls"}]})";
    return raw(
        http_head(200, "application/json", {{"Content-Length", std::to_string(body.size())}}) + body
    );
}

reply streamed_turn(const std::vector<std::string>& deltas) {
    std::vector<std::string> events;
    for (const auto& delta : deltas) {
        events.push_back(
            R"({"id":"chatcmpl-1","created":5,"model":"m","choices":[{"index":0,"delta":)" + delta
            + R"(,"finish_reason":null}]})"
        );
    }
    events.emplace_back(
        R"({"id":"chatcmpl-1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})"
    );
    events.emplace_back("[DONE]");
    return sse(events);
}

// The model calls in two turns and answers in the third; whatever it thought comes back in each request. `asked`: "a", or a
// cascade of it.
void expect_round_trip(
    const told_turn& turn, bool streams, const json& more, const std::string& asked = "a"
) {
    SCOPED_TRACE(
        std::string(turn.name) + (streams ? ", streamed " : ", whole ") + asked + more.dump()
    );
    fake_upstream models;
    const gateway_process gateway(
        config_text(models).upstream("a").cascade("steps.v1", {"a"}, "expose_reasoning = true")
    );
    const auto behaviour = streams ? streamed_turn(turn.deltas) : whole_turn(turn.message);
    json input = {{{"role", "user"}, {"content", "Look it up twice."}}};
    for (std::size_t round = 1; round <= 2; ++round) {
        models.on("a", behaviour);
        const auto body = with(respond_to(asked, input), more);
        const auto response = streams ? respond_streamed(gateway, body).final_response
                                      : respond(gateway, body).json();
        ASSERT_EQ(response["status"], "completed") << response;
        for (const auto& item : response["output"]) {
            input.push_back(item);
        }
        input.push_back({{"type", "function_call_output"}, {"call_id", "call_1"}, {"output", "x"}});
        models.on("a", ok("done"));
        ASSERT_EQ(respond(gateway, with(respond_to(asked, input), more)).status, 200);
        const auto sent = models.last_request("a");
        for (const auto& bytes : turn.must_come) {
            std::size_t count = 0;
            for (auto at = sent.body.find(bytes); at != std::string::npos;
                 at = sent.body.find(bytes, at + 1)) {
                ++count;
            }
            EXPECT_EQ(count, round) << bytes << "\nin " << sent.body;
        }
        const auto& messages = sent.json["messages"];
        ASSERT_EQ(messages.size(), 1 + 2 * round) << "one message a turn: " << messages;
        EXPECT_EQ(messages[1]["tool_calls"], json::parse(call));
    }
}

TEST(responses_reasoning, three_turns_are_byte_exact) {
    for (const auto& turn : turns) {
        for (const bool streams : {false, true}) {
            expect_round_trip(turn, streams, json::object());
        }
        expect_round_trip(turn, true, {{"reasoning", {{"summary", "auto"}}}});
        expect_round_trip(
            turn, true, {{"include", {"reasoning.encrypted_content"}}, {"store", false}}
        );
    }
}

TEST(responses_reasoning, three_turns_through_a_cascade_are_byte_exact) {
    const json tool = {
        {"type", "function"}, {"name", "look_up"}, {"parameters", {{"type", "object"}}}
    };
    for (const auto& turn : turns) {
        for (const bool streams : {false, true}) {
            expect_round_trip(turn, streams, {{"tools", {tool}}}, "steps.v1");
        }
    }
}

TEST(responses_reasoning, three_turns_are_byte_exact_when_the_gateway_keeps_them) {
    for (const auto& turn : turns) {
        SCOPED_TRACE(turn.name);
        fake_upstream models;
        const gateway_process gateway(config_text(models).upstream("a"));
        json previous = nullptr;
        json input = "Look it up twice.";
        for (int round = 0; round < 2; ++round) {
            models.on("a", round == 0 ? whole_turn(turn.message) : streamed_turn(turn.deltas));
            const auto body = with(respond_to("a", input), {{"previous_response_id", previous}});
            previous =
                (round == 0 ? respond(gateway, body).json()
                            : respond_streamed(gateway, body).final_response)["id"];
            input = {{{"type", "function_call_output"}, {"call_id", "call_1"}, {"output", "x"}}};
        }
        models.on("a", ok("done"));
        const auto body = with(respond_to("a", input), {{"previous_response_id", previous}});
        ASSERT_EQ(respond(gateway, body).status, 200);
        const auto sent = models.last_request("a");
        EXPECT_EQ(sent.json["messages"].size(), 5u);
        for (const auto& bytes : turn.must_come) {
            const auto once = sent.body.find(bytes);
            ASSERT_NE(once, std::string::npos) << bytes << "\nin " << sent.body;
            EXPECT_NE(sent.body.find(bytes, once + 1), std::string::npos) << bytes;
        }
    }
}

TEST(responses_reasoning, it_is_shown_as_its_text_or_as_a_summary_where_one_was_asked_for) {
    fake_upstream models;
    models.on("a", with_reasoning("the answer", "because of this"));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto plain = respond(gateway, respond_to("a")).json()["output"];
    ASSERT_EQ(plain.size(), 2u) << plain;
    EXPECT_EQ(plain[0]["type"], "reasoning");
    EXPECT_EQ(plain[0]["summary"], json::array());
    EXPECT_EQ(
        plain[0]["content"], json::parse(R"([{"type":"reasoning_text","text":"because of this"}])")
    );
    EXPECT_TRUE(plain[0].contains("encrypted_content")) << "some clients give nothing else back";

    const json wish = {{"reasoning", {{"summary", "auto"}}}};
    const auto summed = respond(gateway, with(respond_to("a"), wish)).json()["output"][0];
    EXPECT_EQ(
        summed["summary"], json::parse(R"([{"type":"summary_text","text":"because of this"}])")
    );
    EXPECT_FALSE(summed.contains("content"));

    const auto s = respond_streamed(gateway, with(respond_to("a"), wish));
    EXPECT_EQ(s.joined("response.reasoning_summary_text.delta"), "because of this");
    EXPECT_EQ(s.of_type("response.reasoning_summary_part.done").size(), 1u);
    const auto text = respond_streamed(gateway, respond_to("a"));
    EXPECT_EQ(text.joined("response.reasoning_text.delta"), "because of this");
    EXPECT_EQ(text.joined("response.output_text.delta"), "the answer");
    const auto types = text.types();
    const auto at = [&](const char* type) {
        return std::find(types.begin(), types.end(), type) - types.begin();
    };
    EXPECT_LT(at("response.output_item.done"), at("response.output_text.delta"))
        << "reasoning ends with the first text";
}

TEST(responses_reasoning, what_others_sealed_is_left_out_and_its_summary_is_kept) {
    fake_upstream models;
    models.on("a", ok("fine"));
    const gateway_process gateway(config_text(models).upstream("a"));
    const json foreign = {
        {"type", "reasoning"},
        {"id", "rs_1"},
        {"summary", {{{"type", "summary_text"}, {"text", "in short"}}}},
        {"encrypted_content", "gAAAAABo"}
    };
    const json bare = {
        {"type", "reasoning"}, {"summary", json::array()}, {"encrypted_content", "mm1.!!"}
    };
    const json said = {{"role", "assistant"}, {"content", "yes"}};
    const json asks = {{"role", "user"}, {"content", "sure?"}};

    EXPECT_EQ(respond(gateway, respond_to("a", {foreign, said, asks, bare})).status, 200);

    EXPECT_EQ(
        models.last_request("a").json["messages"],
        json::parse(R"([{"role":"assistant","reasoning_content":"in short","content":"yes"},
          {"role":"user","content":"sure?"}])")
    );
}

}  // namespace

}  // namespace meta_model::contract
