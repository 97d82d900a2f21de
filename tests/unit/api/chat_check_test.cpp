#include "api/chat_check.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace meta_model::api {
namespace {

using base::error_code_id;

std::string chat_of(const std::string& messages, const std::string& members = "") {
    return R"({"model":"m","messages":[)" + messages + "]" + members + "}";
}

std::string with_members(const std::string& members) {
    return chat_of(R"({"role":"user","content":"x"})", "," + members);
}

// A chat whose second message has this part behind another one.
std::string with_part(const std::string& part) {
    return chat_of(
        R"({"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},)"
        + part + "]}"
    );
}

std::string with_call(const std::string& call) {
    return chat_of(R"({"role":"assistant","content":null,"tool_calls":[)" + call + "]}");
}

std::string with_function(const std::string& members) {
    return with_members(R"("tools":[{"type":"function","function":{"name":"f",)" + members + "}}]");
}

void expect_path(const std::string& body, const std::string& path) {
    chat_request request;
    const auto parsed = request.parse(body, 64);
    ASSERT_TRUE(parsed.has_value()) << body << parsed.error().message;
    const auto fault = judge_chat_members(request);
    ASSERT_TRUE(fault) << body;
    EXPECT_EQ((*fault).param, path) << body;
    EXPECT_EQ((*fault).id, error_code_id::shape) << body;
    EXPECT_TRUE((*fault).message.starts_with("'" + path + "' must be ")) << (*fault).message;
}

void expect_right(const std::string& body) {
    chat_request request;
    const auto parsed = request.parse(body, 64);
    ASSERT_TRUE(parsed.has_value()) << body << parsed.error().message;
    const auto fault = judge_chat_members(request);
    EXPECT_FALSE(fault) << body << (fault ? (*fault).message : "");
}

TEST(chat_check, parts_of_a_wrong_type_are_named) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"({})", "type"},
        {R"({"text":"a"})", "type"},
        {R"({"type":5})", "type"},
        {R"({"type":null,"text":"a"})", "type"},
        {R"({"type":"text"})", "text"},
        {R"({"type":"text","text":5})", "text"},
        {R"({"type":"text","text":null})", "text"},
        {R"({"type":"text","t\u0065xt":["a"]})", "text"},
        {R"({"type":"text","text":"a","cache_control":"ephemeral"})", "cache_control"},
        {R"({"type":"refusal","refusal":true})", "refusal"},
        {R"({"type":"image_url"})", "image_url"},
        {R"({"type":"image_url","image_url":5})", "image_url"},
        {R"({"type":"image_url","image_url":""})", "image_url"},
        {R"({"type":"image_url","image_url":{"detail":"low"}})", "image_url.url"},
        {R"({"type":"image_url","image_url":{"url":5}})", "image_url.url"},
        {R"({"type":"image_url","image_url":{"url":""}})", "image_url.url"},
        {R"({"type":"image_url","image_url":{"url":"u","detail":1}})", "image_url.detail"},
        {R"({"type":"video_url","video_url":[]})", "video_url"},
        {R"({"type":"input_audio","input_audio":"AAAA"})", "input_audio"},
        {R"({"type":"input_audio","input_audio":{"data":5}})", "input_audio.data"},
        {R"({"type":"input_audio","input_audio":{"data":"A","format":{}}})", "input_audio.format"},
        {R"({"type":"file","file":"id"})", "file"},
        {R"({"type":"file","file":{"file_data":5}})", "file.file_data"},
        {R"({"type":"file","file":{"file_id":[]}})", "file.file_id"},
    };
    for (const auto& [part, path] : cases) {
        expect_path(with_part(part), "messages[1].content[1]." + path);
    }
}

