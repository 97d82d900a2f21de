// What is refused of a request to /v1/responses because it has the wrong type.
#include "contract/responses_words.hpp"

namespace meta_model::contract {

namespace {

TEST(responses, wrong_types_are_a_400_that_names_the_field) {
    responding_model one;
    const json empty = json::object();
    const std::vector<std::tuple<json, std::string, std::optional<std::string>>> wrong{
        {{{"instructions", 5}}, "instructions", std::nullopt},
        {{{"stream", "yes"}}, "stream", std::nullopt},
        {{{"stream_options", 5}}, "stream_options", std::nullopt},
        {{{"stream_options", {{"include_obfuscation", 1}}}},
         "stream_options.include_obfuscation",
         std::nullopt},
        {{{"previous_response_id", 5}}, "previous_response_id", std::nullopt},
        {{{"conversation", 5}}, "conversation", std::nullopt},
        {{{"background", "yes"}}, "background", std::nullopt},
        {{{"store", "yes"}}, "store", std::nullopt},
        {{{"include", "x"}}, "include", std::nullopt},
        {{{"include", {5}}}, "include[0]", std::nullopt},
        {{{"metadata", "x"}}, "metadata", std::nullopt},
        {{{"parallel_tool_calls", "x"}}, "parallel_tool_calls", std::nullopt},
        {{{"max_tool_calls", 0}}, "max_tool_calls", std::nullopt},
        {{{"max_output_tokens", "x"}}, "max_output_tokens", std::nullopt},
        {{{"temperature", 3}}, "temperature", std::nullopt},
        {{{"top_p", "x"}}, "top_p", std::nullopt},
        {{{"top_logprobs", 21}}, "top_logprobs", std::nullopt},
        {{{"text", "x"}}, "text", std::nullopt},
        {{{"text", {{"verbosity", 5}}}}, "text.verbosity", std::nullopt},
        {{{"text", {{"format", "x"}}}}, "text.format", std::nullopt},
        {{{"text", {{"format", {{"type", "json_schema"}}}}}}, "text.format.name", std::nullopt},
        {{{"text", {{"format", {{"type", "json_schema"}, {"name", "n"}}}}}},
         "text.format.schema",
         std::nullopt},
        {{{"text",
           {{"format", {{"type", "json_schema"}, {"name", "n"}, {"schema", empty}, {"strict", "x"}}}
           }}},
         "text.format.strict",
         std::nullopt},
        {{{"text",
           {{"format",
             {{"type", "json_schema"}, {"name", "n"}, {"schema", empty}, {"description", 5}}}}}},
         "text.format.description",
         std::nullopt},
        {{{"reasoning", "high"}}, "reasoning", std::nullopt},
        {{{"reasoning", {{"effort", 5}}}}, "reasoning.effort", std::nullopt},
        {{{"reasoning", {{"summary", 5}}}}, "reasoning.summary", std::nullopt},
        {{{"truncation", "some"}}, "truncation", std::nullopt},
        {{{"prompt", "x"}}, "prompt", std::nullopt},
        {{{"user", 5}}, "user", std::nullopt},
        {{{"safety_identifier", 5}}, "safety_identifier", std::nullopt},
        {{{"prompt_cache_key", 5}}, "prompt_cache_key", std::nullopt},
        {{{"service_tier", 5}}, "service_tier", std::nullopt},
        {{{"context_management", 5}}, "context_management", std::nullopt},
        {{{"context_management", {5}}}, "context_management[0]", std::nullopt},
        {{{"prompt_cache_retention", 5}}, "prompt_cache_retention", std::nullopt},
        {{{"n", "x"}}, "n", std::nullopt},
        {{{"seed", "x"}}, "seed", std::nullopt},
        {{{"stop", 5}}, "stop", std::nullopt},
        {{{"stop", {5}}}, "stop[0]", std::nullopt},
        {{{"frequency_penalty", 3}}, "frequency_penalty", std::nullopt},
        {{{"presence_penalty", "x"}}, "presence_penalty", std::nullopt},
        {{{"logit_bias", 5}}, "logit_bias", std::nullopt},
        {{{"x_meta_model", "x"}}, "x_meta_model", std::nullopt},
        {{{"x_meta_model", {{"trace", 5}}}}, "x_meta_model.trace", std::nullopt},
        {{{"tools", "x"}}, "tools", "invalid_tools"},
        {{{"tools", {"x"}}}, "tools[0]", "invalid_tools"},
        {{{"tools", {{{"type", "custom"}, {"name", "f"}, {"format", 5}}}}}, "tools", "invalid_tools"
        },
        {{{"tool_choice", 5}}, "tool_choice", "invalid_tool_choice"},
        {{{"tool_choice", "sometimes"}}, "tool_choice", "invalid_tool_choice"},
        {{{"tool_choice", {{"type", "function"}}}}, "tool_choice", "invalid_tool_choice"},
        {{{"input", 5}}, "input", "invalid_input"},
        {{{"input", json::array()}}, "input", std::nullopt},
        {{{"input", nullptr}}, "input", std::nullopt},
        {{{"input", {5}}}, "input", "invalid_input_item"},
        {{{"input", {{{"type", 5}}}}}, "input", "invalid_input_item"},
        {{{"input", {{{"role", "critic"}, {"content", "x"}}}}}, "input", "invalid_role"},
        {{{"input", {{{"content", "x"}}}}}, "input", "invalid_role"},
        {{{"input", {{{"role", "user"}, {"content", 5}}}}}, "input", "invalid_input_content"},
        {{{"input", {{{"role", "user"}, {"content", {5}}}}}}, "input", "invalid_input_part"},
        {{{"input", {{{"role", "user"}, {"content", {{{"type", "input_text"}}}}}}}},
         "input",
         "invalid_input_part"},
        {{{"input", {{{"type", "function_call"}, {"name", "f"}}}}}, "input", "missing_call_id"},
        {{{"input", {{{"type", "function_call"}, {"call_id", "c"}}}}},
         "input",
         "invalid_function_call"},
        {{{"input", {{{"type", "function_call"}, {"call_id", "c"}, {"name", "f"}, {"arguments", 5}}}
         }},
         "input",
         "invalid_function_call"},
        {{{"input", {{{"type", "function_call_output"}, {"output", "x"}}}}},
         "input",
         "missing_call_id"},
        {{{"input", {{{"type", "function_call_output"}, {"call_id", "c"}}}}},
         "input",
         "invalid_function_call_output"},
        {{{"messages", json::array()}}, "messages", "invalid_request"},
        {{{"max_tokens", 5}}, "max_tokens", "invalid_request"},
    };
    for (const auto& [change, param, code] : wrong) {
        const auto reply = one.refused(change);
        expect_error(reply, {400, "invalid_request_error", code, param});
    }
    expect_error(
        respond(one.gateway, {{"input", "x"}}),
        {400, "invalid_request_error", "missing_model", "model"}
    );
    EXPECT_EQ(
        fetch(
            one.gateway.port(),
            {"POST",
             "/v1/responses",
             {{"Content-Type", "application/json"}},
             "{\"model\":\"a\",\"input\":"}
        )
            .error_code(),
        "invalid_json"
    );
}

TEST(responses, wrong_types_within_items_are_a_400_that_says_where) {
    responding_model one;
    const auto thought = [](const json& members) {
        return with({{"type", "reasoning"}, {"summary", json::array()}}, members);
    };
    const auto said = [](const json& members) {
        return with({{"role", "user"}, {"content", "What is it?"}}, members);
    };
    const auto shown = [&](const json& url) {
        return said({{"content", {{{"type", "input_image"}, {"image_url", url}}}}});
    };
    const std::vector<std::pair<json, std::string>> wrong{
        {thought({{"summary", 5}}), "input[1].summary must be a list"},
        {thought({{"summary", {5}}}), "input[1].summary[0] must be an object"},
        {thought({{"summary", {{{"text", 5}}}}}), "input[1].summary[0].text must be a string"},
        {thought({{"content", 5}}), "input[1].content must be a list"},
        {thought({{"content", {{{"text", 5}}}}}), "input[1].content[0].text must be a string"},
        {thought({{"encrypted_content", 5}}), "input[1].encrypted_content must be a string"},
        {thought({{"id", 5}}), "input[1].id must be a string"},
        {said({{"name", 5}}), "input[1].name must be a string"},
        {said({{"id", 5}}), "input[1].id must be a string"},
        {said({{"cache_control", 5}}), "input[1].cache_control must be an object"},
        {with(said({{"name", 5}}), {{"role", "assistant"}}), "input[1].name must be a string"},
        {shown(5), "input[1].content[0].image_url must be a string"},
        {shown({{"url", 5}}), "input[1].content[0].image_url.url must be a string"},
        {said({{"content", {{{"type", "input_file"}, {"file_url", 5}}}}}),
         "input[1].content[0].file_url must be a string"},
        {{{"type", "item_reference"}, {"id", 5}}, "input[1].id must be a string"},
        {{{"type", "item_reference"}}, "input[1].id must be given"},
    };
    for (const auto& [item, words] : wrong) {
        const auto reply = one.refused({{"input", {said(json::object()), item}}});
        EXPECT_EQ(reply.status, 400) << reply.body;
        EXPECT_EQ(reply.json()["error"]["param"], "input");
        EXPECT_TRUE(reply.json()["error"]["message"].get<std::string>().starts_with(words))
            << reply.body;
    }
    const json nulls = {
        thought({{"content", nullptr}, {"encrypted_content", nullptr}, {"id", nullptr}}),
        said({{"name", nullptr}})
    };
    EXPECT_EQ(one.sent({{"input", nulls}})["messages"].size(), 1u);
}

}  // namespace

}  // namespace meta_model::contract
