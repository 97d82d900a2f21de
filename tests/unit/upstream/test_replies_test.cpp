#include "upstream/test_replies.hpp"

#include "api/chat_wire.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>
#include <string>

namespace meta_model::upstream {
namespace {

using nlohmann::json;

json user_says(const std::string& text) {
    return {{"role", "user"}, {"content", text}};
}

json request_with(json messages) {
    return {{"model", "m"}, {"messages", std::move(messages)}};
}

json question() {
    return request_with({user_says("How do I boil an egg?")});
}

json weather_tool() {
    return json::parse(R"({"type":"function","function":{"name":"get_weather","parameters":{
        "type":"object",
        "properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":3},
                      "unit":{"enum":["C","F"]}},
        "required":["city","days","unit"],"additionalProperties":false}}})");
}

json time_tool() {
    return json::parse(
        R"({"type":"function","function":{"name":"get_time","parameters":{"type":"object"}}})"
    );
}

test_reply reply_of(const std::string& key, const json& request) {
    return make_test_reply(
        {.key = key, .model_id = key, .body = request.dump(), .created = 1730000000}
    );
}

json completion_of(const std::string& key, const json& request) {
    const auto reply = reply_of(key, request);
    EXPECT_EQ(reply.status, 200);
    EXPECT_FALSE(reply.is_stream);
    return json::parse(reply.body);
}

std::string content_of(const std::string& key, const json& request) {
    return completion_of(key, request).at("choices").at(0).at("message").at("content");
}