TEST(chat_check, members_of_messages_are_named) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"({"role":"assistant","refusal":5})", "refusal"},
        {R"({"role":"assistant","content":"a","audio":"id"})", "audio"},
        {R"({"role":"assistant","content":"a","function_call":"f"})", "function_call"},
        {R"({"role":"assistant","function_call":{"arguments":"{}"}})", "function_call.name"},
        {R"({"role":"assistant","function_call":{"name":"f","arguments":5}})",
         "function_call.arguments"},
        {R"({"role":"assistant","content":"a","thinking_blocks":{}})", "thinking_blocks"},
        {R"({"role":"assistant","content":"a","thinking_blocks":[5]})", "thinking_blocks[0]"},
        {R"({"role":"user","content":"a","cache_control":5})", "cache_control"},
        {R"({"role":"tool","tool_call_id":"c","content":[{"type":"text","text":5}]})",
         "content[0].text"},
    };
    for (const auto& [message, path] : cases) {
        expect_path(chat_of(message), "messages[0]." + path);
    }
}

TEST(chat_check, calls_of_a_wrong_type_are_named) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"({"id":5,"type":"function","function":{"name":"f"}})", "id"},
        {R"({"id":"c","type":5,"function":{"name":"f"}})", "type"},
        {R"({"id":"c","type":"function"})", "function"},
        {R"({"id":"c","function":"f"})", "function"},
        {R"({"id":"c","type":"function","function":null})", "function"},
        {R"({"id":"c","function":{}})", "function.name"},
        {R"({"id":"c","function":{"name":5}})", "function.name"},
        {R"({"id":"c","function":{"name":""}})", "function.name"},
        {R"({"id":"c","function":{"name":"f","arguments":[1]}})", "function.arguments"},
        {R"({"id":"c","type":"custom","custom":"run"})", "custom"},
        {R"({"id":"c","type":"custom","custom":{"name":"run","input":5}})", "custom.input"},
    };
    for (const auto& [call, path] : cases) {
        expect_path(with_call(call), "messages[0].tool_calls[0]." + path);
    }
}

TEST(chat_check, tools_choices_and_formats_of_a_wrong_type_are_named) {
    expect_path(with_function(R"("parameters":"x")"), "tools[0].function.parameters");
    expect_path(with_function(R"("description":5)"), "tools[0].function.description");
    expect_path(with_function(R"("strict":"yes")"), "tools[0].function.strict");
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"("tools":[{"type":"function","function":"f"}])", "tools[0].function"},
        {R"("tools":[{"function":{"name":"f"}},{"type":5}])", "tools[1].type"},
        {R"("tools":[{"type":"function","function":{"name":5}}])", "tools[0].function.name"},
        {R"("tools":[{"type":"function","function":{}}])", "tools[0].function.name"},
        {R"("tools":[{"type":"custom","custom":{"name":5}}])", "tools[0].custom.name"},
        {R"("functions":[{"name":"f","parameters":5}])", "functions[0].parameters"},
        {R"("functions":[{"parameters":{}}])", "functions[0].name"},
        {R"("tool_choice":"bogus")", "tool_choice"},
        {R"("tool_choice":{})", "tool_choice.type"},
        {R"("tool_choice":{"type":"tool","name":"f"})", "tool_choice.type"},
        {R"("tool_choice":{"type":"function","function":"f"})", "tool_choice.function"},
        {R"("tool_choice":{"type":"function","function":{"name":5}})", "tool_choice.function.name"},
        {R"("tool_choice":{"type":"custom"})", "tool_choice.custom"},
        {R"("tool_choice":{"type":"allowed_tools"})", "tool_choice.allowed_tools"},
        {R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[5]}})",
         "tool_choice.allowed_tools.tools[0]"},
        {R"("response_format":{})", "response_format.type"},
        {R"("response_format":{"type":5})", "response_format.type"},
        {R"("response_format":{"type":"json_schema"})", "response_format.json_schema"},
        {R"("response_format":{"type":"json_schema","json_schema":"x"})",
         "response_format.json_schema"},
        {R"("response_format":{"type":"json_schema","json_schema":{"name":5}})",
         "response_format.json_schema.name"},
        {R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":"x"}})",
         "response_format.json_schema.schema"},
        {R"("logprobs":1)", "logprobs"},
        {R"("reasoning_effort":5)", "reasoning_effort"},
        {R"("seed":"7")", "seed"},
        {R"("user":5)", "user"},
        {R"("logit_bias":[])", "logit_bias"},
        {R"("logit_bias":{"5":"x"})", "logit_bias.5"},
    };
    for (const auto& [members, path] : cases) {
        expect_path(with_members(members), path);
    }
}

