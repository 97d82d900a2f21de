// What models' servers tell of a turn, as a response and, given back, as the chat's turn again.
#include "api/responses_request.hpp"
#include "api/responses_stream.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace meta_model::api {

namespace {

using nlohmann::json;

response_translator translator() {
    responses_request request;
    EXPECT_TRUE(request.parse(R"({"model":"m","input":"hi"})", 64));
    return response_translator(request.facts());
}

std::string whole(const std::string& message, const std::string& finish = "stop") {
    auto replies = translator();
    return replies.whole(
        R"({"model":"m","choices":[{"index":0,"message":)" + message + R"(,"finish_reason":")"
        + finish + "\"}]}"
    );
}

std::string streamed_text(const std::vector<std::string>& deltas, const std::string& finish) {
    auto replies = translator();
    std::string out;
    for (const auto& delta : deltas) {
        replies.take_event(R"(data: {"choices":[{"index":0,"delta":)" + delta + "}]}\n\n", out);
    }
    if (!finish.empty()) {
        replies.take_event(
            R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":")" + finish + "\"}]}\n\n",
            out
        );
    }
    replies.take_event("data: [DONE]\n\n", out);
    return out;
}

// The final response.
json streamed(const std::vector<std::string>& deltas, const std::string& finish = "stop") {
    const auto text = streamed_text(deltas, finish);
    const auto at = text.rfind("\ndata: ");
    return json::parse(text.substr(at + 7))["response"];
}

base::result<std::string> chat_of(const std::string& body) {
    responses_request request;
    if (const auto parsed = request.parse(body, 64); !parsed) {
        return parsed.error();
    }
    return request.chat(response_history{});
}

// The turn of a response, as its model's server is given it back.
json turn_of(const json& response) {
    auto input = response["output"];
    input.push_back({{"role", "user"}, {"content", "go on"}});
    const auto chat = chat_of(json{{"model", "m"}, {"input", input}}.dump());
    if (!chat) {
        ADD_FAILURE() << chat.error().message;
        return {};
    }
    const auto messages = json::parse(*chat)["messages"];
    EXPECT_EQ(messages.size(), 2u) << "one turn is one message: " << messages;
    return messages[0];
}

std::string message_of_refused(const json& more) {
    json body = {{"model", "m"}, {"input", "hi"}};
    body.update(more);
    const auto chat = chat_of(body.dump());
    return chat ? "no error" : chat.error().message;
}

const std::string signed_call =
    R"({"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S+/="}}})";

TEST(responses_turns, a_calls_signature_comes_back_with_it) {
    const auto of_whole = json::parse(
        whole(R"({"role":"assistant","content":null,"tool_calls":[)" + signed_call + "]}")
    );
    const auto of_stream = streamed({R"({"tool_calls":[)" + signed_call + "]}"});
    const json extra = {{"google", {{"thought_signature", "S+/="}}}};
    for (const auto& response : {of_whole, of_stream}) {
        EXPECT_EQ(response["output"][0]["extra_content"], extra) << response;
        const auto call = turn_of(response)["tool_calls"][0];
        EXPECT_EQ(call["extra_content"], extra);
        EXPECT_EQ(call.size(), 4u) << "and nothing else: " << call;
    }
}

TEST(responses_turns, a_signature_behind_the_call_is_told_at_its_end) {
    const auto response = streamed(
        {R"({"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{"}}]})",
         R"({"tool_calls":[{"index":0,"function":{"arguments":"}"},"extra_content":{"x":1}}]})"}
    );
    EXPECT_EQ(turn_of(response)["tool_calls"][0]["extra_content"], json({{"x", 1}}));
}

TEST(responses_turns, what_is_too_large_beside_a_call_is_left_out) {
    const std::string large(300u << 10, 'x');
    const auto response = json::parse(whole(
        R"({"tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{}"},"extra_content":")"
        + large + "\"}]}"
    ));
    EXPECT_FALSE(response["output"][0].contains("extra_content"));
}

TEST(responses_turns, a_signature_of_a_message_comes_back_with_it) {
    const json extra = {{"google", {{"thought_signature", "S"}}}};
    const auto response =
        streamed({R"({"content":"yes"})", R"({"content":"","extra_content":)" + extra.dump() + "}"}
        );
    const auto turn = turn_of(response);
    EXPECT_EQ(turn["extra_content"], extra);
    EXPECT_EQ(turn["content"], "yes");
}

TEST(responses_turns, elements_of_different_ids_stay_apart) {
    const auto turn = turn_of(streamed(
        {R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"AA","id":"r1","index":0}]})",
         R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"BB","id":"r2","index":0}]})",
         R"({"content":"x"})"}
    ));
    EXPECT_EQ(
        turn["reasoning_details"],
        json::parse(R"([{"type":"reasoning.encrypted","data":"AA","id":"r1","index":0},
                        {"type":"reasoning.encrypted","data":"BB","id":"r2","index":0}])")
    );
}

