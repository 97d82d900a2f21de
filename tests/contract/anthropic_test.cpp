// Group S: an upstream that speaks Anthropic's Messages API, addressed as any other.
#include "contract/anthropic_words.hpp"

namespace meta_model::contract {

namespace {

using namespace std::string_literals;

const json thinking = {{"type", "thinking"}, {"thinking", "hmm\n"}, {"signature", "c2ln+/="}};

class anthropic : public anthropic_upstream {};

TEST_F(anthropic, moa_241_system_texts_are_joined_and_users_merged) {
    const gateway_process gateway(config());

    const auto body = sent(
        gateway,
        ask(
            {{{"role", "system"}, {"content", "Be brief."}},
             {{"role", "user"}, {"content", "one \"1\""}},
             {{"role", "system"}, {"content", json::array({text_block("Be kind.")})}},
             {{"role", "developer"}, {"content", "Be true."}},
             {{"role", "user"}, {"content", "two"}},
             {{"role", "user"}, {"content", " \n"}}}
        )
    );

    EXPECT_EQ(body["system"], "Be brief.\n\nBe kind.\n\nBe true.");
    ASSERT_EQ(body["messages"].size(), 1u);
    EXPECT_EQ(body["messages"][0]["role"], "user");
    EXPECT_EQ(
        body["messages"][0]["content"], json::array({text_block("one \"1\""), text_block("two")})
    );
}

TEST_F(anthropic, moa_242_calls_and_their_results_become_blocks) {
    const gateway_process gateway(config());

    const auto body = sent(
        gateway,
        ask({{{"role", "user"}, {"content", "How warm?"}},
             {{"role", "assistant"},
              {"content", "Let me look."},
              {"tool_calls",
               {call_of("call_1", "weather", R"({"at":"K\u00f6ln"})"),
                call_of("call:2", "weather", "no json")}}},
             {{"role", "tool"}, {"tool_call_id", "call_1"}, {"content", "9 C"}},
             {{"role", "tool"},
              {"tool_call_id", "call:2"},
              {"content", json::array({text_block("10"), text_block("C")})}},
             {{"role", "user"}, {"content", "And?"}}},
            {{"tools", {weather_tool()}}})
    );

    const auto& turns = body["messages"];
    ASSERT_EQ(turns.size(), 3u);
    const auto second = turns[1]["content"][2]["id"].get<std::string>();
    EXPECT_EQ(second.find("call_2_"), 0u) << second;
    EXPECT_EQ(
        turns[1]["content"],
        json::array(
            {text_block("Let me look."),
             tool_use("call_1", "weather", {{"at", "Köln"}}),
             tool_use(second, "weather")}
        )
    );
    EXPECT_EQ(
        turns[2]["content"],
        json::array(
            {{{"type", "tool_result"}, {"tool_use_id", "call_1"}, {"content", "9 C"}},
             {{"type", "tool_result"}, {"tool_use_id", second}, {"content", "10\nC"}},
             text_block("And?")}
        )
    );
    EXPECT_EQ(
        body["tools"],
        json::array(
            {{{"name", "weather"},
              {"description", "now"},
              {"input_schema", weather_tool()["function"]["parameters"]}}}
        )
    );
}

TEST_F(anthropic, moa_243_images_become_sources) {
    const gateway_process gateway(config("", "modalities = [\"text\", \"image\"]\n"));
    const auto image = [](const std::string& url) -> json {
        return {{"type", "image_url"}, {"image_url", {{"url", url}, {"detail", "low"}}}};
    };

    const auto body = sent(
        gateway,
        ask(
            {{{"role", "user"},
              {"content",
               {text_block("What?"),
                image("data:image/jpeg;base64,/9j/4A=="),
                image("data:;base64,AAAA"),
                image("https://example.com/a.png")}}}}
        )
    );

    const auto inline_image = [](const std::string& type, const std::string& data) -> json {
        return {
            {"type", "image"},
            {"source", {{"type", "base64"}, {"media_type", type}, {"data", data}}}
        };
    };
    EXPECT_EQ(
        body["messages"][0]["content"],
        json::array(
            {text_block("What?"),
             inline_image("image/jpeg", "/9j/4A=="),
             inline_image("image/png", "AAAA"),
             {{"type", "image"}, {"source", {{"type", "url"}, {"url", "https://example.com/a.png"}}}
             }}
        )
    );
}

TEST_F(anthropic, moa_244_tool_choices) {
    const gateway_process gateway(config());
    const auto chosen = [&](const json& choice, const json& more = json::object()) {
        return sent(
            gateway,
            with(with(say("a"), {{"tools", {weather_tool()}}, {"tool_choice", choice}}), more)
        );
    };

    EXPECT_EQ(chosen("required")["tool_choice"], json({{"type", "any"}}));
    EXPECT_EQ(
        chosen({{"type", "function"}, {"function", {{"name", "weather"}}}})["tool_choice"],
        json({{"type", "tool"}, {"name", "weather"}})
    );
    EXPECT_EQ(
        chosen("auto", {{"parallel_tool_calls", false}})["tool_choice"],
        json({{"type", "auto"}, {"disable_parallel_tool_use", true}})
    );
    const auto none = chosen("none");
    EXPECT_FALSE(none.contains("tools"));
    EXPECT_FALSE(none.contains("tool_choice"));
}

TEST_F(anthropic, moa_245_adaptive_thinking_takes_no_sampling) {
    const gateway_process gateway(config("thinking = \"adaptive\"\neffort = \"xhigh\"\n"));

    const auto body = sent(gateway, with(say("a"), {{"temperature", 0.3}, {"top_p", 0.9}}));

    EXPECT_EQ(body["thinking"], json({{"type", "adaptive"}}));
    EXPECT_EQ(body["output_config"]["effort"], "xhigh");
    EXPECT_FALSE(body.contains("temperature"));
    EXPECT_FALSE(body.contains("top_p"));
}

TEST_F(anthropic, moa_246_a_thinking_budget_stays_below_the_answers) {
    const gateway_process gateway(
        config("thinking = \"enabled\"\nbudget_tokens = 2000\n")
            .upstream("b", anthropic_lines + "[upstreams.b.anthropic]\nthinking = \"off\"\n"s)
            .upstream(
                "c",
                anthropic_lines
                    + "max_output = 1500\n[upstreams.c.anthropic]\nthinking = \"enabled\"\nbudget_tokens = 2000\n"s
            )
    );
    models.on("b", anthropic_text("hello"));
    models.on("c", anthropic_text("hello"));

    const auto body = sent(gateway, with(say("a"), {{"max_tokens", 500}, {"temperature", 0.3}}));
    chat(gateway, with(say("b"), {{"temperature", 0.3}}));
    chat(gateway, say("c"));

    EXPECT_EQ(body["thinking"], json({{"type", "enabled"}, {"budget_tokens", 2000}}));
    EXPECT_EQ(body["max_tokens"], 3024);
    EXPECT_FALSE(body.contains("temperature"));
    EXPECT_EQ(models.last_request("b").json["temperature"], 0.3);
    EXPECT_FALSE(models.last_request("b").json.contains("thinking"));
    const auto small = models.last_request("c").json;
    EXPECT_EQ(small["max_tokens"], 1500) << "never above max_output";
    EXPECT_EQ(small["thinking"]["budget_tokens"], 1024);
}

TEST_F(anthropic, moa_247_limits_and_stop_words) {
    const gateway_process gateway(config());

    const auto plain = sent(gateway, with(say("a"), {{"stop", "END"}}));
    const auto large =
        sent(gateway, with(say("a"), {{"max_tokens", 999999}, {"stop", {"A", "B", "\n"}}}));
    const auto newer = sent(gateway, with(say("a"), {{"max_completion_tokens", 50}}));

    EXPECT_EQ(plain["max_tokens"], 4096);
    EXPECT_EQ(plain["stop_sequences"], json::array({"END"}));
    EXPECT_EQ(large["max_tokens"], 4096);
    EXPECT_EQ(large["stop_sequences"], json::array({"A", "B"})) << "white space is refused there";
    EXPECT_EQ(newer["max_tokens"], 50);
}

TEST_F(anthropic, moa_248_replies_in_the_words_of_chat) {
    const gateway_process gateway(config());
    const auto choice = [&](anthropic_message what) {
        models.on("a", anthropic_answer(std::move(what)));
        const auto reply = chat(gateway, say("a"));
        EXPECT_EQ(reply.status, 200) << reply.body;
        const auto body = reply.json();
        EXPECT_EQ(body["object"], "chat.completion");
        EXPECT_EQ(body["id"], "msg_1");
        EXPECT_EQ(body["model"], "claude-real");
        EXPECT_GT(body["created"], 1600000000);
        return body["choices"][0];
    };

    const auto text = choice({.content = {text_block("a\n"), text_block("\"b\"")}});
    const auto thought = choice({.content = {thinking, text_block("so")}});
    const auto called = choice(
        {.content = json::array({tool_use("toolu_1", "weather", {{"at", "Köln"}})}),
         .stop_reason = "tool_use"}
    );
    const auto cut =
        choice({.content = json::array({text_block("he")}), .stop_reason = "max_tokens"});
    const auto strange = choice(
        {.content = {{{"type", "server_tool_use"}, {"id", "x"}}, text_block("ok")},
         .stop_reason = "pause_turn"}
    );
    const auto declined = choice({.content = json::array(), .stop_reason = "refusal"});

    EXPECT_EQ(text["message"]["content"], "a\n\"b\"");
    EXPECT_EQ(text["finish_reason"], "stop");
    EXPECT_FALSE(text["message"].contains("reasoning_content"));
    EXPECT_EQ(thought["message"]["reasoning_content"], "hmm\n");
    EXPECT_EQ(thought["message"]["thinking_blocks"], json::array({thinking}));
    EXPECT_EQ(called["message"]["content"], nullptr);
    EXPECT_EQ(called["finish_reason"], "tool_calls");
    EXPECT_EQ(
        called["message"]["tool_calls"],
        json::array({call_of("toolu_1", "weather", R"({"at":"Köln"})")})
    );
    EXPECT_EQ(cut["finish_reason"], "length");
    EXPECT_EQ(strange["message"]["content"], "ok");
    EXPECT_EQ(strange["finish_reason"], "stop");
    EXPECT_EQ(declined["finish_reason"], "content_filter");
    EXPECT_EQ(declined["message"]["content"], nullptr);
    EXPECT_FALSE(declined["message"]["refusal"].get<std::string>().empty());
}

TEST_F(anthropic, moa_249_usage_counts_caches_and_thinking) {
    const gateway_process gateway(config());
    const auto usage = [&](const json& told) {
        models.on(
            "a", anthropic_answer({.content = json::array({text_block("hi")}), .usage = told})
        );
        return chat(gateway, say("a")).json()["usage"];
    };

    const auto plain = usage({{"input_tokens", 11}, {"output_tokens", 7}});
    const auto full = usage(
        {{"input_tokens", 11},
         {"cache_creation_input_tokens", 100},
         {"cache_read_input_tokens", 1000},
         {"output_tokens", 750},
         {"output_tokens_details", {{"thinking_tokens", 740}}}}
    );
    models.on(
        "a",
        anthropic_answer(
            {.content =
                 {{{"type", "thinking"}, {"thinking", ""}, {"signature", "s"}}, text_block("hi")}}
        )
    );
    const auto empty_thought = chat(gateway, say("a")).json()["choices"][0]["message"];

    EXPECT_EQ(plain, json({{"prompt_tokens", 11}, {"completion_tokens", 7}, {"total_tokens", 18}}));
    EXPECT_EQ(full["prompt_tokens"], 1111);
    EXPECT_EQ(full["prompt_tokens_details"]["cached_tokens"], 1000);
    EXPECT_EQ(full["prompt_tokens_details"]["cache_write_tokens"], 100);
    EXPECT_EQ(full["completion_tokens_details"]["reasoning_tokens"], 740);
    EXPECT_EQ(full["total_tokens"], 1861);
    EXPECT_FALSE(empty_thought.contains("reasoning_content"));
}

TEST_F(anthropic, moa_250_calls_carry_its_own_headers) {
    const gateway_process gateway(config("version = \"2024-01-01\"\n"));

    chat(gateway, say("a"), {{"Authorization", "Bearer of-the-client"}});

    const auto request = models.last_request("a");
    EXPECT_EQ(request.target, "/u/a/v1/messages");
    EXPECT_EQ(request.header("x-api-key"), "sk-ant-1");
    EXPECT_EQ(request.header("anthropic-version"), "2024-01-01");
    EXPECT_EQ(request.header("Content-Type"), "application/json");
    EXPECT_EQ(request.header("Authorization"), "");
    EXPECT_EQ(request.json["model"], "org/a");
}

TEST_F(anthropic, moa_251_refusals_and_garbage_are_classified) {
    const gateway_process gateway(
        config().upstream("b").moa("panel.v1", {"a", "b"}, "b", "min_drafts = 1")
    );
    models.on("b", ok("plain"));

    models.on("a", anthropic_error(400, "invalid_request_error", "bad"));
    const auto refused = chat(gateway, say("panel.v1"));
    models.on("a", html());
    const auto garbled = chat(gateway, say("panel.v1"));

    EXPECT_EQ(refused.header("X-MetaModel-Failed-Generators"), "a:non_2xx");
    EXPECT_EQ(garbled.header("X-MetaModel-Failed-Generators"), "a:non_json");
}

}  // namespace

}  // namespace meta_model::contract
