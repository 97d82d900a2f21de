// Group Q, requests: what a response's input and tools are in a chat.
#include "contract/responses_words.hpp"

namespace meta_model::contract {

namespace {

const json look_up = {
    {"type", "function"},
    {"name", "look_up"},
    {"description", "Looks a word up."},
    {"parameters", {{"type", "object"}, {"properties", json::object()}}},
    {"strict", true}
};
const json nested_look_up = {
    {"type", "function"},
    {"function",
     {{"name", "look_up"},
      {"description", "Looks a word up."},
      {"parameters", {{"type", "object"}, {"properties", json::object()}}},
      {"strict", true}}}
};

TEST(responses, moa_223_instructions_limits_and_images_are_the_chats) {
    responding_model one;

    const auto sent = one.sent(
        {{"instructions", "Be brief."},
         {"max_output_tokens", 64},
         {"input",
          {{{"role", "developer"}, {"content", "Really."}},
           {{"role", "user"},
            {"content",
             {{{"type", "input_text"}, {"text", "Which frog?"}},
              {{"type", "input_image"}, {"image_url", "https://x/frog.png"}, {"detail", "low"}},
              {{"type", "input_image"}, {"image_url", {{"url", "data:image/png;base64,AA=="}}}}}}}}}
        }
    );

    EXPECT_EQ(sent["max_tokens"], 64);
    EXPECT_FALSE(sent.contains("max_output_tokens"));
    EXPECT_FALSE(sent.contains("instructions"));
    EXPECT_EQ(
        sent["messages"],
        json::parse(
            R"([{"role":"system","content":"Be brief."},{"role":"system","content":"Really."},
          {"role":"user","content":[{"type":"text","text":"Which frog?"},
            {"type":"image_url","image_url":{"url":"https://x/frog.png","detail":"low"}},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}])"
        )
    );
}

TEST(responses, moa_224_calls_of_a_turn_are_one_message_and_their_outputs_follow) {
    responding_model one;

    const auto messages = one.messages(
        {{{"role", "user"}, {"content", "Look up both."}},
         {{"type", "message"},
          {"role", "assistant"},
          {"content",
           {{{"type", "output_text"}, {"text", "I will."}, {"annotations", json::array()}}}}},
         {{"type", "function_call"},
          {"call_id", "c1"},
          {"name", "look_up"},
          {"arguments", "{\"w\":1}"}},
         {{"type", "function_call"}, {"id", "c2"}, {"name", "look_up"}, {"arguments", {{"w", 2}}}},
         {{"type", "custom_tool_call"}, {"call_id", "c3"}, {"name", "run"}, {"input", "ls"}},
         {{"type", "function_call_output"}, {"call_id", "c1"}, {"output", "one"}},
         {{"type", "function_call_output"},
          {"call_id", "c2"},
          {"output",
           {{{"type", "input_text"}, {"text", "t"}}, {{"type", "output_text"}, {"text", "wo"}}}}},
         {{"type", "custom_tool_call_output"}, {"call_id", "c3"}, {"output", "a b"}}}
    );

    EXPECT_EQ(messages, json::parse(R"([{"role":"user","content":"Look up both."},
          {"role":"assistant","content":"I will.","tool_calls":[
            {"id":"c1","type":"function","function":{"name":"look_up","arguments":"{\"w\":1}"}},
            {"id":"c2","type":"function","function":{"name":"look_up","arguments":"{\"w\":2}"}},
            {"id":"c3","type":"custom","custom":{"name":"run","input":"ls"}}]},
          {"role":"tool","tool_call_id":"c1","content":"one"},
          {"role":"tool","tool_call_id":"c2","content":"two"},
          {"role":"tool","tool_call_id":"c3","content":"a b"}])"));
}

TEST(responses, moa_225_flat_tools_are_nested_and_nested_ones_unchanged) {
    responding_model one;

    EXPECT_EQ(one.sent({{"tools", {look_up}}})["tools"], json::array({nested_look_up}));
    EXPECT_EQ(one.sent({{"tools", {nested_look_up}}})["tools"], json::array({nested_look_up}));
    EXPECT_EQ(
        one.sent({{"tools", {{{"type", "function"}, {"name", "f"}, {"strict", nullptr}}}}}
        )["tools"],
        json::parse(R"([{"type":"function","function":{"name":"f"}}])")
    );
    const json grammar = {{"type", "grammar"}, {"syntax", "lark"}, {"definition", "start: x"}};
    EXPECT_EQ(
        one.sent({{"tools", {{{"type", "custom"}, {"name", "run"}, {"format", grammar}}}}}
        )["tools"],
        json::parse(R"([{"type":"custom","custom":{"name":"run","format":{"type":"grammar",
          "grammar":{"syntax":"lark","definition":"start: x"}}}}])")
    );
    EXPECT_FALSE(one.sent({{"tools", json::array()}, {"parallel_tool_calls", true}}
    ).contains("tools"));
    responding_model other;
    expect_error(
        other.refused({{"tools", {{{"type", "function"}, {"description", "no name"}}}}}),
        {400, "invalid_request_error", "invalid_tools", "tools"}
    );
}

