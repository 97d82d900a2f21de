// Group N: streams that the gateway encodes, seen through a panel or a JSON reply to a stream request.
#include "contract/panel.hpp"

#include <regex>

namespace meta_model::contract {

namespace {

json delta(const json& chunk) {
    return chunk["choices"][0]["delta"];
}

// One passthrough upstream that answers stream requests with JSON, so that the gateway cuts the answer up itself.
struct encoder {
    fake_upstream models{};
    gateway_process gateway{config_text(models).upstream("a").passthrough("fast.v1", "a")};

    sse_transcript transcript(
        const json& message, const std::string& finish, const json& more = json::object()
    ) {
        answer what;
        what.message = message;
        what.finish = finish;
        what.always_json = true;
        models.on("a", complete(what));
        return stream(gateway, with(say_streamed("fast.v1"), more));
    }
};

json text_message(const std::string& text) {
    return {{"role", "assistant"}, {"content", text}};
}

TEST(streaming, moa_188_a_plain_answer_has_role_pieces_finish_and_done) {
    panel p;
    p.models.on("s", ok("Hello world"));
    const gateway_process gateway(p.config());

    const auto result = stream(gateway, say_streamed(panel_name));
    const auto chunks = result.chunks();

    ASSERT_GE(chunks.size(), 3u);
    EXPECT_EQ(delta(chunks.front()), json::parse(R"({"role":"assistant","content":""})"));
    EXPECT_EQ(chunks.front()["choices"][0]["finish_reason"], nullptr);
    EXPECT_EQ(result.text(), "Hello world");
    EXPECT_EQ(delta(chunks.back()), json::object());
    EXPECT_EQ(chunks.back()["choices"][0]["finish_reason"], "stop");
    EXPECT_TRUE(result.has_done());
    EXPECT_TRUE(result.is_whole);
}

TEST(streaming, moa_189_every_chunk_has_one_id_and_one_time) {
    panel p;
    const gateway_process gateway(p.config());

    const auto chunks = stream(gateway, say_streamed(panel_name)).chunks();

    ASSERT_FALSE(chunks.empty());
    for (const auto& chunk : chunks) {
        EXPECT_EQ(chunk["object"], "chat.completion.chunk");
        EXPECT_TRUE(
            std::regex_match(chunk["id"].get<std::string>(), std::regex("chatcmpl-[0-9a-f]{24}"))
        ) << chunk["id"];
        EXPECT_EQ(chunk["id"], chunks.front()["id"]);
        EXPECT_EQ(chunk["created"], chunks.front()["created"]);
        EXPECT_EQ(chunk["model"], panel_name);
    }
}

TEST(streaming, moa_190_an_empty_answer_is_role_and_finish) {
    encoder e;

    const auto result = e.transcript(text_message(""), "stop");

    ASSERT_EQ(result.chunks().size(), 2u);
    EXPECT_EQ(delta(result.chunks()[0]), json::parse(R"({"role":"assistant","content":""})"));
    EXPECT_EQ(result.finish_reason(), "stop");
    EXPECT_TRUE(result.has_done());
}

TEST(streaming, moa_191_tool_calls_come_one_delta_each) {
    encoder e;
    const json first = {
        {"id", "c1"},
        {"type", "function"},
        {"function", {{"name", "f"}, {"arguments", R"({"x":1})"}}}
    };
    const json second = {
        {"id", "c2"}, {"type", "function"}, {"function", {{"name", "g"}, {"arguments", "{}"}}}
    };

    const auto result = e.transcript(
        {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::array({first, second})}},
        "tool_calls"
    );
    const auto chunks = result.chunks();

