#include "api/chat_json_encoder.hpp"
#include "api/chat_stream_encoder.hpp"
#include "api/error_body.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace meta_model::api {
namespace {

using kind = answer_event_kind;

const std::string head =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":)";

std::string chunk(
    std::string_view delta, std::string_view finish = "null", std::string_view after = ""
) {
    return head + R"([{"index":0,"delta":)" + std::string(delta) + R"(,"finish_reason":)"
           + std::string(finish) + "}]" + std::string(after) + "}\n\n";
}

const std::string done = "data: [DONE]\n\n";

chat_stream_options options(bool include_usage = false, bool expose_reasoning = false) {
    return {
        .id = "chatcmpl-1",
        .created = 7,
        .model = "m",
        .include_usage = include_usage,
        .expose_reasoning = expose_reasoning
    };
}

std::string encoded(
    const std::vector<answer_event>& events, const chat_stream_options& opts = options()
) {
    std::string out;
    chat_stream_encoder encoder(out, opts);
    for (const auto& event : events) {
        encoder.on_event(event);
    }
    encoder.close();
    return out;
}

std::string encoded(const draft& answer, const chat_stream_options& opts = options()) {
    std::string out;
    chat_stream_encoder encoder(out, opts);
    emit_whole_draft(answer, encoder);
    encoder.close();
    return out;
}

TEST(chat_stream_encoder, a_text_answer_has_golden_bytes) {
    const auto out = encoded(
        {{.kind = kind::start, .id = "up", .model = "real"},
         {.kind = kind::text_delta, .text = "h\"\xc3\xa9\n"},
         {.kind = kind::finish, .text = "length"}}
    );
    EXPECT_EQ(
        out,
        chunk(R"({"role":"assistant","content":""})") + chunk("{\"content\":\"h\\\"\xc3\xa9\\n\"}")
            + chunk("{}", "\"length\"") + done
    );
}

TEST(chat_stream_encoder, usage_is_null_until_its_own_chunk) {
    token_usage usage{.prompt_tokens = 1, .completion_tokens = 2, .total_tokens = 3};
    constexpr std::string_view null_usage = R"(,"usage":null)";
    const std::vector<answer_event> events{
        {.kind = kind::text_delta, .text = "a"},
        {.kind = kind::finish, .text = "stop"},
        {.kind = kind::usage, .usage = &usage}
    };
    const auto common = chunk(R"({"role":"assistant","content":""})", "null", null_usage)
                        + chunk(R"({"content":"a"})", "null", null_usage)
                        + chunk("{}", "\"stop\"", null_usage);
    EXPECT_EQ(
        encoded(events, options(true)),
        common + head + R"([],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})"
            + "\n\n" + done
    );
    EXPECT_EQ(
        encoded({events[0], events[1]}, options(true)),
        common + head + R"([],"usage":null})" + "\n\n" + done
    );
    EXPECT_EQ(encoded(events).find("usage"), std::string::npos);

    usage.raw = "{\"prompt_tokens\":1,\r\n\"own\":true}";
    EXPECT_NE(
        encoded(events, options(true)).find(R"("usage":{"prompt_tokens":1,"own":true}})"),
        std::string::npos
    );
}

TEST(chat_stream_encoder, tool_calls_open_with_null_content_and_dense_indices) {
    const auto out = encoded(
        {{.kind = kind::tool_call_delta, .text = "{", .id = "c1", .name = "f", .index = 4},
         {.kind = kind::tool_call_delta, .text = "}", .index = 4},
         {.kind = kind::tool_call_delta, .text = "", .id = "c2", .name = "g", .index = 9},
         {.kind = kind::finish}}
    );
    EXPECT_EQ(
        out,
        chunk(R"({"role":"assistant","content":null})")
            + chunk(
                R"({"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{"}}]})"
            )
            + chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"}"}}]})")
            + chunk(
                R"({"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"g","arguments":""}}]})"
            )
            + chunk("{}", "\"tool_calls\"") + done
    );
}

TEST(chat_stream_encoder, a_call_waits_for_its_name) {
    const auto out = encoded(
        {{.kind = kind::tool_call_delta, .text = "[", .id = "c"},
         {.kind = kind::tool_call_delta, .text = "]", .name = "f"},
         {.kind = kind::finish}}
    );
    EXPECT_NE(
        out.find(R"("id":"c","type":"function","function":{"name":"f","arguments":"[]"})"),
        std::string::npos
    );
    EXPECT_NE(
        encoded({{.kind = kind::tool_call_delta, .text = "x"}, {.kind = kind::finish}}
        ).find(R"("id":"call_)"),
        std::string::npos
    );
}

