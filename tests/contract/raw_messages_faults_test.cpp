// The Messages API on both sides: upstreams that refuse, fail, cut, hang or write nonsense, and clients that leave.
#include "contract/raw_messages_words.hpp"

namespace meta_model::contract {

namespace {

class raw_messages_faults : public raw_messages {};

TEST_F(raw_messages_faults, what_only_the_upstream_can_read_is_counted_there) {
    models.on("a", json_reply(200, {{"input_tokens", 42}}));
    const gateway_process gateway(config().upstream("b"));
    const auto body = [](const std::string& model) {
        return json{
            {"model", model},
            {"messages", {{{"role", "user"}, {"content", {{{"type", "document"}, {"x", 1}}}}}}},
            {"tools", {{{"type", "web_search_20250305"}, {"name", "web_search"}}}}
        };
    };
    const auto count = [&](const json& request) {
        return post(
            gateway,
            "/v1/messages/count_tokens",
            request.dump(),
            {{"anthropic-version", "2099-01-01"}}
        );
    };

    const auto counted = count(body("a"));
    const auto sent = models.last_request("a");
    const auto estimated = count(body("b"));

    EXPECT_EQ(counted.status, 200) << counted.body;
    EXPECT_EQ(counted.body, R"({"input_tokens":42})");
    EXPECT_EQ(sent.json, body("org/a"));
    EXPECT_EQ(sent.header("anthropic-version"), "2099-01-01");
    EXPECT_EQ(estimated.status, 400) << "nobody here knows what it is";
}

TEST_F(raw_messages_faults, an_upstreams_own_error_object_is_relayed_with_its_status) {
    const auto error =
        R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"})"s;
    const gateway_process gateway(config("", "[upstreams.a.retry]\nmax_attempts = 1\n"));

    models.on("a", text_reply(400, "application/json", error));
    const auto refused = ask(gateway, streamed("a"));
    models.on("a", text_reply(529, "application/json", error, {{"Retry-After", "7"}}));
    const auto overloaded = ask(gateway, whole());

    EXPECT_EQ(overloaded.status, 529);
    EXPECT_EQ(overloaded.body, error);
    EXPECT_EQ(overloaded.header("Retry-After"), "7");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.body, error);
}

TEST_F(raw_messages_faults, what_is_no_message_is_a_502) {
    const std::vector<reply> replies{
        html(),
        json_array(),
        json_reply(200, {{"id", "x"}}),
        json_reply(200, {{"type", "message"}, {"content", "text"}}),
        text_reply(200, "application/json", "{\"content\":[],\"x\":\"\xff\"}"),
        anthropic_error(401, "authentication_error", "key sk-ant-1 is bad"),
        text_reply(200, "text/event-stream", message_start),
        garbage(),
        close_at_once(),
    };
    for (std::size_t i = 0; i < replies.size(); ++i) {
        const gateway_process gateway(config("", "[upstreams.a.retry]\nmax_attempts = 1\n"));
        models.on("a", replies[i]);

        const auto reply = ask(gateway, whole());

        EXPECT_EQ(reply.status, 502) << i;
        EXPECT_EQ(reply.body.find("sk-ant-1"), std::string::npos) << i;
    }
}

TEST_F(raw_messages_faults, an_error_in_a_good_reply_or_as_the_first_event_has_its_status) {
    const gateway_process gateway(config("", "[upstreams.a.retry]\nmax_attempts = 1\n"));
    const json error = {
        {"type", "error"}, {"error", {{"type", "rate_limit_error"}, {"message", "m"}}}
    };

    models.on("a", json_reply(200, error));
    for (const auto& body : {whole(), streamed("a")}) {
        const auto limited = ask(gateway, body);
        EXPECT_EQ(limited.status, 429);
        EXPECT_EQ(limited.json(), error);
    }
    models.on("a", raw_events({event_text("ping", R"({"type":"ping"})"), upstream_error}));
    const auto streamed_reply = ask(gateway, streamed("a"));
    EXPECT_EQ(streamed_reply.status, 529);
    EXPECT_EQ(streamed_reply.header("Content-Type"), "application/json");
    EXPECT_EQ("event: error\ndata: " + streamed_reply.body + "\n\n", upstream_error);
    const json of_keys = {
        {"type", "error"}, {"error", {{"type", "authentication_error"}, {"message", "key x"}}}
    };
    models.on("a", raw_events({event_text("error", of_keys.dump())}));
    const auto withheld = ask(gateway, streamed("a"));
    EXPECT_EQ(withheld.status, 502);
    EXPECT_EQ(withheld.body.find("key x"), std::string::npos);
}

TEST_F(raw_messages_faults, a_stream_that_fails_ends_with_the_upstreams_own_error_event) {
    models.on("a", raw_events({message_start, hello, upstream_error, message_stop}));
    gateway_process gateway(config());

    const auto reply = ask(gateway, streamed("a"));

    EXPECT_EQ(reply.body, message_start + hello + upstream_error);
    EXPECT_TRUE(reply.is_whole);
}

TEST_F(raw_messages_faults, a_stream_that_is_cut_ends_with_an_error_event) {
    const gateway_process gateway(config());
    const auto begun = message_start + text_start + hello + message_delta;
    const std::vector<reply> replies{
        raw_events({message_start, text_start, hello, message_delta}),
        cut_after_sends(
            5, raw_events({message_start, text_start, hello, message_delta, message_stop})
        ),
        reset_after_sends(
            5, raw_events({message_start, text_start, hello, message_delta, message_stop})
        ),
        raw_events({message_start, text_start, hello, message_delta, "event: message_stop\ndata: {"}
        ),
    };
    for (const auto& r : replies) {
        models.on("a", r);

        const auto reply = ask(gateway, streamed("a"));

        EXPECT_EQ(reply.body.rfind(begun, 0), 0u) << reply.body;
        const auto error = last_error(reply.body);
        EXPECT_EQ(error["type"], "error");
        EXPECT_EQ(error["error"]["type"], "api_error");
        EXPECT_FALSE(error["error"]["message"].get<std::string>().empty());
    }
}

TEST_F(raw_messages_faults, a_stream_that_fails_has_its_books) {
    const gateway_process gateway(config());
    const auto traced =
        R"({"model":"a","stream":true,"x_meta_model":{"trace":true})" + request_rest + "}";
    for (const bool is_told : {true, false}) {
        models.on(
            "a", raw_events({message_start, hello, message_delta, is_told ? upstream_error : ""})
        );

        const auto reply = ask(gateway, traced);

        const std::string ping = "event: ping\ndata: ";
        const auto at = reply.body.find(ping + R"({"type":"ping","x_meta_model")");
        ASSERT_NE(at, std::string::npos) << reply.body;
        const auto end = reply.body.find("\n\n", at);
        const auto books = json::parse(reply.body.substr(at + ping.size(), end - at - ping.size()));
        EXPECT_EQ(books["x_meta_model"]["total_tokens"], 370);
        EXPECT_EQ(books["x_meta_model"]["legs"][0]["state"], "failed");
        EXPECT_EQ(reply.body.find("event: error\n"), end + 2) << "the error is the last event";
    }
}

TEST_F(raw_messages_faults, events_that_are_no_json_are_left_out) {
    const auto no_text = "data: {\"type\":\"x\xff\"}\n\n"s;
    models.on(
        "a",
        raw_events({message_start, "data: {\"type\":\n\n", no_text, hello, message_stop, hello})
    );
    const gateway_process gateway(config());

    const auto reply = ask(gateway, streamed("a"));

    EXPECT_EQ(reply.body, message_start + hello + message_stop) << "nothing follows the end";
}

TEST_F(raw_messages_faults, an_event_above_the_limit_ends_the_stream) {
    const auto large =
        event_text("content_block_delta", R"({"x":")" + std::string(1'100'000, 'x') + "\"}");
    const gateway_process gateway(config("", "[upstreams.a.limits]\nmax_reply_bytes = 1000000\n"));