TEST(responses, moa_226_a_choice_of_tools_is_the_chats) {
    responding_model one;

    const json tools = {{"tools", {look_up}}};
    EXPECT_EQ(one.sent(with(tools, {{"tool_choice", "required"}}))["tool_choice"], "required");
    EXPECT_EQ(
        one.sent(with(tools, {{"tool_choice", {{"type", "function"}, {"name", "look_up"}}}})
        )["tool_choice"],
        json::parse(R"({"type":"function","function":{"name":"look_up"}})")
    );
    EXPECT_FALSE(one.sent({{"tool_choice", "auto"}}).contains("tool_choice"))
        << "nothing to choose";
}

TEST(responses, moa_227_null_and_false_are_as_good_as_absent) {
    responding_model one;
    for (const auto* name : {"previous_response_id", "background", "conversation"}) {
        EXPECT_FALSE(one.sent({{name, nullptr}}).contains(name));
    }
    EXPECT_FALSE(one.sent({{"background", false}}).contains("background"));
    EXPECT_FALSE(one.sent({{"store", false}, {"metadata", {{"a", "b"}}}}).contains("store"));
}

TEST(responses, moa_228_text_formats_are_the_chats_response_formats) {
    responding_model one;
    const json schema = {{"type", "object"}, {"properties", {{"n", {{"type", "integer"}}}}}};
    const json format = {
        {"type", "json_schema"}, {"name", "count"}, {"schema", schema}, {"strict", true}
    };

    const auto sent = one.sent({{"text", {{"format", format}, {"verbosity", "low"}}}});

    EXPECT_EQ(
        sent["response_format"],
        json(
            {{"type", "json_schema"},
             {"json_schema", {{"name", "count"}, {"schema", schema}, {"strict", true}}}}
        )
    );
    EXPECT_EQ(sent["verbosity"], "low");
    EXPECT_EQ(
        one.sent({{"text", {{"format", {{"type", "json_object"}}}}}})["response_format"]["type"],
        "json_object"
    );
    EXPECT_FALSE(one.sent({{"text", {{"format", {{"type", "text"}}}}}}).contains("response_format")
    );
    responding_model other;
    expect_error(
        other.refused({{"text", {{"format", {{"type", "grammar"}}}}}}),
        {501, "invalid_request_error", "unsupported_text_format", "text.format"}
    );
}

TEST(responses, moa_229_files_and_sounds_are_the_chats_and_images_come_out_of_calls) {
    responding_model one;
    const auto part = [&](const json& p) {
        return one.messages({{{"role", "user"}, {"content", {p}}}})[0]["content"][0];
    };
    EXPECT_EQ(
        part(
            {{"type", "input_file"},
             {"filename", "a.pdf"},
             {"file_data", "data:application/pdf;base64,AA=="}}
        ),
        json::parse(
            R"({"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}})"
        )
    );
    const json sound = {{"data", "AA=="}, {"format", "wav"}};
    EXPECT_EQ(
        part({{"type", "input_audio"}, {"input_audio", sound}}),
        json({{"type", "input_audio"}, {"input_audio", sound}})
    );
    const auto output = one.messages(
        {{{"type", "function_call"}, {"call_id", "c"}, {"name", "shot"}, {"arguments", "{}"}},
         {{"type", "function_call_output"},
          {"call_id", "c"},
          {"output",
           {{{"type", "input_text"}, {"text", "here"}},
            {{"type", "input_image"}, {"image_url", "https://x/s.png"}}}}}}
    )[1];
    EXPECT_EQ(
        output,
        json::parse(R"({"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"here"},
          {"type":"image_url","image_url":{"url":"https://x/s.png"}}]})")
    );
}

