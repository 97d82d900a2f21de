#include "api/chat_reasoning.hpp"
#include "api/responses_request.hpp"
#include "api/responses_stream.hpp"
#include "api/sse_events.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace meta_model::api {

namespace {

using nlohmann::json;

const std::string chat_stream =
    ": heartbeat\n\n"
    R"(data: {"id":"c","created":5,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":"hm"},"finish_reason":null}]})"
    "\n\n"
    R"(data: {"id":"c","created":5,"model":"m","choices":[{"index":0,"delta":{"content":"caf\u00e9 \ud83d"},"finish_reason":null}]})"
    "\r\n\r\n"
    R"(data: {"id":"c","created":5,"model":"m","choices":[{"index":0,"delta":{"content":"\ude00\n"},"finish_reason":null}]})"
    "\n\n"
    "data: not json\n\n"
    R"(data: {"id":"c","created":5,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{\""}},{"index":1,"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},"finish_reason":null}]})"
    "\n\n"
    R"(data: {"id":"c","created":5,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}},{"index":0,"function":{"arguments":"a\":1}"}}]},"finish_reason":null}]})"
    "\n\n"
    ": heartbeat\n\n"
    R"(data: {"id":"c","created":5,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})"
    "\n\n"
    R"(data: {"id":"c","created":5,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})"
    "\n\n"
    "data: [DONE]\n\n";

// Identifiers and times are the same for every run.
std::string without_chance(std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    constexpr std::string_view time = R"("completed_at":)";
    constexpr std::size_t id_digits = 24;
    std::string out;
    while (!text.empty()) {
        if (text.front() == '_' && text.find_first_not_of(hex, 1) == 1 + id_digits) {
            out += "_ID";
            text.remove_prefix(1 + id_digits);
        } else if (text.starts_with(time) && text[time.size()] != 'n') {
            out.append(time).append("9");
            text.remove_prefix(text.find_first_not_of("0123456789", time.size()));
        } else {
            out += text.front();
            text.remove_prefix(1);
        }
    }
    return out;
}

response_facts facts_of(const std::string& body) {
    responses_request request;
    EXPECT_TRUE(request.parse(body, 64));
    auto facts = request.facts();
    facts.created_at = 7;
    return facts;
}

std::string translated(
    const std::vector<std::string_view>& parts, response_listener* listener = nullptr
) {
    response_translator replies(facts_of(R"({"model":"m","input":"hi"})"), listener);
    event_splitter events;
    std::string out;
    for (const auto part : parts) {
        EXPECT_TRUE(events.feed(part, [&](std::string_view event) {
            replies.take_event(event, out);
            return true;
        }));
    }
    return without_chance(out);
}

class recorder final : public response_listener {
public:
    void on_event(std::uint64_t sequence, std::string_view bytes) override {
        EXPECT_EQ(sequence, ++count);
        EXPECT_EQ(final_text.empty(), bytes.find("event: response.completed") != 0);
        events += bytes;
    }
    void on_final(response_status s, std::string_view text) override {
        EXPECT_TRUE(final_text.empty());
        status = s;
        final_text = text;
    }

    std::uint64_t count = 0;
    response_status status{};
    std::string events;
    std::string final_text;
};

// The rest of a response object that repeats nothing.
const std::string defaults =
    R"(,"previous_response_id":null,"service_tier":"auto","store":false,"background":false,"instructions":null,)"
    R"("max_output_tokens":null,"max_tool_calls":null,"metadata":{},"parallel_tool_calls":true,)"
    R"("prompt_cache_key":null,"safety_identifier":null,"temperature":1.0,"tool_choice":"auto","tools":[],)"
    R"("top_logprobs":0,"top_p":1.0,"truncation":"disabled","user":null,)"
    R"("reasoning":{"effort":null,"summary":null},"text":{"format":{"type":"text"},"verbosity":"medium"}})";

std::string event_text(const std::string& type, int number, const std::string& rest) {
    return "event: " + type + "\ndata: {\"type\":\"" + type
           + "\",\"sequence_number\":" + std::to_string(number) + "," + rest + "}\n\n";
}

