#include "api/chat_request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace meta_model::api {
namespace {

using base::error_code_id;

constexpr std::string_view messages = R"("messages":[{"role":"user","content":"hi"}])";

std::string with(std::string_view member) {
    return R"({"model":"m",)" + std::string(messages) + (member.empty() ? "" : ",")
           + std::string(member) + "}";
}

std::string with_message(std::string_view message) {
    return R"({"model":"m","messages":[)" + std::string(message) + "]}";
}

base::error fault_of(std::string_view body, int max_depth = 64) {
    chat_request request;
    const auto parsed = request.parse(body, max_depth);
    EXPECT_TRUE(parsed.has_error()) << body;
    return parsed.has_error() ? parsed.error() : base::error{};
}

void expect_accepted(std::string_view body) {
    chat_request request;
    const auto parsed = request.parse(body, 64);
    EXPECT_TRUE(parsed.has_value()) << body << '\n'
                                    << (parsed.has_error() ? parsed.error().message : "");
}

void expect_param(std::string_view body, std::string_view param) {
    const auto e = fault_of(body);
    EXPECT_EQ(e.id, error_code_id::shape) << body;
    EXPECT_EQ(e.http_status(), 400);
    EXPECT_EQ(e.param, param) << body;
}

TEST(chat_request, what_is_no_json_object_is_invalid_json) {
    for (const std::string_view body :
         {"", "null", "[]", "\"x\"", "{", "{}x", "{\"model\":}", "{\"messages\":[{]}"}) {
        EXPECT_EQ(fault_of(body).id, error_code_id::invalid_json) << body;
    }
    EXPECT_EQ(fault_of(with(R"("x":[[[[[[]]]]]])"), 5).id, error_code_id::invalid_json);
}

TEST(chat_request, invalid_json_wins_over_a_wrong_shape) {
    EXPECT_EQ(fault_of(R"({"model":1,"messages":[}")").id, error_code_id::invalid_json);
}

TEST(chat_request, structural_members_given_twice_are_refused) {
    for (const std::string_view name :
         {"model",
          "messages",
          "stream",
          "stream_options",
          "x_meta_model",
          "tools",
          "functions",
          "max_tokens",
          "max_completion_tokens",
          "n"}) {
        const auto twice = '"' + std::string(name) + "\":null,\"" + std::string(name) + "\":null";
        const auto e = fault_of('{' + twice + '}');
        EXPECT_EQ(e.id, error_code_id::invalid_json) << name;
        EXPECT_EQ(e.param, name);
    }
    EXPECT_EQ(fault_of(with(R"("mod\u0065l":"other")")).id, error_code_id::invalid_json);
    expect_accepted(with(R"("seed":1,"seed":2)"));
}

TEST(chat_request, model_and_messages_are_required) {
    expect_param('{' + std::string(messages) + '}', "model");
    expect_param(R"({"model":"m"})", "messages");
    expect_param(R"({"model":"m","messages":[]})", "messages");
    expect_param(R"({"model":"m","messages":null})", "messages");
    expect_param(R"({"model":"m","messages":{}})", "messages");
    expect_param('{' + std::string(messages) + R"(,"model":null})", "model");
    expect_param('{' + std::string(messages) + R"(,"model":""})", "model");
    expect_param('{' + std::string(messages) + R"(,"model":7})", "model");
    expect_param('{' + std::string(messages) + R"(,"model":"\ud800"})", "model");
}

TEST(chat_request, the_first_violation_is_the_one_reported) {
    expect_param(with(R"("top_p":2,"temperature":3)"), "top_p");
}

TEST(chat_request, members_of_the_right_shape_are_accepted) {
    for (const std::string_view member :
         {"",
          R"("tools":[{}])",
          R"("functions":[{}])",
          R"("tool_choice":"auto")",
          R"("tool_choice":{})",
          R"("function_call":"none")",
          R"("parallel_tool_calls":false)",
          R"("max_tokens":1)",
          R"("max_completion_tokens":4096)",
          R"("stream":true)",
          R"("stream_options":{"include_usage":true,"x":1})",
          R"("temperature":0)",
          R"("temperature":2.0)",
          R"("top_p":1)",
          R"("top_p":0.5e-1)",
          R"("stop":"x")",
          R"("stop":["x","y"])",
          R"("response_format":{"type":"json_object"})",
          R"("n":1)",
          R"("n":5)",
          R"("seed":[1e400],"user":null,"anything":{"a":"\ud800"})"}) {
        expect_accepted(with(member));
    }
    for (const std::string_view name :
         {"stream",
          "stream_options",
          "x_meta_model",
          "tools",
          "functions",
          "tool_choice",
          "function_call",
          "parallel_tool_calls",
          "max_tokens",
          "max_completion_tokens",
          "temperature",
          "top_p",
          "stop",
          "response_format",
          "n"}) {
        expect_accepted(with('"' + std::string(name) + "\":null"));
    }
}

TEST(chat_request, a_violation_names_its_param) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {R"("stream":"true")", "stream"},
        {R"("stream_options":[])", "stream_options"},
        {R"("stream_options":{"include_usage":1})", "stream_options.include_usage"},
        {R"("tools":{})", "tools"},
        {R"("tools":[{},1])", "tools[1]"},
        {R"("functions":["f"])", "functions[0]"},
        {R"("tool_choice":1)", "tool_choice"},
        {R"("function_call":[])", "function_call"},
        {R"("parallel_tool_calls":1)", "parallel_tool_calls"},
        {R"("max_tokens":0)", "max_tokens"},
        {R"("max_tokens":1.5)", "max_tokens"},
        {R"("max_tokens":"1")", "max_tokens"},
        {R"("max_tokens":9223372036854775808)", "max_tokens"},
        {R"("max_completion_tokens":-1)", "max_completion_tokens"},
        {R"("temperature":2.01)", "temperature"},
        {R"("temperature":-0.1)", "temperature"},
        {R"("temperature":1e400)", "temperature"},
        {R"("top_p":1.1)", "top_p"},
        {R"("top_p":"1")", "top_p"},
        {R"("stop":1)", "stop"},
        {R"("stop":["a",null])", "stop[1]"},
        {R"("response_format":"json")", "response_format"},
        {R"("n":0)", "n"},
        {R"("n":true)", "n"},
        {R"("presence_penalty":"0")", "presence_penalty"},
        {R"("metadata":"x")", "metadata"},
        {R"("modalities":"text")", "modalities"},
        {R"("modalities":["text",5])", "modalities[1]"},
        {R"("x_meta_model":[])", "x_meta_model"},
        {R"("x_meta_model":{"profile":1})", "x_meta_model.profile"},
        {R"("x_meta_model":{"profile":"\ud800"})", "x_meta_model.profile"},
        {R"("x_meta_model":{"trace":"yes"})", "x_meta_model.trace"},
        {R"("x_meta_model":{"progress":0})", "x_meta_model.progress"},
        {R"("x_meta_model":{"deadline_ms":0})", "x_meta_model.deadline_ms"},
        {R"("x_meta_model":{"min_drafts":1.5})", "x_meta_model.min_drafts"},
        {R"("x_meta_model":{"max_cost_usd":-1})", "x_meta_model.max_cost_usd"},
        {R"("x_meta_model":{"budget":1})", "x_meta_model.budget"},
    };
    for (const auto& [member, param] : cases) {
        expect_param(with(member), param);
    }
}

