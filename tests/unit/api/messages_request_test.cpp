// Requests of the Messages API as chats, as bytes.
#include "api/messages_request.hpp"

#include "api/anthropic_request.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace meta_model::api {

namespace {

using nlohmann::json;

std::string chat_of(const std::string& body) {
    const auto chat = chat_of_messages(body, 64);
    EXPECT_TRUE(chat.has_value()) << (chat ? "" : chat.error().message);
    return chat ? *chat : "";
}

TEST(messages_request, a_conversation_becomes_chat_messages_byte_for_byte) {
    EXPECT_EQ(
        chat_of(
            R"({"model":"m","max_tokens":9,"system":[{"type":"text","text":"be"},{"type":"text","text":"brief","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"caf\u00e9"},{"role":"assistant","content":[{"type":"thinking","thinking":"h\u00e9m","signature":"c2ln+\/="},{"type":"redacted_thinking","data":"RX"},{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"tool_use","id":"t1","name":"f","input":{"x": "y\n"}},{"type":"tool_use","id":"t2","name":"g","input":{}}]},{"role":"user","content":[{"type":"text","text":"see"},{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}],"is_error":true},{"type":"tool_result","tool_use_id":"t2","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}]},{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}]})"
        ),
        R"({"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"be"},{"type":"text","text":"brief","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"caf\u00e9"},{"role":"assistant","content":"ab","reasoning_content":"h\u00e9m","thinking_blocks":[{"type":"thinking","thinking":"h\u00e9m","signature":"c2ln+\/="},{"type":"redacted_thinking","data":"RX"}],"tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"x\": \"y\\n\"}"}},{"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"t1","content":"Error: one\ntwo"},{"role":"tool","tool_call_id":"t2","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]},{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}],"max_tokens":9})"
    );
}

TEST(messages_request, what_else_is_asked_has_its_like_in_a_chat) {
    const auto chat = json::parse(chat_of(
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"system":"s","stream":true,"temperature":0.5,"top_p":0.9,"top_k":5,"stop_sequences":["x"],"metadata":{"user_id":"u"},"tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},"thinking":{"type":"enabled","budget_tokens":2048},"output_config":{"effort":"max","format":{"type":"json_schema","schema":{"type":"object"}}},"x_meta_model":{"trace":true},"seed":5,"service_tier":"auto","context_management":{"edits":[]}})"
    ));
    EXPECT_EQ(
        chat,
        json::parse(
            R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}],"max_tokens":9,"stream":true,"stream_options":{"include_usage":true},"stop":["x"],"user":"u","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}},"cache_control":{"type":"ephemeral"}}],"tool_choice":"required","parallel_tool_calls":false,"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"}}},"reasoning_effort":"xhigh","x_meta_messages":{"metadata":{"user_id":"u"},"effort":"max","thinking":{"type":"enabled","budget_tokens":2048}},"temperature":0.5,"top_p":0.9,"top_k":5,"x_meta_model":{"trace":true},"seed":5})"
        )
    );
    const auto choice = [](const std::string& text) {
        return json::parse(chat_of(
            R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}],"tools":[{"name":"f","input_schema":{}}],"tool_choice":)"
            + text + "}"
        ))["tool_choice"];
    };
    EXPECT_EQ(choice(R"({"type":"auto"})"), "auto");
    EXPECT_EQ(choice(R"({"type":"none"})"), "none");
    EXPECT_EQ(
        choice(R"({"type":"tool","name":"f"})"),
        json::parse(R"({"type":"function","function":{"name":"f"}})")
    );
    const auto long_user = std::string(63, 'u') + "\u00e9\u00e9";
    const auto user = json::parse(chat_of(
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}],"metadata":{"user_id":")"
        + long_user + R"("},"thinking":{"type":"disabled"},"output_config":{"effort":"low"}})"
    ));
    EXPECT_EQ(user["user"], std::string(63, 'u'));
    EXPECT_EQ(user["x_meta_messages"]["metadata"]["user_id"], long_user);
    EXPECT_FALSE(user.contains("reasoning_effort"));
}