json calls_of(const std::string& key, const json& request) {
    const auto message = completion_of(key, request).at("choices").at(0).at("message");
    return message.value("tool_calls", json::array());
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(test_replies, a_completion_has_every_member_that_clients_read) {
    const auto reply = completion_of("demo-plain", question());
    EXPECT_EQ(reply.at("object"), "chat.completion");
    EXPECT_EQ(reply.at("model"), "demo-plain");
    EXPECT_EQ(reply.at("created"), 1730000000);
    EXPECT_TRUE(reply.at("id").get<std::string>().starts_with("chatcmpl-"));
    const auto& choice = reply.at("choices").at(0);
    EXPECT_EQ(choice.at("finish_reason"), "stop");
    EXPECT_EQ(choice.at("message").at("role"), "assistant");
    const auto& usage = reply.at("usage");
    EXPECT_GT(usage.at("prompt_tokens"), 0);
    EXPECT_GT(usage.at("completion_tokens"), 10);
    EXPECT_EQ(
        usage.at("total_tokens").get<int>(),
        usage.at("prompt_tokens").get<int>() + usage.at("completion_tokens").get<int>()
    );
}

TEST(test_replies, every_voice_says_that_it_is_simulated_and_quotes_the_question) {
    std::set<std::string> texts;
    for (const std::string key :
         {"demo-plain", "demo-terse", "demo-scholar", "demo-poet", "demo-tools", "demo-synth"}) {
        auto text = content_of(key, question());
        EXPECT_TRUE(text.starts_with("Simulated reply by " + key + ".")) << text;
        EXPECT_TRUE(has(text, "boil an egg")) << text;
        texts.insert(text.substr(text.find('.')));
    }
    EXPECT_EQ(texts.size(), 6u);
}

TEST(test_replies, a_voice_is_found_by_model_id_and_unknown_ones_speak_plainly) {
    const auto body = question().dump();
    const auto text_of = [&body](const char* key, const char* model_id) {
        const auto reply = make_test_reply({.key = key, .model_id = model_id, .body = body});
        return json::parse(reply.body)["choices"][0]["message"]["content"].get<std::string>();
    };
    EXPECT_TRUE(has(text_of("mine", "demo-terse"), "Simulated reply by demo-terse. On "));
    EXPECT_TRUE(has(text_of("mine", "org/model"), "Simulated reply by org/model. You asked: "));
}

TEST(test_replies, the_same_request_has_the_same_bytes_and_a_seed_changes_them) {
    auto request = question();
    const auto first = reply_of("demo-scholar", request).body;
    EXPECT_EQ(first, reply_of("demo-scholar", request).body);

    request["seed"] = 0;
    EXPECT_EQ(first, reply_of("demo-scholar", request).body);
    std::set<std::string> bodies;
    for (int seed = 1; seed <= 8; ++seed) {
        request["seed"] = seed;
        bodies.insert(content_of("demo-scholar", request));
    }
    EXPECT_GT(bodies.size(), 2u);

    request.erase("seed");
    request["temperature"] = 0.9;
    EXPECT_EQ(first, reply_of("demo-scholar", request).body);
}

TEST(test_replies, parts_of_a_message_are_read_and_an_empty_one_is_answered) {
    auto request = request_with({{
        {"role", "user"},
        {"content", json::array({{{"type", "text"}, {"text", "from a part"}}})},
    }});
    EXPECT_TRUE(has(content_of("demo-plain", request), "from a part"));
    EXPECT_TRUE(has(content_of("demo-plain", request_with({user_says("")})), "an empty message"));
    // Half of a surrogate pair is no text to quote.
    const auto lone = make_test_reply({
        .key = "demo-plain",
        .model_id = "demo-plain",
        .body = R"({"model":"m","messages":[{"role":"user","content":"\ud800"}]})",
    });
    EXPECT_EQ(lone.status, 200);
    EXPECT_TRUE(json::accept(lone.body));
}

TEST(test_replies, a_quote_is_short_and_on_one_line) {
    std::string text;
    for (int i = 0; i < 100000; ++i) {
        text += "\xc3\xa4 b\n";
    }
    EXPECT_LT(content_of("demo-terse", request_with({user_says(text)})).size(), 250u);
}

TEST(test_replies, max_tokens_cuts_the_text) {
    for (const char* name : {"max_tokens", "max_completion_tokens"}) {
        auto request = question();
        const auto whole = content_of("demo-plain", request);
        request[name] = 7;
        const auto reply = completion_of("demo-plain", request);
        const auto& choice = reply.at("choices").at(0);
        EXPECT_EQ(choice.at("finish_reason"), "length");
        EXPECT_EQ(reply.at("usage").at("completion_tokens"), 7);
        EXPECT_TRUE(whole.starts_with(choice.at("message").at("content").get<std::string>()));

        request[name] = 4000;
        EXPECT_EQ(
            completion_of("demo-plain", request).at("choices").at(0).at("finish_reason"), "stop"
        );
    }
}

TEST(test_replies, what_is_no_chat_request_is_refused) {
    for (const std::string body : {"", "{", "[]", R"({"model":"m"})", R"({"messages":7})"}) {
        const auto reply = make_test_reply({.key = "demo-plain", .model_id = "m", .body = body});
        EXPECT_EQ(reply.status, 400) << body;
        EXPECT_TRUE(json::parse(reply.body).contains("error"));
    }
}

// ---- streams ----

struct streamed {
    std::string content{};
    std::vector<std::string> names{};
    std::vector<std::string> arguments{};
    std::string finish_reason{};
    json usage{};
    std::size_t deltas = 0;
};

streamed stream_of(const std::string& key, json request, bool include_usage) {
    request["stream"] = true;
    if (include_usage) {
        request["stream_options"] = {{"include_usage", true}};
    }
    const auto reply = reply_of(key, request);
    EXPECT_TRUE(reply.is_stream);
    EXPECT_TRUE(reply.body.empty());
    EXPECT_EQ(reply.events.back(), "data: [DONE]\n\n");

    streamed result;
    for (std::size_t i = 0; i + 1 < reply.events.size(); ++i) {
        const auto& event = reply.events[i];
        EXPECT_TRUE(event.starts_with("data: {"));
        EXPECT_EQ(event.find("\n\n"), event.size() - 2);
        const auto chunk = json::parse(event.substr(6));
        EXPECT_EQ(chunk.at("object"), "chat.completion.chunk");
        EXPECT_EQ(chunk.contains("usage"), include_usage);
        if (chunk.at("choices").empty()) {
            EXPECT_EQ(i + 2, reply.events.size());
            result.usage = chunk.at("usage");
            continue;
        }
        const auto& choice = chunk.at("choices").at(0);
        const auto& delta = choice.at("delta");
        EXPECT_EQ(delta.contains("role"), i == 0);
        if (delta.value("content", json()).is_string()) {
            result.content += delta["content"].get<std::string>();
            ++result.deltas;
        }
        for (const auto& call : delta.value("tool_calls", json::array())) {
            const auto index = call.at("index").get<std::size_t>();
            if (call.contains("id")) {
                EXPECT_EQ(index, result.names.size());
                result.names.push_back(call.at("function").at("name"));
                result.arguments.emplace_back();
            }
            result.arguments.at(index) += call.at("function").at("arguments").get<std::string>();
        }
        if (choice.at("finish_reason").is_string()) {
            result.finish_reason = choice["finish_reason"];
        }
    }
    return result;
}

TEST(test_replies, a_stream_is_the_completion_in_words) {
    for (const std::string key : {"demo-plain", "demo-scholar", "demo-poet"}) {
        const auto stream = stream_of(key, question(), true);
        EXPECT_EQ(stream.content, content_of(key, question()));
        EXPECT_EQ(stream.finish_reason, "stop");
        EXPECT_EQ(stream.usage, completion_of(key, question()).at("usage"));
        EXPECT_GT(stream.deltas, 20u);
    }
    EXPECT_TRUE(stream_of("demo-plain", question(), false).usage.is_null());
}

TEST(test_replies, long_words_are_cut_between_characters) {
    std::string word;
    for (int i = 0; i < 40; ++i) {
        word += "\xe2\x82\xac";
    }
    const auto request = request_with({user_says(word)});
    EXPECT_EQ(stream_of("demo-plain", request, false).content, content_of("demo-plain", request));
}

TEST(test_replies, a_cut_stream_ends_with_length) {
    auto request = question();
    request["max_tokens"] = 3;
    const auto stream = stream_of("demo-plain", request, true);
    EXPECT_EQ(stream.finish_reason, "length");
    EXPECT_EQ(stream.usage.at("completion_tokens"), 3);
}

// ---- tools ----

TEST(test_replies, the_tools_voice_calls_the_first_tool_with_valid_arguments) {
    auto request = question();
    request["tools"] = {weather_tool(), time_tool()};
    const auto reply = completion_of("demo-tools", request);
    const auto& choice = reply.at("choices").at(0);
    EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
    EXPECT_TRUE(choice.at("message").at("content").is_null());
    const auto& calls = choice.at("message").at("tool_calls");
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(calls[0].at("type"), "function");
    EXPECT_TRUE(calls[0].at("id").get<std::string>().starts_with("call_"));
    EXPECT_EQ(calls[0].at("function").at("name"), "get_weather");
    const auto arguments = json::parse(calls[0].at("function").at("arguments").get<std::string>());
    EXPECT_EQ(arguments.size(), 3u);
    EXPECT_EQ(arguments.at("city"), "Lisbon");
    EXPECT_GE(arguments.at("days"), 1);
    EXPECT_LE(arguments.at("days"), 3);
    EXPECT_TRUE(arguments.at("unit") == "C" || arguments.at("unit") == "F");
}

TEST(test_replies, tools_that_the_user_names_are_called_side_by_side_unless_forbidden) {
    auto request = request_with({user_says("Use get_time and then get weather, please.")});
    request["tools"] = {weather_tool(), time_tool()};
    EXPECT_EQ(calls_of("demo-tools", request).size(), 2u);
    const auto stream = stream_of("demo-tools", request, false);
    EXPECT_EQ(stream.names, (std::vector<std::string>{"get_weather", "get_time"}));
    EXPECT_EQ(stream.finish_reason, "tool_calls");
    EXPECT_TRUE(json::accept(stream.arguments.at(0)));
    EXPECT_EQ(
        stream.arguments.at(0),
        calls_of("demo-tools", request).at(0).at("function").at("arguments").get<std::string>()
    );
    request["parallel_tool_calls"] = false;
    EXPECT_EQ(calls_of("demo-tools", request).size(), 1u);
}

TEST(test_replies, tool_choice_is_respected) {
    auto request = question();
    request["tools"] = {weather_tool(), time_tool()};
    request["tool_choice"] = "none";
    EXPECT_TRUE(calls_of("demo-tools", request).empty());

    request["tool_choice"] = {{"type", "function"}, {"function", {{"name", "get_time"}}}};
    EXPECT_EQ(calls_of("demo-tools", request).at(0).at("function").at("name"), "get_time");
    EXPECT_EQ(calls_of("demo-plain", request).at(0).at("function").at("name"), "get_time");

    request["tool_choice"] = "required";
    EXPECT_EQ(calls_of("demo-plain", request).size(), 1u);

    request["tool_choice"] = "auto";
    EXPECT_EQ(calls_of("demo-tools", request).size(), 1u);
    EXPECT_TRUE(calls_of("demo-plain", request).empty());
}

TEST(test_replies, after_a_tool_result_comes_text_that_quotes_it) {
    auto request = request_with({
        user_says("Weather?"),
        {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::array()}},
        {{"role", "tool"}, {"tool_call_id", "call_1"}, {"content", "21 degrees, sunny"}},
    });
    request["tools"] = {weather_tool()};
    EXPECT_TRUE(calls_of("demo-tools", request).empty());
    const auto text = content_of("demo-tools", request);
    EXPECT_TRUE(text.starts_with("Simulated reply by demo-tools."));
    EXPECT_TRUE(has(text, "21 degrees, sunny"));
    EXPECT_TRUE(has(text, "Weather?"));
}