TEST(responses_turns, reasoning_between_a_text_and_its_call_is_of_the_same_turn) {
    const auto response = streamed(
        {R"({"reasoning_content":"a"})",
         R"({"content":"x"})",
         R"({"reasoning_content":"b"})",
         R"({"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]})"}
    );
    ASSERT_EQ(response["output"].size(), 4u);
    const auto turn = turn_of(response);
    EXPECT_EQ(turn["reasoning_content"], "ab");
    EXPECT_EQ(turn["content"], "x");
    EXPECT_EQ(turn["tool_calls"].size(), 1u);
}

TEST(responses_turns, the_pieces_of_an_element_are_joined_over_items) {
    for (const std::string type : {"", R"("type":"reasoning.text",)"}) {
        const auto turn = turn_of(streamed(
            {R"({"reasoning_details":[{"type":"reasoning.text","text":"abc","index":0}]})",
             R"({"content":"x"})",
             R"({"reasoning_details":[{)" + type + R"("signature":"SIG","index":0}]})"}
        ));
        EXPECT_EQ(
            turn["reasoning_details"],
            json::parse(R"([{"type":"reasoning.text","text":"abc","index":0,"signature":"SIG"}])")
        );
    }
}

TEST(responses_turns, an_empty_reasoning_comes_back_empty) {
    const auto of_whole = json::parse(whole(R"({"content":"x","reasoning_content":""})"));
    const auto of_stream = streamed(
        {R"({"role":"assistant","content":"","reasoning_content":""})",
         R"({"content":"x","reasoning_content":""})"}
    );
    for (const auto& response : {of_whole, of_stream}) {
        EXPECT_EQ(response["output"].size(), 2u) << response;
        EXPECT_EQ(turn_of(response).value("reasoning_content", "none"), "");
    }
    const auto without = json::parse(whole(R"({"content":"x","reasoning_content":null})"));
    EXPECT_EQ(without["output"].size(), 1u);
}

TEST(responses_turns, reasoning_is_always_sealed) {
    auto response = json::parse(whole(R"({"content":"x","reasoning_content":"hm"})"));
    auto& item = response["output"][0];
    ASSERT_TRUE(item.contains("encrypted_content"));
    item.erase("content");
    EXPECT_EQ(turn_of(response)["reasoning_content"], "hm");
}

TEST(responses_turns, thinking_parts_are_reasoning_and_come_back_as_parts) {
    const std::string part = R"({"type":"thinking","thinking":[{"type":"text","text":"hm"}]})";
    const auto of_whole =
        json::parse(whole(R"({"content":[)" + part + R"(,{"type":"text","text":"x"}]})"));
    const auto of_stream = streamed(
        {R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"}]}]})",
         R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"m"}]}]})",
         R"({"content":"x"})"}
    );
    for (const auto& response : {of_whole, of_stream}) {
        EXPECT_EQ(response["output_text"], "x");
        EXPECT_EQ(response["output"][0]["content"][0]["text"], "hm") << response;
        const auto turn = turn_of(response);
        EXPECT_EQ(turn["content"], json::parse("[" + part + R"(,{"type":"text","text":"x"}])"));
        EXPECT_FALSE(turn.contains("reasoning_content"));
    }
}

TEST(responses_turns, a_call_of_old_servers_is_a_call) {
    const auto of_whole = json::parse(
        whole(R"({"content":null,"function_call":{"name":"f","arguments":"{}"}})", "function_call")
    );
    const auto of_stream = streamed(
        {R"({"function_call":{"name":"f","arguments":"{"}})",
         R"({"function_call":{"arguments":"}"}})"},
        "function_call"
    );
    for (const auto& response : {of_whole, of_stream}) {
        ASSERT_EQ(response["output"].size(), 1u) << response;
        EXPECT_EQ(response["status"], "completed");
        EXPECT_EQ(response["output"][0]["name"], "f");
        EXPECT_EQ(response["output"][0]["arguments"], "{}");
        EXPECT_FALSE(response["output"][0]["call_id"].get<std::string>().empty());
    }
}

TEST(responses_turns, a_finish_of_error_is_a_failed_response) {
    const auto of_whole = json::parse(whole(R"({"content":"half"})", "error"));
    const auto of_stream = streamed({R"({"content":"half"})"}, "error");
    for (const auto& response : {of_whole, of_stream}) {
        EXPECT_EQ(response["status"], "failed");
        EXPECT_EQ(response["error"]["code"], "server_error");
        EXPECT_EQ(response["output_text"], "half");
    }
}

TEST(responses_turns, a_stream_without_an_answer_is_a_failed_response) {
    EXPECT_EQ(streamed({R"({"role":"assistant","content":""})"}, "")["status"], "failed");
    EXPECT_EQ(streamed({R"({"content":"x"})"}, "")["status"], "completed");
    EXPECT_EQ(streamed({R"({"content":""})"}, "stop")["status"], "completed");
}