TEST(messages_request, thinking_between_texts_keeps_its_place) {
    const auto chat = json::parse(chat_of(
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"1","signature":"s1"},{"type":"text","text":"x"},{"type":"thinking","thinking":"2","signature":"s2"},{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"3","signature":""},{"type":"text","text":"y"},{"type":"thinking","thinking":"3","signature":"s3"}]}]})"
    ));
    ASSERT_EQ(chat["messages"].size(), 4u);
    EXPECT_EQ(chat["messages"][1]["content"], "x");
    EXPECT_EQ(chat["messages"][2]["thinking_blocks"][0]["signature"], "s2");
    EXPECT_EQ(chat["messages"][2]["tool_calls"].size(), 1u);
    EXPECT_EQ(chat["messages"][3]["thinking_blocks"].size(), 1u);
    EXPECT_EQ(chat["messages"][3]["reasoning_content"], "3");
}

// What a client of the Messages API sends an upstream that speaks it, through the chat between them.
TEST(messages_request, a_conversation_comes_back_from_the_chat_as_it_was) {
    const std::string turns =
        R"([{"role":"user","content":[{"type":"text","text":"a\u00e9","cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"h\u00e9\n","signature":"c2ln+\/="},{"type":"redacted_thinking","data":"RX"},{"type":"text","text":"b"},{"type":"tool_use","id":"t1","name":"f","input":{"x": ["\u2028",1e400]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r","cache_control":{"type":"ephemeral"}},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"aGk="}},{"type":"text","text":"c"}]}])";
    const auto chat = chat_of(
        R"({"model":"m","max_tokens":4096,"messages":)" + turns
        + R"(,"thinking":{"type":"enabled","budget_tokens":2048},"metadata":{"user_id":"u"},"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"stop_sequences":["x"],"system":"s"})"
    );
    std::string out;
    messages_request facts;
    ASSERT_TRUE(write_messages_request(chat, {.max_output = 8192}, out, facts));
    EXPECT_EQ(
        out,
        R"({"model":"m","messages":)" + turns
            + R"(,"system":"s","tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"max_tokens":4096,"stop_sequences":["x"],"thinking":{"type":"enabled","budget_tokens":2048},"metadata":{"user_id":"u"}})"
    );
}

struct wrong {
    std::string body;
    std::string param;
};