    ASSERT_EQ(chunks.size(), 4u);
    EXPECT_EQ(delta(chunks[0]), json::parse(R"({"role":"assistant","content":null})"));
    for (std::size_t i = 0; i < 2; ++i) {
        auto expected = i == 0 ? first : second;
        expected["index"] = i;
        EXPECT_EQ(delta(chunks[i + 1]), (json{{"tool_calls", json::array({expected})}}));
    }
    EXPECT_EQ(result.finish_reason(), "tool_calls");
}

TEST(streaming, moa_191_a_legacy_function_call_is_one_delta) {
    encoder e;

    const auto result = e.transcript(
        {{"role", "assistant"},
         {"content", nullptr},
         {"function_call", {{"name", "f"}, {"arguments", "{}"}}}},
        "function_call"
    );
    const auto chunks = result.chunks();

    ASSERT_EQ(chunks.size(), 3u);
    EXPECT_EQ(delta(chunks[0])["content"], nullptr);
    EXPECT_EQ(delta(chunks[1]), json::parse(R"({"function_call":{"name":"f","arguments":"{}"}})"));
    EXPECT_EQ(result.finish_reason(), "function_call");
}

void expect_usage_grammar(const sse_transcript& result) {
    const auto chunks = result.chunks();
    ASSERT_GE(chunks.size(), 3u);
    for (std::size_t i = 0; i + 1 < chunks.size(); ++i) {
        ASSERT_TRUE(chunks[i].contains("usage")) << chunks[i];
        EXPECT_EQ(chunks[i]["usage"], nullptr);
    }
    EXPECT_EQ(chunks.back()["choices"], json::array());
    EXPECT_EQ(chunks.back()["usage"]["total_tokens"], 18);
    EXPECT_TRUE(result.has_done());
}

TEST(streaming, moa_192_usage_comes_last_and_only_when_asked_for) {
    encoder e;
    panel p;
    const gateway_process gateway(p.config());
    const json wish = {{"stream_options", {{"include_usage", true}}}};

    expect_usage_grammar(e.transcript(text_message("some text"), "stop", wish));
    expect_usage_grammar(stream(gateway, with(say_streamed(panel_name), wish)));
    for (const auto& result :
         {e.transcript(text_message("some text"), "stop"), stream(gateway, say_streamed(panel_name))
         }) {
        for (const auto& chunk : result.chunks()) {
            EXPECT_FALSE(chunk.contains("usage")) << chunk;
        }
    }
}

TEST(streaming, moa_193_legs_stream_with_usage_and_passthrough_adds_nothing) {
    panel p;
    config_text config(p.models);
    config.upstreams({"a", "c", "s"})
        .upstream("b", "stream = false")
        .moa(panel_name, {"a", "b", "c"}, "s");
    const gateway_process gateway(config);

    EXPECT_EQ(chat(gateway, say(panel_name)).status, 200);
    const auto leg = p.models.last_request("a").json;
    const auto quiet_leg = p.models.last_request("b").json;
    const auto synthesis = p.synthesis();
    chat(gateway, say("a"));
    const auto raw = p.models.last_request("a").json;

    for (const auto& body : {leg, synthesis}) {
        EXPECT_EQ(body["stream"], true);
        EXPECT_EQ(body["stream_options"]["include_usage"], true);
    }
    EXPECT_NE(quiet_leg.value("stream", json(false)), true);
    EXPECT_FALSE(quiet_leg.contains("stream_options"));
    EXPECT_FALSE(raw.contains("stream"));
    EXPECT_FALSE(raw.contains("stream_options"));
}

TEST(streaming, moa_194_failures_before_the_first_byte_are_json_errors) {
    fake_upstream models;
    const json busy = {{"error", {{"message", "slow down"}, {"type", "rate_limit_error"}}}};
    models.on("busy", json_reply(429, busy, {{"Retry-After", "2"}}));
    const gateway_process gateway(
        config_text(models).upstream("busy").upstream_at("gone", models.refused_url())
    );

    const auto limited = stream(gateway, say_streamed("busy"));
    const auto refused = stream(gateway, say_streamed("gone"));

    EXPECT_EQ(limited.head.status, 429);
    EXPECT_EQ(limited.head.json()["error"]["type"], "rate_limit_error");
    EXPECT_EQ(limited.head.header("Retry-After"), "2");
    expect_error(refused.head, {502, "api_error", "upstream_error", std::nullopt});
}

TEST(streaming, moa_194_failures_after_the_first_byte_are_one_error_event) {
    fake_upstream models;
    models.on("a", cut_after_sends(3, ok("one two three")));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.head.status, 200);
    EXPECT_EQ(result.text(), "one");
    EXPECT_EQ(result.error()["code"], "upstream_error") << "the cut is told";
    EXPECT_FALSE(result.has_done());
}