TEST(test_replies, odd_tools_are_no_reason_to_fail) {
    auto request = question();
    request["tools"] = json::parse(
        R"([{"type":"function","function":{"name":"f","parameters":[]}},{"type":"other"}])"
    );
    const auto calls = calls_of("demo-tools", request);
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(calls.at(0).at("function").at("arguments"), "{}");
}

// ---- structured replies ----

TEST(test_replies, json_is_written_when_it_is_asked_for) {
    auto request = question();
    request["response_format"] = {{"type", "json_object"}};
    const auto object = json::parse(content_of("demo-plain", request));
    EXPECT_EQ(object.at("simulated"), true);
    EXPECT_EQ(object.at("by"), "demo-plain");

    request["response_format"] = json::parse(R"({"type":"json_schema","json_schema":{"name":"n",
        "schema":{"type":"object","properties":{"title":{"type":"string"},"stars":{"type":"integer",
        "minimum":1,"maximum":5}},"required":["title","stars"]}}})");
    const auto instance = json::parse(content_of("demo-plain", request));
    EXPECT_EQ(instance.at("title"), "simulated");
    EXPECT_GE(instance.at("stars"), 1);
    EXPECT_LE(instance.at("stars"), 5);
    EXPECT_EQ(json::parse(stream_of("demo-plain", request, false).content), instance);

    request["response_format"] = {{"type", "text"}};
    EXPECT_TRUE(content_of("demo-plain", request).starts_with("Simulated reply by"));
}