TEST(messages_request, every_wrong_type_is_named) {
    const auto with_member = [](const std::string& member) {
        return R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}],)" + member
               + "}";
    };
    const auto with_turn = [](const std::string& turn) {
        return R"({"model":"m","max_tokens":9,"messages":[)" + turn + "]}";
    };
    const auto with_block = [&](const std::string& role, const std::string& block) {
        return with_turn(
            R"({"role":")" + role + R"(","content":[{"type":"text","text":"a"},)" + block + "]}"
        );
    };
    const std::vector<wrong> table{
        {R"({"max_tokens":9,"messages":[{"role":"user","content":"a"}]})", "model"},
        {R"({"model":"","max_tokens":9,"messages":[{"role":"user","content":"a"}]})", "model"},
        {R"({"model":5,"max_tokens":9,"messages":[]})", "model"},
        {R"({"model":"m","messages":[{"role":"user","content":"a"}]})", "max_tokens"},
        {R"({"model":"m","max_tokens":0,"messages":[{"role":"user","content":"a"}]})", "max_tokens"
        },
        {R"({"model":"m","max_tokens":"9","messages":[]})", "max_tokens"},
        {R"({"model":"m","max_tokens":9})", "messages"},
        {R"({"model":"m","max_tokens":9,"messages":{}})", "messages"},
        {with_turn(""), "messages"},
        {with_turn("5"), "messages.0"},
        {with_turn(R"({"content":"a"})"), "messages.0.role"},
        {with_turn(R"({"role":"tool","content":"a"})"), "messages.0.role"},
        {with_turn(R"({"role":"user"})"), "messages.0.content"},
        {with_turn(R"({"role":"user","content":5})"), "messages.0.content"},
        {with_turn(R"({"role":"user","content":[]})"), "messages.0.content"},
        {with_turn(R"({"role":"user","content":["a"]})"), "messages.0.content.0"},
        {with_block("user", R"({"text":"a"})"), "messages.0.content.1.type"},
        {with_block("user", R"({"type":5})"), "messages.0.content.1.type"},
        {with_block("user", R"({"type":"document"})"), "messages.0.content.1.type"},
        {with_block("user", R"({"type":"text"})"), "messages.0.content.1.text"},
        {with_block("user", R"({"type":"text","text":5})"), "messages.0.content.1.text"},
        {with_block("user", R"({"type":"text","text":"a","cache_control":5})"),
         "messages.0.content.1.cache_control"},
        {with_block("user", R"({"type":"text","text":"a","citations":5})"),
         "messages.0.content.1.citations"},
        {with_block("assistant", R"({"type":"text","text":"a","citations":{}})"),
         "messages.0.content.1.citations"},
        {with_block("user", R"({"type":"image"})"), "messages.0.content.1.source"},
        {with_block("user", R"({"type":"image","source":{}})"), "messages.0.content.1.source.type"},
        {with_block("user", R"({"type":"image","source":{"type":"file","file_id":"x"}})"),
         "messages.0.content.1.source.type"},
        {with_block("user", R"({"type":"image","source":{"type":"base64","data":"x"}})"),
         "messages.0.content.1.source.media_type"},
        {with_block("user", R"({"type":"image","source":{"type":"url","url":5}})"),
         "messages.0.content.1.source.url"},
        {with_block("user", R"({"type":"tool_use","id":"a","name":"f","input":{}})"),
         "messages.0.content.1.type"},
        {with_block("user", R"({"type":"tool_result","content":"x"})"),
         "messages.0.content.1.tool_use_id"},
        {with_block("user", R"({"type":"tool_result","tool_use_id":"a","content":5})"),
         "messages.0.content.1.content"},
        {with_block("user", R"({"type":"tool_result","tool_use_id":"a","is_error":"yes"})"),
         "messages.0.content.1.is_error"},
        {with_block(
             "user",
             R"({"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"x"},{"type":"text"}]})"
         ),
         "messages.0.content.1.content.1.text"},
        {with_block("assistant", R"({"type":"image"})"), "messages.0.content.1.type"},
        {with_block("assistant", R"({"type":"server_tool_use"})"), "messages.0.content.1.type"},
        {with_block("assistant", R"({"type":"thinking"})"), "messages.0.content.1.thinking"},
        {with_block("assistant", R"({"type":"thinking","thinking":"a","signature":5})"),
         "messages.0.content.1.signature"},
        {with_block("assistant", R"({"type":"redacted_thinking"})"), "messages.0.content.1.data"},
        {with_block("assistant", R"({"type":"tool_use","name":"f","input":{}})"),
         "messages.0.content.1.id"},
        {with_block("assistant", R"({"type":"tool_use","id":"a","input":{}})"),
         "messages.0.content.1.name"},
        {with_block("assistant", R"({"type":"tool_use","id":"a","name":"f","input":"{}"})"),
         "messages.0.content.1.input"},
        {with_member(R"("system":5)"), "system"},
        {with_member(R"("system":[5])"), "system.0"},
        {with_member(R"("system":[{"type":"image"}])"), "system.0.type"},
        {with_member(R"("system":[{"type":"text","text":5}])"), "system.0.text"},
        {with_member(R"("stream":"yes")"), "stream"},
        {with_member(R"("temperature":1.5)"), "temperature"},
        {with_member(R"("temperature":"1")"), "temperature"},
        {with_member(R"("top_p":2)"), "top_p"},
        {with_member(R"("top_k":"5")"), "top_k"},
        {with_member(R"("top_k":1.5)"), "top_k"},
        {with_member(R"("service_tier":5)"), "service_tier"},
        {with_member(R"("speed":5)"), "speed"},
        {with_member(R"("cache_control":"x")"), "cache_control"},
        {with_member(R"("context_management":[])"), "context_management"},
        {with_member(R"("stop_sequences":"x")"), "stop_sequences"},
        {with_member(R"("stop_sequences":["x",5])"), "stop_sequences.1"},
        {with_member(R"("metadata":5)"), "metadata"},
        {with_member(R"("metadata":{"user_id":5})"), "metadata.user_id"},
        {with_member(R"("tools":{})"), "tools"},
        {with_member(R"("tools":[5])"), "tools.0"},
        {with_member(R"("tools":[{"input_schema":{}}])"), "tools.0.name"},
        {with_member(R"("tools":[{"name":"f"}])"), "tools.0.input_schema"},
        {with_member(R"("tools":[{"name":"f","input_schema":{},"description":5}])"),
         "tools.0.description"},
        {with_member(
             R"("tools":[{"name":"f","input_schema":{}},{"type":"bash_20250124","name":"bash"}])"
         ),
         "tools.1.type"},
        {with_member(R"("tool_choice":"auto")"), "tool_choice"},
        {with_member(R"("tool_choice":{"type":"must"})"), "tool_choice.type"},
        {with_member(R"("tool_choice":{"type":"tool"})"), "tool_choice.name"},
        {with_member(R"("tool_choice":{"type":"auto","disable_parallel_tool_use":1})"),
         "tool_choice.disable_parallel_tool_use"},
        {with_member(R"("thinking":true)"), "thinking"},
        {with_member(R"("thinking":{})"), "thinking.type"},
        {with_member(R"("thinking":{"type":"on"})"), "thinking.type"},
        {with_member(R"("thinking":{"type":"enabled"})"), "thinking.budget_tokens"},
        {with_member(R"("output_config":5)"), "output_config"},
        {with_member(R"("output_config":{"effort":"most"})"), "output_config.effort"},
        {with_member(R"("output_config":{"format":{"type":"text"}})"), "output_config.format.type"},
        {with_member(R"("output_format":{"type":"json_schema"})"), "output_format.schema"},
        {with_member(R"("container":"c")"), "container"},
        {with_member(R"("mcp_servers":[{}])"), "mcp_servers"},
    };
    for (const auto& [body, param] : table) {
        const auto chat = chat_of_messages(body, 64);
        ASSERT_FALSE(chat.has_value()) << body;
        EXPECT_EQ(chat.error().param, param) << body;
        EXPECT_EQ(chat.error().http_status(), 400) << body;
        EXPECT_TRUE(chat.error().message.starts_with(param + ": ")) << chat.error().message;
    }
    for (const std::string body : {"", "[]", "{", R"({"model":"a","model":"b"})"}) {
        const auto chat = chat_of_messages(body, 64);
        ASSERT_FALSE(chat.has_value()) << body;
        EXPECT_EQ(chat.error().code(), "invalid_json") << body;
    }
    EXPECT_FALSE(chat_of_messages(with_member(R"("x":[[[[]]]])"), 4).has_value());
    for (const std::string name :
         {"output_config", "output_format", "cache_control", "context_management", "thinking"}) {
        const auto counted = judge_count_tokens(with_member('"' + name + R"(":"x")"), 64);
        ASSERT_FALSE(counted.has_value()) << name;
        EXPECT_EQ(counted.error().param, name);
    }
    EXPECT_TRUE(
        judge_count_tokens(R"({"model":"m","messages":[{"role":"user","content":"a"}]})", 64)
            .has_value()
    );
}

}  // namespace

}  // namespace meta_model::api