TEST(chat_stream_encoder, what_a_server_wants_back_with_a_call_goes_out_with_it) {
    const auto out = encoded(
        {{.kind = kind::tool_call_delta, .id = "c", .extra = R"({"a":1})"},
         {.kind = kind::tool_call_delta, .text = "{}", .name = "f"},
         {.kind = kind::tool_call_delta, .extra = "{\n\"b\":2}"},
         {.kind = kind::finish}}
    );
    EXPECT_EQ(
        out,
        chunk(R"({"role":"assistant","content":null})")
            + chunk(
                R"({"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"a":1}}]})"
            )
            + chunk(
                R"({"tool_calls":[{"index":0,"function":{"arguments":""},"extra_content":{"b":2}}]})"
            )
            + chunk("{}", "\"tool_calls\"") + done
    );
}

TEST(chat_stream_encoder, a_legacy_call_has_golden_bytes) {
    draft answer;
    answer.function_call = function_call{"f", "{}"};
    EXPECT_EQ(
        encoded(answer),
        chunk(R"({"role":"assistant","content":null})")
            + chunk(R"({"function_call":{"name":"f","arguments":"{}"}})")
            + chunk("{}", "\"function_call\"") + done
    );
    answer.content = "text";
    EXPECT_EQ(encoded(answer).find("function_call"), std::string::npos);
}

TEST(chat_stream_encoder, reasoning_is_shown_only_when_asked_for) {
    draft answer;
    answer.content = "a";
    answer.reasoning = "why";
    answer.reasoning_content = "because";
    EXPECT_EQ(
        encoded(answer, options(false, true)),
        chunk(R"({"role":"assistant","content":""})") + chunk(R"({"reasoning_content":"because"})")
            + chunk(R"({"reasoning":"why"})") + chunk(R"({"content":"a"})")
            + chunk("{}", "\"stop\"") + done
    );
    EXPECT_EQ(encoded(answer).find("reason\":\"why"), std::string::npos);
    EXPECT_EQ(encoded(answer).find("reasoning"), std::string::npos);
}

TEST(chat_stream_encoder, what_seals_the_reasoning_is_shown_with_it_and_on_one_line) {
    draft answer;
    answer.content = "a";
    answer.reasoning_content = "hm";
    answer.thinking_blocks = "[{\"type\":\"thinking\",\n\"thinking\":\"hm\",\"signature\":\"s\"}]";
    answer.reasoning_details = R"([{"type":"reasoning.encrypted","data":"zz"}])";
    EXPECT_EQ(
        encoded(answer, options(false, true)),
        chunk(R"({"role":"assistant","content":""})") + chunk(R"({"reasoning_content":"hm"})")
            + chunk(R"({"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"}]})")
            + chunk(R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"zz"}]})")
            + chunk(R"({"content":"a"})") + chunk("{}", "\"stop\"") + done
    );
    EXPECT_EQ(
        encoded(answer),
        chunk(R"({"role":"assistant","content":""})") + chunk(R"({"content":"a"})")
            + chunk("{}", "\"stop\"") + done
    );
}

TEST(chat_stream_encoder, in_turn_each_block_stands_behind_its_own_text) {
    const auto told = [](const draft& answer) {
        std::string out;
        chat_stream_encoder encoder(out, options(false, true));
        emit_whole_draft(answer, encoder, thinking_telling::in_turn);
        encoder.close();
        return out;
    };
    draft answer;
    answer.content = "x";
    answer.reasoning_content = "a/b";
    answer.thinking_blocks =
        R"([ {"data":"AA"}, {"thinking":"a\/","signature":"s"},{"thinking":"b","signature":"t"}])";
    const auto start = chunk(R"({"role":"assistant","content":""})");
    const auto rest = chunk(R"({"content":"x"})") + chunk("{}", "\"stop\"") + done;
    EXPECT_EQ(
        told(answer),
        start + chunk(R"({"thinking_blocks":[{"data":"AA"}]})")
            + chunk(R"({"reasoning_content":"a/"})")
            + chunk(R"({"thinking_blocks":[{"thinking":"a\/","signature":"s"}]})")
            + chunk(R"({"reasoning_content":"b"})")
            + chunk(R"({"thinking_blocks":[{"thinking":"b","signature":"t"}]})") + rest
    );
    for (int i = 0; i < 1023; ++i) {
        answer.thinking_blocks.replace(answer.thinking_blocks.size() - 1, 1, ",{}]");
    }
    EXPECT_NE(told(answer).find(R"("reasoning_content":"a/b"})"), std::string::npos)
        << "very many are told at once";
    answer.reasoning_content = "other";
    answer.thinking_blocks = R"([{"thinking":"a","signature":"s"}])";
    EXPECT_EQ(
        told(answer),
        start + chunk(R"({"reasoning_content":"other"})")
            + chunk(R"({"thinking_blocks":[{"thinking":"a","signature":"s"}]})") + rest
    );
    answer.thinking_blocks = R"([{"data":")" + std::string(max_seal_bytes, 'a') + R"("}])";
    EXPECT_EQ(told(answer), start + chunk(R"({"reasoning_content":"other"})") + rest);
}