// ---- synthesis ----

TEST(test_replies, the_synthesizer_says_how_many_candidates_it_read) {
    const auto request = request_with(
        {user_says("How do I boil an egg?"),
         user_says(
             "SYNTHESIS TASK\nFuse the drafts.\n\n<<f3a1 candidate 1>>\nSimulated reply by a. "
             "Boil it for six minutes.\n<<f3a1>>\n\n<<f3a1 candidate 2>>\nSteam it "
             "instead.\n<<f3a1>>\n"
         )}
    );
    const auto text = content_of("demo-synth", request);
    EXPECT_TRUE(text.starts_with("Simulated reply by demo-synth. I read 2 candidates")) << text;
    EXPECT_TRUE(has(text, "boil an egg")) << text;
    EXPECT_TRUE(has(text, "Number 1 adds: Boil it for six minutes.")) << text;
    EXPECT_TRUE(has(text, "Number 2 adds: Steam it instead.")) << text;
    EXPECT_FALSE(has(text, "SYNTHESIS"));
    EXPECT_EQ(stream_of("demo-synth", request, false).content, text);
}

TEST(test_replies, a_draft_ends_at_its_fence) {
    const auto request = request_with(
        {user_says("How?"),
         user_says("SYNTHESIS TASK\nCANDIDATE RESPONSES\nEach stands between two lines.\n\n"
                   "candidate 1\n=====ab12=====\n42\n=====ab12=====\n\n"
                   "candidate 2\n=====ab12=====\nSimulated reply by b. On \"How?\": Slowly.\n"
                   "=====ab12=====\n\nNow answer directly. Do not mention candidates.\n")}
    );
    const auto text = content_of("demo-synth", request);
    EXPECT_TRUE(has(text, "I read 2 candidates")) << text;
    EXPECT_TRUE(has(text, "\n- Number 1 adds: 42\n")) << text;
    EXPECT_TRUE(has(text, "\n- Number 2 adds: Slowly.\n")) << text;
}