std::string golden_text() {
    const std::string snapshot =
        R"("response":{"id":"resp_ID","object":"response","created_at":7,"status":"in_progress","completed_at":null,)"
        R"("error":null,"incomplete_details":null,"model":"m","output":[],"output_text":"","usage":null)"
        + defaults;
    const std::string text = R"(caf\u00e9 \ud83d\ude00\n)";
    const std::string reasoning =
        R"({"id":"rs_ID","type":"reasoning","status":"completed","summary":[],"content":[{"type":"reasoning_text","text":"hm"}],)"
        R"("encrypted_content":"mm1.eyJyZWFzb25pbmdfY29udGVudCI6ImhtIn0"})";
    const std::string part =
        R"({"type":"output_text","annotations":[],"logprobs":[],"text":")" + text + "\"}";
    const std::string message =
        R"({"id":"msg_ID","type":"message","status":"completed","role":"assistant","content":[)"
        + part + "]}";
    const auto call = [](const char* status, const char* id, const char* name, const char* arguments
                      ) {
        return std::string(R"({"id":"fc_ID","type":"function_call","status":")") + status
               + R"(","call_id":")" + id + R"(","name":")" + name + R"(","arguments":")" + arguments
               + "\"}";
    };
    const auto first = call("completed", "c1", "f", R"({\"a\":1})");
    const auto second = call("completed", "c2", "g", "{}");
    const auto at = [](const char* item, int index) {
        return std::string(R"("item_id":")") + item + R"(","output_index":)"
               + std::to_string(index);
    };
    int n = 0;
    std::string out;
    const auto add = [&](const char* type, const std::string& rest) {
        out += event_text(std::string("response.") + type, ++n, rest);
    };
    const auto added = [](int index, const std::string& item) {
        return R"("output_index":)" + std::to_string(index) + R"(,"item":)" + item;
    };
    add("created", snapshot);
    add("in_progress", snapshot);
    out += ": heartbeat\n\n";
    add("output_item.added",
        added(0, R"({"id":"rs_ID","type":"reasoning","status":"in_progress","summary":[]})"));
    add("content_part.added",
        at("rs_ID", 0) + R"(,"content_index":0,"part":{"type":"reasoning_text","text":""})");
    add("reasoning_text.delta", at("rs_ID", 0) + R"(,"content_index":0,"delta":"hm")");
    add("reasoning_text.done", at("rs_ID", 0) + R"(,"content_index":0,"text":"hm")");
    add("content_part.done",
        at("rs_ID", 0) + R"(,"content_index":0,"part":{"type":"reasoning_text","text":"hm"})");
    add("output_item.done", added(0, reasoning));
    add("output_item.added",
        added(
            1,
            R"({"id":"msg_ID","type":"message","status":"in_progress","role":"assistant","content":[]})"
        ));
    add("content_part.added",
        at("msg_ID", 1
        ) + R"(,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""})"
    );
    add("output_text.delta",
        at("msg_ID", 1) + R"(,"content_index":0,"delta":"caf\u00e9 \ud83d","logprobs":[])");
    add("output_text.delta",
        at("msg_ID", 1) + R"(,"content_index":0,"delta":"\ude00\n","logprobs":[])");
    add("output_text.done",
        at("msg_ID", 1) + R"(,"content_index":0,"text":")" + text + R"(","logprobs":[])");
    add("content_part.done", at("msg_ID", 1) + R"(,"content_index":0,"part":)" + part);
    add("output_item.done", added(1, message));
    add("output_item.added", added(2, call("in_progress", "c1", "f", "")));
    add("function_call_arguments.delta", at("fc_ID", 2) + R"(,"delta":"{\"")");
    add("output_item.added", added(3, call("in_progress", "c2", "g", "")));
    add("function_call_arguments.delta", at("fc_ID", 3) + R"(,"delta":"{}")");
    add("function_call_arguments.delta", at("fc_ID", 2) + R"(,"delta":"a\":1}")");
    out += ": heartbeat\n\n";
    add("function_call_arguments.done", at("fc_ID", 2) + R"(,"name":"f","arguments":"{\"a\":1}")");
    add("output_item.done", added(2, first));
    add("function_call_arguments.done", at("fc_ID", 3) + R"(,"name":"g","arguments":"{}")");
    add("output_item.done", added(3, second));
    add("completed",
        R"("response":{"id":"resp_ID","object":"response","created_at":7,"status":"completed","completed_at":9,)"
        R"("error":null,"incomplete_details":null,"model":"m","output":[)"
            + reasoning + "," + message + "," + first + "," + second + R"(],"output_text":")" + text
            + R"(","usage":{"input_tokens":1,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,)"
              R"("output_tokens_details":{"reasoning_tokens":0},"total_tokens":3})"
            + defaults);
    return out;
}

TEST(responses_wire, a_stream_has_exactly_these_bytes) {
    EXPECT_EQ(translated({chat_stream}), golden_text());
}

TEST(responses_wire, a_stream_is_the_same_wherever_its_bytes_are_split) {
    const auto whole = golden_text();
    const std::string_view all = chat_stream;
    for (std::size_t at = 0; at <= all.size(); ++at) {
        ASSERT_EQ(translated({all.substr(0, at), all.substr(at)}), whole) << at;
    }
}

TEST(responses_wire, a_listener_hears_every_event_and_the_end_before_it_is_told) {
    recorder heard;

    const auto out = translated({chat_stream}, &heard);

    auto events = out;
    for (auto at = events.find(": heartbeat\n\n"); at != std::string::npos;
         at = events.find(": heartbeat\n\n")) {
        events.erase(at, 13);
    }
    EXPECT_EQ(without_chance(heard.events), events);
    EXPECT_EQ(heard.status, response_status::completed);
    EXPECT_NE(out.find(without_chance(heard.final_text)), std::string::npos);
}

TEST(responses_wire, a_whole_reply_is_what_its_stream_ends_with) {
    recorder heard;
    response_translator replies(facts_of(R"({"model":"m","input":"hi"})"), &heard);

    const auto whole = replies.whole(R"({
        "id":"c","created":5,"model":"m",
        "choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"hm","content":"caf\u00e9 \ud83d\ude00\n",
          "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
            {"id":"c2","type":"function","function":{"name":"g","arguments":{}}}]},"finish_reason":"tool_calls"}],
        "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");

    EXPECT_EQ(heard.final_text, whole);
    EXPECT_NE(golden_text().find(without_chance(whole)), std::string::npos) << whole;
}