TEST(streaming, moa_195_replies_without_a_usable_choice_are_protocol_errors) {
    encoder e;
    const auto body_with = [](const json& message) {
        return json{
            {"id", "x"},
            {"choices",
             json::array({{{"index", 0}, {"message", message}, {"finish_reason", "stop"}}})}
        };
    };
    const std::vector<json> bodies{
        json{{"id", "x"}, {"choices", json::array()}},
        json{{"id", "x"}, {"choices", json::array({json::object()})}},
        body_with({{"role", "assistant"}, {"tool_calls", "x"}}),
        body_with({{"role", "assistant"}, {"tool_calls", json::array({"x"})}}),
        body_with(
            {{"role", "assistant"}, {"tool_calls", json::array({{{"id", "c"}, {"function", "x"}}})}}
        ),
        body_with({{"role", "assistant"}, {"function_call", "x"}}),
    };

    for (const auto& body : bodies) {
        e.models.on("a", json_reply(200, body));
        const auto result = stream(e.gateway, say_streamed("fast.v1"));
        EXPECT_EQ(result.head.error_code(), "upstream_protocol_error") << body;
        expect_envelope(result.head, 502);
    }
    e.models.on("a", json_reply(200, {{"error", {{"message", "no"}, {"type", "api_error"}}}}));
    EXPECT_GE(stream(e.gateway, say_streamed("fast.v1")).head.status, 400)
        << "an error is never a 200";
}

TEST(streaming, moa_195_an_error_as_the_first_event_is_a_json_error) {
    fake_upstream models;
    models.on("plain", sse({R"({"error":{"message":"no","type":"x"}})", "[DONE]"}));
    models.on(
        "coded", sse({R"({"error":{"message":"slow","type":"rate_limit_error","code":429}})"})
    );
    const gateway_process gateway(config_text(models).upstreams({"plain", "coded"}));

    EXPECT_EQ(stream(gateway, say_streamed("plain")).head.status, 502);
    EXPECT_EQ(stream(gateway, say_streamed("coded")).head.status, 429);
}

TEST(streaming, an_error_event_behind_content_keeps_the_content) {
    fake_upstream models;
    const std::string content =
        R"(data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"one"}}]})";
    const std::string error = R"(data: {"error":{"message":"no","type":"x","code":429}})";
    // Head, content and error arrive in one read.
    models.on(
        "a",
        raw(http_head(200, "text/event-stream", {{"Connection", "close"}}) + content + "\n\n"
            + error + "\n\n")
    );
    const gateway_process gateway(config_text(models)
                                      .upstream("a")
                                      .passthrough("raw.v1", "a")
                                      .passthrough("clean.v1", "a", "expose_reasoning = false"));

    for (const char* profile : {"raw.v1", "clean.v1"}) {
        const auto result = stream(gateway, say_streamed(profile));
        EXPECT_EQ(result.head.status, 200) << profile;
        EXPECT_EQ(result.text(), "one") << profile;
        EXPECT_TRUE(result.error().is_object()) << profile;
        EXPECT_FALSE(result.has_done()) << profile;
    }
}

TEST(streaming, moa_197_silence_is_filled_with_heartbeats) {
    panel p;
    const auto gate = make_gate();
    p.models.on("s", held(gate, ok("at last")));
    const gateway_process gateway(p.config("", "stream_commit_secs = 0.1\nkeepalive_secs = 0.3"));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed(panel_name).dump())));
    const auto head = client.read_head();
    sse_reader reader(client);

    const auto first = reader.next(1000ms);
    const auto second = reader.next(1500ms);
    gate->open();
    const auto data = reader.next_data();

    EXPECT_EQ(head.status, 200);
    ASSERT_TRUE(first && second && data);
    EXPECT_EQ(first->comment, "heartbeat");
    EXPECT_EQ(second->comment, "heartbeat");
    EXPECT_EQ(delta(data->json())["role"], "assistant");
}