TEST(chat_stream_encoder, whole_texts_are_cut_at_white_space) {
    draft answer;
    answer.content = "north south east west and then onwards forever again";
    EXPECT_EQ(
        encoded(answer),
        chunk(R"({"role":"assistant","content":""})")
            + chunk(R"({"content":"north south east west and then onwards "})")
            + chunk(R"({"content":"forever again"})") + chunk("{}", "\"stop\"") + done
    );
    answer.content = std::string(250, 'a');
    const auto out = encoded(answer);
    EXPECT_NE(out.find('"' + std::string(40, 'a') + '"'), std::string::npos);
    EXPECT_EQ(out.find(std::string(41, 'a')), std::string::npos);
    EXPECT_NE(out.find('"' + std::string(10, 'a') + '"'), std::string::npos);
}

TEST(chat_stream_encoder, an_empty_answer_has_a_role_and_an_end) {
    draft answer;
    answer.content = "";
    EXPECT_EQ(
        encoded(answer),
        chunk(R"({"role":"assistant","content":""})") + chunk("{}", "\"stop\"") + done
    );
}

TEST(chat_stream_encoder, a_failure_is_the_last_event_and_has_no_done) {
    const auto e = base::make_error(base::error_code_id::upstream_error, "no");
    const auto out = encoded(
        {{.kind = kind::text_delta, .text = "a"},
         {.kind = kind::failure, .error = &e},
         {.kind = kind::text_delta, .text = "b"},
         {.kind = kind::finish}}
    );
    EXPECT_EQ(
        out,
        chunk(R"({"role":"assistant","content":""})") + chunk(R"({"content":"a"})") + error_event(e)
    );
}

TEST(chat_stream_encoder, a_cut_answer_does_not_end_like_a_whole_one) {
    std::string out;
    chat_stream_encoder encoder(out, options());
    encoder.on_event({.kind = kind::text_delta, .text = "a"});
    encoder.close();
    EXPECT_EQ(out.find("[DONE]"), std::string::npos);
    EXPECT_FALSE(encoder.is_finished());
}

TEST(chat_json_encoder, a_small_answer_has_golden_bytes) {
    draft answer;
    EXPECT_EQ(
        encode_chat_completion(answer, {.id = "chatcmpl-1", .created = 7, .model = "m"}),
        R"({"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,)"
        R"("message":{"role":"assistant","content":null},"finish_reason":null}]})"
    );
}

TEST(chat_json_encoder, everything_an_answer_has_is_in_its_body) {
    draft answer;
    answer.content = "a\"b";
    answer.refusal = "r";
    answer.reasoning = "why";
    answer.tool_calls.push_back(
        {.id = "c", .name = "f", .arguments = "{}", .extra_content = R"({"a":1})"}
    );
    answer.function_call = function_call{"g", "[]"};
    answer.finish_reason = "tool_calls";
    answer.usage = token_usage{
        .prompt_tokens = 1, .completion_tokens = 2, .total_tokens = 3, .reasoning_tokens = 1
    };
    answer.system_fingerprint = "fp";
    answer.logprobs = R"({"content":[]})";
    const auto body = nlohmann::json::parse(encode_chat_completion(
        answer, {.id = "i", .created = 7, .model = "m", .expose_reasoning = true}
    ));
    const auto& message = body["choices"][0]["message"];
    EXPECT_EQ(message["content"], "a\"b");
    EXPECT_EQ(message["refusal"], "r");
    EXPECT_EQ(message["reasoning"], "why");
    EXPECT_EQ(
        message["tool_calls"],
        nlohmann::json::parse(
            R"([{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"a":1}}])"
        )
    );
    EXPECT_EQ(message["function_call"]["name"], "g");
    EXPECT_EQ(body["choices"][0]["finish_reason"], "tool_calls");
    EXPECT_EQ(body["choices"][0]["logprobs"], nlohmann::json::parse(R"({"content":[]})"));
    EXPECT_EQ(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 1);
    EXPECT_EQ(body["system_fingerprint"], "fp");
}