TEST(responses_wire, a_whole_response_has_golden_bytes) {
    auto facts = facts_of(R"({"model":"m","input":"hi","top_p":0.5,"metadata":{"k":"v"}})");
    facts.id = "resp_0";
    response_translator replies(std::move(facts));
    EXPECT_EQ(
        without_chance(replies.whole(
            R"({"id":"c","created":5,"model":"real","choices":[{"index":0,"message":{"role":"assistant","content":"caf\u00e9 \/"},"finish_reason":"length"}],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}},"x_meta_model":{"profile":"p"}})"
        )),
        R"({"id":"resp_0","object":"response","created_at":7,"status":"incomplete","completed_at":null,)"
        R"("error":null,"incomplete_details":{"reason":"max_output_tokens"},"model":"real",)"
        R"("output":[{"id":"msg_ID","type":"message","status":"incomplete","role":"assistant","content":[)"
        R"({"type":"output_text","annotations":[],"logprobs":[],"text":"caf\u00e9 \/"}]}],"output_text":"caf\u00e9 \/",)"
        R"("usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":5},"output_tokens":4,)"
        R"("output_tokens_details":{"reasoning_tokens":3},"total_tokens":13})"
        R"(,"previous_response_id":null,"service_tier":"auto","store":false,"background":false,"instructions":null,)"
        R"("max_output_tokens":null,"max_tool_calls":null,"metadata":{"k":"v"},"parallel_tool_calls":true,)"
        R"("prompt_cache_key":null,"safety_identifier":null,"temperature":1.0,"tool_choice":"auto","tools":[],)"
        R"("top_logprobs":0,"top_p":0.5,"truncation":"disabled","user":null,)"
        R"("reasoning":{"effort":null,"summary":null},"text":{"format":{"type":"text"},"verbosity":"medium"},"x_meta_model":{"profile":"p"}})"
    );
}

TEST(responses_wire, in_the_background_a_stream_begins_queued) {
    auto facts = facts_of(R"({"model":"m","input":"hi"})");
    facts.is_background = true;
    response_translator replies(std::move(facts));
    std::string out;

    replies.take_event(": heartbeat\n\n", out);

    EXPECT_LT(out.find("event: response.created"), out.find("event: response.queued"));
    EXPECT_LT(out.find("event: response.queued"), out.find("event: response.in_progress"));
    EXPECT_NE(out.find(R"("status":"queued")"), std::string::npos);
}

TEST(responses_wire, nothing_follows_the_end) {
    response_translator replies(facts_of(R"({"model":"m","input":"hi"})"));
    std::string out;
    replies.take_event("data: {\"error\":{\"message\":\"x\"}}\n\n", out);
    const auto ended = out;

    replies.take_event("data: [DONE]\n\n", out);
    replies.take_event(": heartbeat\n\n", out);

    EXPECT_EQ(out, ended);
    EXPECT_NE(out.find("event: response.failed"), std::string::npos);
    EXPECT_NE(out.find(R"("error":{"code":"server_error","message":"x"})"), std::string::npos);
}

// --- Requests

class kept_items final : public response_history {
public:
    std::vector<std::string_view> earlier{};
    std::string_view item{};

    std::span<const std::string_view> earlier_items() const override { return earlier; }
    std::string_view find_item(std::string_view id) const override {
        return id == "msg_1" ? item : std::string_view{};
    }
    std::size_t max_referred_bytes() const override { return 1000; }
};

json messages_of(const std::string& body, const response_history& history) {
    responses_request request;
    EXPECT_TRUE(request.parse(body, 64));
    const auto chat = request.chat(history);
    if (!chat) {
        ADD_FAILURE() << chat.error().message;
        return {};
    }
    return json::parse(*chat)["messages"];
}

