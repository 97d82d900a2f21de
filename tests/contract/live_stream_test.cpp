// Streams in real time: tokens leave when they are made, and a cut is never a clean end.
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

TEST(live_stream, the_synthesizers_tokens_leave_while_it_writes) {
    panel p;
    const auto gate = make_gate();
    p.models.on("s", held_after(3, gate, ok("first second")));
    const gateway_process gateway(p.config());
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed(panel_name).dump())));
    client.read_head();
    sse_reader reader(client);

    const auto early = next_content(reader);
    const bool still_writing = !p.models.last_request("s").replied;
    gate->open();
    const auto late = next_content(reader);

    EXPECT_EQ(early, "first");
    EXPECT_TRUE(still_writing);
    EXPECT_EQ(late, " second");
}

TEST(live_stream, a_passthroughs_events_leave_as_they_arrive_and_unchanged) {
    fake_upstream models;
    const auto gate = make_gate();
    const std::vector<std::string> events{
        R"({"id":"u1","object":"chat.completion.chunk","model":"org/a","choices":[{"index":0,"delta":{"role":"assistant","content":"caf\u00e9"}}],"odd":1.50})",
        R"({"id":"u1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
        "[DONE]",
    };
    models.on("a", held_after(2, gate, sse(events)));
    const gateway_process gateway(config_text(models).upstream("a"));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed("a").dump())));
    client.read_head();
    sse_reader reader(client);

    const auto first = reader.next_data();
    const bool still_writing = !models.last_request("a").replied;
    gate->open();

    ASSERT_TRUE(first);
    EXPECT_EQ(first->data, events[0]);
    EXPECT_TRUE(still_writing);
    EXPECT_EQ(reader.next_data()->data, events[1]);
    EXPECT_EQ(reader.next_data()->data, "[DONE]");
    EXPECT_FALSE(reader.next_data());
    EXPECT_TRUE(reader.ended_whole());
}

TEST(live_stream, the_result_is_the_same_however_the_upstream_splits_it) {
    fake_upstream models;
    models.on("a", ok("one two three"));
    const gateway_process gateway(config_text(models).upstream("a").server("model_name = \"house\"")
    );
    const auto expected = stream(gateway, say_streamed("a")).chunks();

    for (const std::size_t size : {1u, 2u, 3u, 7u, 64u}) {
        models.on("a", in_pieces(size, 0ms, ok("one two three")));
        const auto result = stream(gateway, say_streamed("a"));
        EXPECT_EQ(result.chunks(), expected) << size;
        EXPECT_TRUE(result.has_done()) << size;
    }
}

TEST(live_stream, a_finish_without_done_is_completed) {
    fake_upstream models;
    answer what;
    what.message["content"] = "done without saying so";
    what.sends_done = false;
    models.on("a", complete(what));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.text(), "done without saying so");
    EXPECT_TRUE(result.has_done());
    EXPECT_TRUE(result.is_whole);
}

TEST(live_stream, an_end_without_finish_is_a_cut) {
    fake_upstream models;
    models.on(
        "a", sse({R"({"choices":[{"index":0,"delta":{"role":"assistant","content":"half"}}]})"})
    );
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.text(), "half");
    EXPECT_TRUE(result.error().is_object());
    EXPECT_FALSE(result.has_done());
}

TEST(live_stream, a_malformed_event_is_dropped_and_the_rest_goes_on) {
    fake_upstream models;
    models.on(
        "a",
        sse(
            {R"({"choices":[{"index":0,"delta":{"content":"one"}}]})",
             "{broken",
             R"({"choices":[{"index":0,"delta":{"content":" two"},"finish_reason":"stop"}]})",
             "[DONE]"}
        )
    );
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.text(), "one two");
    EXPECT_TRUE(result.has_done());
}

TEST(live_stream, a_synthesizer_cut_after_its_first_token_is_an_error_event) {
    panel p;
    p.models.on("s", cut_after_sends(3, ok("first second")));
    const gateway_process gateway(p.config());

    const auto result = stream(gateway, say_streamed(panel_name));

    EXPECT_EQ(result.text(), "first");
    EXPECT_TRUE(result.error().is_object());
    EXPECT_FALSE(result.has_done());
}

TEST(live_stream, a_synthesizer_cut_before_its_first_token_falls_back) {
    panel p;
    p.models.on("s", cut_after_sends(2, ok("first second")));
    p.models.on("a", ok("aaaaaaaa"));
    p.models.on("b", ok("bbbbbbbb"));
    p.models.on("c", ok("cccccccc"));
    const gateway_process gateway(p.config());

    const auto result = stream(gateway, say_streamed(panel_name));

    EXPECT_EQ(result.text(), "aaaaaaaa");
    EXPECT_TRUE(result.has_done());
}

TEST(live_stream, a_late_status_after_an_early_commit_is_an_error_event) {
    fake_upstream models;
    models.on("a", delayed(500ms, json_reply(503, {{"error", {{"message", "busy"}}}})));
    const gateway_process gateway(
        config_text(models).server("stream_commit_secs = 0.1").upstream("a")
    );

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.head.status, 200);
    EXPECT_TRUE(result.is_stream());
    EXPECT_TRUE(result.error().is_object());
    EXPECT_FALSE(result.has_done());
    EXPECT_FALSE(result.comments.empty()) << "a heartbeat goes out with an early head";
}

TEST(live_stream, http_1_0_clients_get_a_stream_until_close) {
    fake_upstream models;
    models.on("a", ok("old times"));
    const gateway_process gateway(config_text(models).upstream("a"));
    const auto body = say_streamed("a").dump();
    http_client client(gateway.port());

    client.send(
        "POST /v1/chat/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: "
        + std::to_string(body.size()) + "\r\n\r\n" + body
    );
    const auto result = read_transcript(client);

    EXPECT_EQ(result.head.status, 200);
    EXPECT_FALSE(result.head.has("Transfer-Encoding"));
    EXPECT_EQ(result.text(), "old times");
    EXPECT_TRUE(result.has_done());
}

TEST(live_stream, an_event_above_a_mebibyte_is_refused) {
    fake_upstream models;
    const std::string huge =
        R"({"choices":[{"index":0,"delta":{"content":")" + std::string(1500000, 'x') + R"("}}]})";
    models.on("a", sse({R"({"choices":[{"index":0,"delta":{"content":"one"}}]})", huge, "[DONE]"}));
    models.on("b", sse({huge, "[DONE]"}));
    gateway_process gateway(config_text(models).upstreams({"a", "b"}));

    const auto result = stream(gateway, say_streamed("a"));
    const auto first = stream(gateway, say_streamed("b"));

    EXPECT_EQ(result.text(), "one");
    EXPECT_TRUE(result.error().is_object());
    EXPECT_FALSE(result.has_done());
    expect_error(first.head, {502, "api_error", "upstream_protocol_error", std::nullopt});
    EXPECT_NE(final_log(gateway).find("an event above 1 MiB"), std::string::npos);
}

}  // namespace

}  // namespace meta_model::contract