TEST(responses_turns, what_is_no_message_of_a_chat_is_no_response) {
    for (const std::string chat :
         {"[1]", R"({"a":1})", R"({"choices":[]})", R"({"choices":[{}]})", R"({"choices":5})"}) {
        EXPECT_EQ(translator().whole(chat), "") << chat;
    }
}

TEST(responses_turns, only_comments_of_an_upstream_are_passed_on) {
    auto replies = translator();
    std::string out;
    replies.take_event("data:\n\n", out);
    replies.take_event("retry: 5\n\n", out);
    replies.take_event("id: 5\nevent: ping\n\n", out);
    EXPECT_EQ(out, "");
    replies.take_event(": wait\n\n", out);
    EXPECT_TRUE(out.ends_with("\n\n: wait\n\n")) << out;
}

TEST(responses_turns, a_call_is_named_by_its_id_where_its_call_id_is_empty) {
    const auto chat = chat_of(
        R"({"model":"m","input":[{"type":"function_call","call_id":"","id":"fc1","name":"f","arguments":"{}"}]})"
    );
    ASSERT_TRUE(chat);
    EXPECT_EQ(json::parse(*chat)["messages"][0]["tool_calls"][0]["id"], "fc1");
}

TEST(responses_turns, names_and_cache_marks_of_messages_are_the_chats) {
    const auto chat = chat_of(
        R"({"model":"m","input":[{"role":"user","name":"ann","content":"hi","cache_control":{"type":"ephemeral"}},
            {"role":"assistant","name":"bob","content":"ho"}]})"
    );
    ASSERT_TRUE(chat);
    EXPECT_EQ(
        json::parse(*chat)["messages"],
        json::parse(
            R"([{"role":"user","name":"ann","cache_control":{"type":"ephemeral"},"content":"hi"},
                {"role":"assistant","name":"bob","content":"ho"}])"
        )
    );
}

TEST(responses_turns, keys_of_a_part_are_carried_as_they_are_written) {
    const auto chat = chat_of(
        R"({"model":"m","input":[{"role":"user","content":[
            {"type":"input_text","text":"x","\ud83d" : 1,"a\"\\":{"b":"c\""} , "":2,"\\":3}]}]})"
    );
    ASSERT_TRUE(chat);
    EXPECT_NE(
        chat->find(R"([{"type":"text","text":"x","\ud83d":1,"a\"\\":{"b":"c\""},"":2,"\\":3}])"),
        std::string::npos
    ) << *chat;
}

TEST(responses_turns, wrong_members_of_a_tool_are_named) {
    const auto message_of = [](const json& member, const char* type = "function") {
        json tool = {{"type", type}, {"name", "f"}};
        tool.update(member);
        return message_of_refused({{"tools", {tool}}});
    };
    EXPECT_EQ(message_of({{"description", 5}}), "'tools[0].description' must be a string.");
    EXPECT_EQ(message_of({{"parameters", "x"}}), "'tools[0].parameters' must be an object.");
    EXPECT_EQ(message_of({{"strict", "yes"}}), "'tools[0].strict' must be a boolean.");
    EXPECT_EQ(
        message_of({{"function", {{"name", "f"}, {"strict", 1}}}}),
        "'tools[0].function.strict' must be a boolean."
    );
    EXPECT_EQ(
        message_of({{"parameters", nullptr}, {"strict", nullptr}, {"description", nullptr}}),
        "no error"
    );
    EXPECT_EQ(
        message_of_refused({{"metadata", {{"a", "x"}, {"b", 5}}}}), "'metadata.b' must be a string."
    );
}

json function(const std::string& name) {
    return {{"type", "function"}, {"name", name}};
}

std::string allowed(const json& tools, const json& names) {
    return message_of_refused(
        {{"tools", tools},
         {"tool_choice", {{"type", "allowed_tools"}, {"mode", "auto"}, {"tools", names}}}}
    );
}

TEST(responses_turns, allowed_tools_are_compared_as_sets_of_names) {
    const auto x = function("get_x");
    const auto nope = function("nope");
    EXPECT_EQ(allowed(json::array({x}), {x, x}), "no error");
    EXPECT_NE(allowed({x, x}, {x, nope}), "no error");
    EXPECT_EQ(allowed({x, x}, json::array({x})), "no error");
    EXPECT_NE(
        allowed(json::array({{{"type", "custom"}, {"name", "get_x"}}}), json::array({x})),
        "no error"
    );
    EXPECT_TRUE(chat_of(
        R"({"model":"m","input":"hi","tools":[{"type":"function","name":"get_x"}],
            "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"get\u005fx"}]}})"
    ));
}

TEST(responses_turns, many_allowed_tools_take_no_time) {
    json tools = json::array();
    json names = json::array();
    for (int i = 0; i < 16'000; ++i) {
        tools.push_back(function("tool_" + std::to_string(i)));
        names.push_back(function("other_" + std::to_string(i)));
    }
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_NE(allowed(tools, names), "no error");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace

}  // namespace meta_model::api