TEST(responses_request, earlier_items_come_behind_the_instructions) {
    kept_items history;
    history.earlier = {
        R"({"role":"user","content":"one"})",
        R"({"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{}","status":"completed"})"
    };

    EXPECT_EQ(
        messages_of(
            R"({"model":"m","instructions":"be","input":[{"type":"function_call_output","call_id":"c","output":"x"}]})",
            history
        ),
        json::parse(R"([{"role":"system","content":"be"},{"role":"user","content":"one"},
          {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
          {"role":"tool","tool_call_id":"c","content":"x"}])")
    );
}

TEST(responses_request, a_reference_stands_for_its_item) {
    kept_items history;
    history.item =
        R"({"type":"message","role":"assistant","content":[{"type":"output_text","text":"hi"}]})";

    EXPECT_EQ(
        messages_of(
            R"({"model":"m","input":[{"type":"item_reference","id":"msg_1"},{"role":"user","content":"and?"}]})",
            history
        ),
        json::parse(R"([{"role":"assistant","content":"hi"},{"role":"user","content":"and?"}])")
    );
    responses_request request;
    const std::string body = R"({"model":"m","input":[{"type":"item_reference","id":"msg_2"}]})";
    ASSERT_TRUE(request.parse(body, 64));
    const auto refused = request.chat(history);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().id, base::error_code_id::item_not_found);
}

TEST(responses_request, texts_are_carried_as_they_are_written) {
    responses_request request;
    const std::string body =
        R"({"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"a\u0041\/\ud83d"}]}],"seed":1e0})";
    ASSERT_TRUE(request.parse(body, 64));

    EXPECT_EQ(
        *request.chat(response_history{}),
        R"({"messages":[{"role":"user","content":"a\u0041\/\ud83d"}],"model":"m","seed":1e0})"
    );
}

TEST(responses_request, a_turn_of_several_texts_keeps_its_calls_together) {
    EXPECT_EQ(
        messages_of(
            R"({"model":"m","input":[
              {"type":"function_call","call_id":"a","name":"f","arguments":"{}"},
              {"role":"assistant","content":"one"},
              {"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"r"}]},
              {"type":"function_call","call_id":"b","name":"f","arguments":"{}"},
              {"type":"function_call_output","call_id":"a","output":"x"}]})",
            response_history{}
        ),
        json::parse(R"([{"role":"assistant","reasoning_content":"r","content":"one","tool_calls":[
            {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
            {"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},
          {"role":"tool","tool_call_id":"a","content":"x"}])")
    );
}

TEST(responses_request, reasoning_goes_with_what_it_led_to) {
    EXPECT_EQ(
        messages_of(
            R"({"model":"m","input":[
              {"role":"assistant","content":"one"},
              {"type":"reasoning","summary":[{"type":"summary_text","text":"of two"}]},
              {"role":"assistant","content":"two"},
              {"type":"reasoning","summary":[{"type":"summary_text","text":", late"}]},
              {"role":"user","content":"go on"},
              {"type":"reasoning","summary":[{"type":"summary_text","text":"led nowhere"}]},
              {"role":"user","content":"well?"}]})",
            response_history{}
        ),
        json::parse(R"([{"role":"assistant","content":"one"},
          {"role":"assistant","reasoning_content":"of two, late","content":"two"},
          {"role":"user","content":"go on"},{"role":"user","content":"well?"}])")
    );
}

TEST(chat_reasoning, what_was_sealed_is_the_same_when_opened) {
    for (const std::string& text :
         {std::string("a"), std::string("ab"), std::string(R"(é\n\u2028)")}) {
        chat_reasoning held;
        held.add("reasoning_content", '"' + text + '"', false);
        held.add(
            "thinking_blocks", R"([{"type":"thinking" , "thinking":"x","signature":"+/="}])", false
        );
        std::string before;
        held.append_members(before);

        chat_reasoning opened;
        ASSERT_TRUE(unseal(seal(held), opened));

        std::string after;
        opened.append_members(after);
        EXPECT_EQ(after, before);
    }
}

TEST(chat_reasoning, a_word_that_was_changed_is_not_opened) {
    chat_reasoning held;
    held.add("reasoning_content", R"("some text")", false);
    const auto word = seal(held);
    chat_reasoning opened;
    EXPECT_FALSE(unseal("gAAAAA", opened));
    EXPECT_FALSE(unseal("mm1.", opened));
    EXPECT_FALSE(unseal(word.substr(0, word.size() - 4), opened));
    EXPECT_FALSE(unseal(word + "é", opened));
    EXPECT_TRUE(opened.is_empty());
}

}  // namespace

}  // namespace meta_model::api