    models.on("a", raw_events({large}));
    EXPECT_EQ(ask(gateway, streamed("a")).status, 502);
    models.on("a", raw_events({message_start, large}));
    const auto reply = ask(gateway, streamed("a"));
    EXPECT_EQ(reply.body.rfind(message_start, 0), 0u);
    EXPECT_EQ(last_error(reply.body)["error"]["type"], "api_error");
}

TEST_F(raw_messages_faults, silence_is_filled_with_pings_and_hides_no_late_error) {
    const auto opened = make_gate();
    models.on("a", held(opened, raw_events({message_start, hello, message_stop})));
    const gateway_process gateway(config().server("stream_commit_secs = 0.1\nkeepalive_secs = 0.1")
    );

    http_client client(gateway.port());
    client.send(request_bytes(post_parts(messages_path, streamed("a"))));
    const auto head = client.read_head();
    std::string body;
    const std::string ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    while (body.find(ping + ping) == std::string::npos) {
        ASSERT_EQ(client.read_body(body, clock::now() + default_wait), body_end::open);
    }
    opened->open();
    while (client.read_body(body, clock::now() + default_wait) == body_end::open) {
    }
    models.on("a", delayed(400ms, anthropic_error(400, "invalid_request_error", "too long")));
    const auto late = ask(gateway, streamed("a"));

    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(without_heartbeats(body), message_start + hello + message_stop);
    EXPECT_EQ(late.status, 200);
    EXPECT_EQ(last_error(late.body)["error"]["type"], "invalid_request_error");
}