TEST(chat_check, the_first_one_is_named) {
    expect_path(
        chat_of(
            R"({"role":"user","content":[{"type":"text","text":5}]},{"role":"user","content":[{}]})",
            R"(,"tool_choice":"bogus")"
        ),
        "messages[0].content[0].text"
    );
}

TEST(chat_check, what_is_right_or_unknown_passes) {
    for (const char* part :
         {R"({"type":"text","text":""})",
          R"({"type":"text","text":"a","cache_control":{"type":"ephemeral"},"more":5})",
          R"({"type":"image_url","image_url":"https://a/b.png"})",
          R"({"type":"image_url","image_url":{"url":"data:,","detail":null}})",
          R"({"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}})",
          R"({"type":"file","file":{"file_id":"f"}})",
          R"({"type":"thinking","thinking":[{"type":"text","text":"hm"}]})",
          R"({"type":"of_tomorrow","text":5,"image_url":5})"}) {
        expect_right(with_part(part));
    }
    for (const char* call :
         {R"({"id":"c","type":"function","function":{"name":"f","arguments":"{}"}})",
          R"({"function":{"name":"f","arguments":{"a":1}},"extra_content":5})",
          R"({"id":"c","type":"custom","custom":{"name":"run","input":"ls"}})",
          R"({"id":"c","type":"of_tomorrow","of_tomorrow":5})"}) {
        expect_right(with_call(call));
    }
    for (const char* members :
         {R"("tools":null,"tool_choice":null,"response_format":null,"metadata":null)",
          R"("tools":[{"type":"function","function":{"name":"f","parameters":null,"strict":true}}])",
          R"("tools":[{"type":"web_search","user_location":5}])",
          R"("tool_choice":"required")",
          R"("tool_choice":{"type":"function","function":{"name":"f"}})",
          R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{}]}})",
          R"("response_format":{"type":"text"})",
          R"("response_format":{"type":"grammar","grammar":5})",
          R"("response_format":{"type":"json_schema","json_schema":{"schema":{}}})",
          R"("response_format":{"type":"json_schema","schema":{}})",
          R"("metadata":{"a":null,"b":[]},"logit_bias":{"5":-1})"}) {
        expect_right(with_members(members));
    }
    expect_right(chat_of(
        R"({"role":"assistant","content":null,"refusal":null,"tool_calls":null,"function_call":null})"
    ));
}

TEST(chat_check, tools_that_are_no_functions_are_found) {
    const auto found = [](const std::string& body) {
        chat_request request;
        EXPECT_TRUE(request.parse(body, 64).has_value()) << body;
        const auto tool = find_foreign_tool(request);
        return tool ? std::string(tool->member) + " " + tool->place : "";
    };
    EXPECT_EQ(
        found(with_members(R"("tools":[{"function":{"name":"f"}},{"type":"custom"}])")),
        "tools tools[1]"
    );
    EXPECT_EQ(
        found(with_call(R"({"type":"function"},{"type":"custom"})")),
        "messages messages[0].tool_calls[1]"
    );
    EXPECT_EQ(found(with_members(R"("tool_choice":{"type":"custom"})")), "tool_choice tool_choice");
    EXPECT_EQ(found(with_members(R"("tool_choice":{"type":"allowed_tools"})")), "");
    EXPECT_EQ(found(with_members(R"("tools":[{"type":"function"}],"tool_choice":"auto")")), "");
}

}  // namespace
}  // namespace meta_model::api