TEST(streaming, moa_198_the_facade_is_on_every_chunk) {
    panel p;
    const gateway_process gateway(p.config("", "model_name = \"house-1\""));

    for (const char* model : {panel_name, "a"}) {
        const auto result = stream(gateway, say_streamed(model));
        ASSERT_TRUE(result.has_done());
        for (const auto& chunk : result.chunks()) {
            EXPECT_EQ(chunk["model"], "house-1");
        }
    }
}

TEST(streaming, moa_199_the_head_tells_what_is_known_at_the_commit_point) {
    panel p;
    const gateway_process gateway(p.config());

    const auto head = stream(gateway, say_streamed(panel_name)).head;

    EXPECT_EQ(head.header("Content-Type").rfind("text/event-stream", 0), 0u);
    EXPECT_EQ(head.header("Cache-Control"), "no-cache");
    EXPECT_EQ(head.header("X-Accel-Buffering"), "no");
    EXPECT_EQ(head.header("X-MetaModel-Profile"), panel_name);
    EXPECT_EQ(head.header("X-MetaModel-Request-Id").rfind("metamodel-", 0), 0u);
}

TEST(streaming, moa_200_pieces_join_to_the_exact_text) {
    encoder e;
    const std::string letters(250, 'x');
    const std::string sentence = "north south east west and then onwards forever again";

    for (const std::string& text :
         {std::string("  leading and trailing  "),
          std::string("double  spaces\n\nand\tlines\n"),
          std::string("größer 😀 "
                      "日本語のテキスト、四十文字を超えるように長く書いておきます。まだ足りないかも"
                      "しれません。"),
          letters,
          sentence}) {
        EXPECT_EQ(e.transcript(text_message(text), "stop").text(), text);
    }
    const auto long_run = e.transcript(text_message(letters), "stop").chunks();
    EXPECT_EQ(delta(long_run[1])["content"], letters.substr(0, 40));
    const auto words = e.transcript(text_message(sentence), "stop").chunks();
    EXPECT_EQ(delta(words[1])["content"], "north south east west and then onwards ");
    EXPECT_EQ(delta(words[2])["content"], "forever again");
}

TEST(streaming, moa_201_reasoning_comes_first_or_not_at_all) {
    panel p;
    p.models.on("s", with_reasoning("the answer", "the thought"));
    const gateway_process hidden(p.config());
    const gateway_process shown(p.config("expose_reasoning = true"));

    const auto without = stream(hidden, say_streamed(panel_name));
    const auto with_it = stream(shown, say_streamed(panel_name));

    EXPECT_EQ(without.text(), "the answer");
    EXPECT_EQ(with_it.text(), "the answer");
    std::string reasoning;
    bool content_seen = false;
    for (const auto& chunk : with_it.chunks()) {
        content_seen = content_seen || delta(chunk).value("content", json("")) != "";
        if (delta(chunk).contains("reasoning_content")) {
            EXPECT_FALSE(content_seen) << "reasoning stands before content";
            reasoning += delta(chunk)["reasoning_content"].get<std::string>();
        }
    }
    EXPECT_EQ(reasoning, "the thought");
    for (const auto& chunk : without.chunks()) {
        EXPECT_FALSE(delta(chunk).contains("reasoning_content")) << chunk;
        EXPECT_FALSE(delta(chunk).contains("reasoning")) << chunk;
    }
}

TEST(streaming, moa_202_a_merge_profile_streams_the_same_grammar) {
    panel p;
    for (const char* name : {"b", "c"}) {
        p.models.on(name, reset_at_once());
    }
    const gateway_process gateway(p.config());

    const auto result = stream(gateway, say_streamed(panel_name));

    EXPECT_EQ(result.text(), "draft of a") << "a lone draft is streamed too";
    EXPECT_EQ(delta(result.chunks().front())["role"], "assistant");
    EXPECT_EQ(result.finish_reason(), "stop");
    EXPECT_TRUE(result.has_done());
}

TEST(streaming, moa_203_an_unknown_model_is_a_json_404) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto result = stream(gateway, say_streamed("ghost"));

    expect_error(result.head, {404, "not_found_error", "model_not_found", std::nullopt});
}

}  // namespace

}  // namespace meta_model::contract