TEST(chat_request, a_tokenizer_is_asked_about_a_prompt_or_a_chat) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {R"({"model":"m"})", "prompt"},
        {R"({"model":"m","prompt":null,"messages":null})", "prompt"},
        {R"({"model":"m","prompt":5})", "prompt"},
        {R"({"model":"m","messages":{}})", "messages"},
        {R"({"model":"m","messages":[]})", "messages"},
        {R"({"model":"m","messages":[{"content":5}]})", "messages[0].content"},
    };
    for (const auto& [body, param] : cases) {
        chat_request request;
        const auto parsed = request.parse(body, 64, shape_of(request_kind::tokenize));
        ASSERT_TRUE(parsed.has_error()) << body;
        EXPECT_EQ(parsed.error().param, param) << body;
        EXPECT_EQ(parsed.error().http_status(), 400) << body;
    }
    for (const std::string_view body :
         {R"({"model":"m","prompt":"x"})",
          R"({"model":"m","prompt":["x"],"messages":null})",
          R"({"model":"m","messages":[{"role":"user","content":"x"}]})"}) {
        chat_request request;
        EXPECT_TRUE(request.parse(body, 64, shape_of(request_kind::tokenize)).has_value()) << body;
        EXPECT_TRUE(request.messages().empty()) << "those of a chat only";
    }
}

TEST(chat_request, messages_of_the_right_shape_are_accepted) {
    for (const std::string_view role :
         {"system", "user", "assistant", "tool", "developer", "function"}) {
        expect_accepted(with_message(R"({"role":")" + std::string(role) + R"(","content":null})"));
    }
    expect_accepted(
        with_message(R"({"content":[{"type":"text","text":"x"}],"role":"user","extra":1})")
    );
    expect_accepted(with_message(R"({"role":"assistant","tool_calls":[{"id":"c"}],"name":null})"));
    expect_accepted(with_message(R"({"role":"tool","content":"x","tool_call_id":"c","name":"f"})"));
    expect_accepted(with_message(R"({"role":"assistant","content":"","tool_calls":null})"));
}