TEST(responses, moa_229_what_chats_have_no_like_of_is_a_501) {
    responding_model one;
    const auto refused_part = [&](const json& part, const char* code) {
        expect_error(
            one.refused({{"input", {{{"role", "user"}, {"content", {part}}}}}}),
            {501, "invalid_request_error", code, "input"}
        );
    };
    refused_part(
        {{"type", "input_file"}, {"file_url", "https://x/a.pdf"}}, "unsupported_input_part_type"
    );
    refused_part({{"type", "computer_call"}}, "unsupported_input_part_type");
    refused_part({{"type", "refusal"}, {"refusal", "no"}}, "unsupported_input_part_type");
    refused_part({{"type", "input_image"}, {"file_id", "file-1"}}, "unsupported_image_shape");
    for (const auto* type :
         {"web_search_call", "computer_call_output", "code_interpreter_call", "mcp_call"}) {
        expect_error(
            one.refused({{"input", {{{"type", type}, {"id", "x"}}}}}),
            {501, "invalid_request_error", "unsupported_input_item", "input"}
        );
    }
    expect_error(
        one.refused(
            {{"input",
              {{{"type", "function_call_output"},
                {"call_id", "c"},
                {"output", {{{"type", "computer_screenshot"}}}}}}}}
        ),
        {501, "invalid_request_error", "unsupported_function_call_output_part", "input"}
    );
    expect_error(
        one.refused({{"input", {{{"type", "item_reference"}, {"id", "msg_1"}}}}}),
        {404, "invalid_request_error", "item_not_found", "input"}
    );
    expect_error(
        one.refused({{"prompt", {{"id", "pmpt_1"}}}}),
        {501, "invalid_request_error", "unsupported_responses_param", "prompt"}
    );
}

TEST(responses, moa_230_of_allowed_tools_the_others_are_left_out) {
    responding_model one;
    const json other = {{"type", "function"}, {"name", "other"}};
    const json choice = {
        {"type", "allowed_tools"},
        {"mode", "required"},
        {"tools", {{{"type", "function"}, {"name", "look_up"}}}}
    };

    const auto sent = one.sent({{"tools", {other, look_up}}, {"tool_choice", choice}});

    EXPECT_EQ(sent["tools"], json::array({nested_look_up}));
    EXPECT_EQ(sent["tool_choice"], "required");
    responding_model refusing;
    expect_error(
        refusing.refused({{"tools", {other}}, {"tool_choice", choice}}),
        {400, "invalid_request_error", "invalid_tool_choice", "tool_choice"}
    );
    for (const auto* type :
         {"web_search", "file_search", "computer_use_preview", "code_interpreter"}) {
        expect_error(
            refusing.refused({{"tools", {{{"type", type}}}}}),
            {501, "invalid_request_error", "unsupported_tool", "tools"}
        );
        expect_error(
            refusing.refused({{"tool_choice", {{"type", type}}}}),
            {501, "invalid_request_error", "unsupported_tool_choice", "tool_choice"}
        );
    }
}

TEST(responses, fields_have_their_names_in_a_chat_and_unknown_ones_are_carried) {
    responding_model one;
    const json same = {
        {"temperature", 0.5},
        {"top_p", 0.5},
        {"user", "me"},
        {"safety_identifier", "s"},
        {"prompt_cache_key", "k"},
        {"service_tier", "flex"},
        {"seed", 5},
        {"stop", "x"},
        {"top_k", 7},
    };
    auto given = with(
        same,
        {{"reasoning", {{"effort", "high"}}},
         {"top_logprobs", 2},
         {"include", {"message.output_text.logprobs"}},
         {"truncation", "auto"},
         {"max_tool_calls", 2},
         {"stream_options", {{"include_obfuscation", false}}}}
    );

    const auto sent = one.sent(given);

    const json expected = with(
        with(say("org/a", "What is it?"), same),
        {{"reasoning_effort", "high"}, {"logprobs", true}, {"top_logprobs", 2}}
    );
    EXPECT_EQ(sent, expected);
}

}  // namespace

}  // namespace meta_model::contract