TEST_F(raw_messages_faults, an_upstream_that_hangs_is_given_up) {
    const std::string limits =
        "[upstreams.a.timeouts]\nfirst_byte_secs = 0.3\nfirst_token_secs = 0.3\nidle_secs = 0.3\n"
        "[upstreams.a.retry]\nmax_attempts = 1\n";
    const gateway_process gateway(config("", limits));

    models.on("a", hang());
    EXPECT_EQ(ask(gateway, whole()).status, 504);
    models.on("a", hang_after_sends(2, raw_events({message_start, hello})));
    const auto reply = ask(gateway, streamed("a"));
    EXPECT_EQ(reply.body.rfind(message_start, 0), 0u);
    EXPECT_EQ(last_error(reply.body)["error"]["type"], "timeout_error");
}

TEST_F(raw_messages_faults, a_refused_call_is_tried_again_and_a_failing_upstream_left_alone) {
    const gateway_process gateway(
        config("", "[upstreams.a.retry]\nbase_ms = 1\n[upstreams.a.breaker]\nfailures = 2\n")
    );

    models.next("a", anthropic_error(529, "overloaded_error", "Overloaded"));
    EXPECT_EQ(ask(gateway, whole()).status, 200);
    EXPECT_EQ(models.call_count("a"), 2u);
    models.on("a", anthropic_error(500, "api_error", "m"));
    for (int i = 0; i < 4; ++i) {
        ask(gateway, whole());
    }
    const auto calls = models.call_count("a");
    EXPECT_EQ(ask(gateway, whole()).status, 503);
    EXPECT_EQ(models.call_count("a"), calls) << "its breaker is open";
}

TEST_F(raw_messages_faults, a_client_that_leaves_ends_the_call) {
    for (const bool is_streamed : {false, true}) {
        models.on("a", is_streamed ? hang_after_sends(3, raw_events(all_events())) : hang());
        const gateway_process gateway(config());
        const auto before = models.call_count("a");
        http_client client(gateway.port());
        client.send(request_bytes(post_parts(messages_path, is_streamed ? streamed("a") : whole()))
        );
        ASSERT_TRUE(models.wait_for_calls("a", before + 1));
        if (is_streamed) {
            client.read_head();
            sse_reader reader(client);
            ASSERT_TRUE(reader.next());
        }

        client.close();

        EXPECT_TRUE(models.wait_for_peer_close("a", cancel_limit));
    }
}

}  // namespace

}  // namespace meta_model::contract