TEST(chat_request, strings_are_compared_by_what_they_stand_for) {
    chat_request request;
    const std::string body =
        R"({"mod\u0065l":"m","stream":true,"stream_options":{"include\u005fusage":true},"messages":[)"
        R"({"r\u006fle":"us\u0065r","content":"x"},{"role":"\u0073ystem","c\u006fntent":"y"}]})";
    ASSERT_TRUE(request.parse(body, 64).has_value());
    EXPECT_TRUE(request.include_usage());
    ASSERT_EQ(request.messages().size(), 2u);
    EXPECT_EQ(request.messages()[0].role, role::user);
    EXPECT_EQ(request.messages()[1].role, role::system);
    EXPECT_EQ(request.messages()[1].content, "\"y\"");
    expect_param(with_message(R"({"role":"us\ud800er","content":"x"})"), "messages[0].role");
}

TEST(chat_request, a_wrong_message_names_its_place) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {R"("hi")", "messages[0]"},
        {R"({"content":"x"})", "messages[0].role"},
        {R"({"role":"robot","content":"x"})", "messages[0].role"},
        {R"({"role":1})", "messages[0].role"},
        {R"({"role":"user","content":1})", "messages[0].content"},
        {R"({"role":"user","content":{}})", "messages[0].content"},
        {R"({"role":"user","content":["x"]})", "messages[0].content[0]"},
        {R"({"role":"user"},{"role":"assistant","tool_calls":{}})", "messages[1].tool_calls"},
        {R"({"role":"assistant","tool_calls":[{},1]})", "messages[0].tool_calls[1]"},
        {R"({"role":"user","name":1})", "messages[0].name"},
        {R"({"role":"tool","tool_call_id":{}})", "messages[0].tool_call_id"},
    };
    for (const auto& [message, param] : cases) {
        expect_param(with_message(message), param);
    }
}

TEST(chat_request, what_was_asked_for_is_found) {
    const std::string body =
        R"( {"model":"a\u0062","stream":true,"stream_options":{"include_usage":true},"messages":[)"
        R"({"role":"system","content":"s"},{"role":"assistant","tool_calls":[{"id":"c"}]}],"seed":null} )";
    chat_request request;
    ASSERT_TRUE(request.parse(body, 64).has_value());
    EXPECT_EQ(request.model(), "ab");
    EXPECT_EQ(request.requested_name(), "ab");
    EXPECT_TRUE(request.stream());
    EXPECT_TRUE(request.include_usage());
    EXPECT_EQ(body[request.object_begin() - 1], '{');
    EXPECT_EQ(body[request.object_end()], '}');
    EXPECT_EQ(request.find("seed"), nullptr);
    ASSERT_NE(request.find_any("seed"), nullptr);
    EXPECT_EQ(request.find_any("temperature"), nullptr);
    for (const auto& member : request.members()) {
        EXPECT_EQ(
            body.substr(member.value_begin, member.value_end - member.value_begin), member.value
        );
        EXPECT_EQ(body[member.key_begin], '"');
        EXPECT_EQ(body[member.key_end - 1], '"');
    }
    ASSERT_EQ(request.messages().size(), 2u);
    EXPECT_EQ(request.messages()[0].role, role::system);
    EXPECT_EQ(request.messages()[0].content, "\"s\"");
    EXPECT_EQ(request.messages()[0].role_raw, "\"system\"");
    EXPECT_FALSE(request.messages()[0].has_tool_calls);
    EXPECT_TRUE(request.messages()[1].has_tool_calls);
    EXPECT_EQ(request.messages()[1].content_type, json_type::invalid);
    EXPECT_EQ(request.messages()[0].raw, R"({"role":"system","content":"s"})");
}

TEST(chat_request, the_envelope_is_read_and_its_profile_wins) {
    chat_request request;
    const auto body = with(
        R"("x_meta_model":{"profile":"write\u002dv1","trace":true,"progress":true,"deadline_ms":900,)"
        R"("min_drafts":2,"max_cost_usd":0.5})"
    );
    ASSERT_TRUE(request.parse(body, 64).has_value());
    const auto& envelope = request.envelope();
    EXPECT_EQ(envelope.profile, "write-v1");
    EXPECT_TRUE(envelope.trace);
    EXPECT_TRUE(envelope.progress);
    EXPECT_EQ(envelope.deadline_ms, 900);
    EXPECT_EQ(envelope.min_drafts, 2);
    EXPECT_EQ(envelope.max_cost, base::from_usd(0.5));
    EXPECT_EQ(request.requested_name(), "write-v1");
    request.release();
    EXPECT_EQ(request.requested_name(), "write-v1");
    EXPECT_TRUE(request.envelope().trace);
    EXPECT_TRUE(request.members().empty());
}

TEST(chat_request, an_envelope_of_nulls_says_nothing) {
    chat_request request;
    const auto body = with(
        R"("x_meta_model":{"profile":null,"trace":null,"progress":null,"deadline_ms":null,"min_drafts":null,)"
        R"("max_cost_usd":null})"
    );
    ASSERT_TRUE(request.parse(body, 64).has_value());
    EXPECT_EQ(request.requested_name(), "m");
    EXPECT_FALSE(request.envelope().trace);
    EXPECT_FALSE(request.envelope().deadline_ms);
    EXPECT_FALSE(request.envelope().max_cost);
}

}  // namespace
}  // namespace meta_model::api