TEST(chat_json_encoder, a_full_answer_has_golden_bytes) {
    draft answer;
    answer.content = "h\"\xc3\xa9\n";
    answer.refusal = "no";
    answer.reasoning_content = "hm";
    answer.reasoning = "why";
    answer.thinking_blocks = R"([{"type":"redacted_thinking","data":"AA"}])";
    answer.reasoning_details = R"([{"data":1.0}])";
    answer.annotations = R"([{"type":"url_citation"}])";
    answer.tool_calls = {
        {.id = "c1", .name = "f", .arguments = R"({"a": 1})", .extra_content = R"({"b":2})"},
        {.id = "c2", .name = "g", .arguments = "{}"}
    };
    answer.logprobs = R"({"content":[]})";
    answer.finish_reason = "tool_calls";
    answer.usage = token_usage{
        .prompt_tokens = 11,
        .completion_tokens = 7,
        .total_tokens = 18,
        .cached_tokens = 5,
        .reasoning_tokens = 3
    };
    answer.system_fingerprint = "fp";
    EXPECT_EQ(
        encode_chat_completion(
            answer,
            {.id = "chatcmpl-1",
             .created = 7,
             .model = "m",
             .expose_reasoning = true,
             .extension = R"({"profile":"p"})"}
        ),
        R"({"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,)"
        R"("message":{"role":"assistant","content":"h\")"
        "\xc3\xa9"
        R"(\n","refusal":"no","reasoning_content":"hm","reasoning":"why",)"
        R"("thinking_blocks":[{"type":"redacted_thinking","data":"AA"}],"reasoning_details":[{"data":1.0}],)"
        R"("annotations":[{"type":"url_citation"}],)"
        R"("tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"},"extra_content":{"b":2}},)"
        R"({"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},)"
        R"("logprobs":{"content":[]},"finish_reason":"tool_calls"}],)"
        R"("usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,)"
        R"("prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}},)"
        R"("system_fingerprint":"fp","x_meta_model":{"profile":"p"}})"
    );
}

TEST(chat_json_encoder, what_seals_the_reasoning_is_shown_with_it) {
    draft answer;
    answer.thinking_blocks = R"([{"type":"redacted_thinking","data":"caf\u00e9 \/"}])";
    answer.reasoning_details = R"([{"data":1.0}])";
    EXPECT_NE(
        encode_chat_completion(answer, {.expose_reasoning = true})
            .find(
                R"(,"thinking_blocks":[{"type":"redacted_thinking","data":"caf\u00e9 \/"}],"reasoning_details":[{"data":1.0}])"
            ),
        std::string::npos
    );
    const auto hidden = encode_chat_completion(answer, {});
    EXPECT_EQ(hidden.find("thinking"), std::string::npos);
    EXPECT_EQ(hidden.find("reasoning"), std::string::npos);
}

TEST(chat_json_encoder, usage_is_the_one_asked_for) {
    draft answer;
    answer.usage = token_usage{.total_tokens = 3};
    const token_usage total{.total_tokens = 30};
    const auto usage_of = [&](reply_usage which, const token_usage* sum) {
        const auto body =
            nlohmann::json::parse(encode_chat_completion(answer, {.usage = which, .total = sum}));
        return body.contains("usage") ? body["usage"]["total_tokens"].get<int>() : -1;
    };
    EXPECT_EQ(usage_of(reply_usage::of_draft, nullptr), 3);
    EXPECT_EQ(usage_of(reply_usage::of_total, &total), 30);
    EXPECT_EQ(usage_of(reply_usage::of_total, nullptr), -1);
    EXPECT_EQ(usage_of(reply_usage::none, &total), -1);
}

TEST(error_body, all_four_keys_are_there) {
    EXPECT_EQ(
        error_body(base::make_error(base::error_code_id::shape, "'n' is\nbad.", "n")),
        R"({"error":{"message":"'n' is\nbad.","type":"invalid_request_error","param":"n","code":null}})"
    );
    const auto body =
        nlohmann::json::parse(error_body(base::make_error(base::error_code_id::model_not_found, "m")
        ));
    ASSERT_EQ(body["error"].size(), 4u);
    EXPECT_EQ(body["error"]["code"], "model_not_found");
    EXPECT_TRUE(body["error"]["param"].is_null());
}

TEST(error_body, an_error_event_is_one_data_line) {
    const auto e = base::make_error(base::error_code_id::internal, "x");
    EXPECT_EQ(error_event(e), "data: " + error_body(e) + "\n\n");
}

}  // namespace
}  // namespace meta_model::api