TEST(test_replies, the_synthesizer_does_not_call_the_tools_it_may_call) {
    auto request = request_with({user_says("SYNTHESIS TASK\ncandidate 1\nOne draft here.\n")});
    request["tools"] = {weather_tool()};
    EXPECT_TRUE(calls_of("demo-tools", request).empty());
    EXPECT_TRUE(has(content_of("demo-synth", request), "I read 1 candidate and fused"));
}

TEST(test_replies, a_judge_answers_with_a_number_of_a_candidate) {
    const auto request = request_with({user_says(
        "SYNTHESIS TASK\nReply with only the index of the best draft.\n\n## candidate 1\nSix "
        "minutes.\n\n## candidate 2\nSeven minutes.\n"
    )});
    const auto text = content_of("demo-synth", request);
    EXPECT_TRUE(text.starts_with("1\n") || text.starts_with("2\n")) << text;
    EXPECT_TRUE(has(text, "Simulated reply by demo-synth."));
}

TEST(test_replies, other_bodies_are_json) {
    const auto error = json::parse(test_error_body("demo-down", 503)).at("error");
    EXPECT_EQ(error.at("type"), "server_error");
    EXPECT_TRUE(has(error.at("message"), "Simulated"));
    EXPECT_EQ(json::parse(test_models_body("demo-plain")).at("data").at(0).at("id"), "demo-plain");
}

TEST(test_replies, several_choices_are_what_calls_with_the_next_seeds_would_give) {
    auto request = question();
    request["seed"] = 40;
    request["n"] = 3;
    const auto all = completion_of("demo-scholar", request);
    ASSERT_EQ(all.at("choices").size(), 3u);
    request.erase("n");
    std::set<std::string> texts;
    std::int64_t tokens = 0;
    for (int i = 0; i < 3; ++i) {
        request["seed"] = 40 + i;
        const auto alone = completion_of("demo-scholar", request);
        const auto& choice = all.at("choices").at(static_cast<std::size_t>(i));
        EXPECT_EQ(choice.at("index"), i);
        EXPECT_EQ(choice.at("message"), alone.at("choices").at(0).at("message"));
        tokens += alone.at("usage").at("completion_tokens").get<std::int64_t>();
        texts.insert(choice.at("message").at("content"));
    }
    EXPECT_EQ(all.at("usage").at("completion_tokens"), tokens);
    EXPECT_GT(texts.size(), 1u);
}

TEST(test_replies, choices_of_a_stream_come_in_turn) {
    auto request = question();
    request["n"] = 2;
    const auto whole = completion_of("demo-plain", request);
    request["stream"] = true;
    const auto reply = reply_of("demo-plain", request);
    std::vector<std::string> texts(2);
    std::vector<int> order;
    for (const auto& event : reply.events) {
        const auto data = json::parse(event.substr(6), nullptr, false);
        if (data.is_object() && !data["choices"].empty()) {
            const auto& choice = data["choices"][0];
            order.push_back(choice.at("index"));
            texts.at(choice.at("index")) += choice["delta"].value("content", "");
        }
    }
    EXPECT_EQ(std::vector(order.begin(), order.begin() + 4), (std::vector{0, 1, 0, 1}));
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(texts[i], whole["choices"][i]["message"]["content"]);
    }
}

}  // namespace
}  // namespace meta_model::upstream
