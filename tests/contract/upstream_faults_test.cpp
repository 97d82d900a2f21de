// What an upstream may do to the raw lane beyond the acceptance rows.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

constexpr auto api_error = "api_error";

TEST(upstream_faults, refused_credentials_are_ours_and_their_text_stays_hidden) {
    fake_upstream models;
    for (const int status : {401, 403, 407}) {
        models.next("a", json_reply(status, {{"error", {{"message", "bad key sk-upstream"}}}}));
    }
    const gateway_process gateway(config_text(models).upstream("a"));

    for (int i = 0; i < 3; ++i) {
        const auto reply = chat(gateway, say("a"));
        expect_error(reply, {502, api_error, "upstream_auth_failed", std::nullopt});
        EXPECT_EQ(reply.body.find("sk-upstream"), std::string::npos);
    }
}

TEST(upstream_faults, redirects_are_not_followed) {
    fake_upstream models;
    models.on("a", json_reply(307, {{"a", 1}}, {{"Location", models.base_url("b")}}));
    models.on("b", ok("x"));
    const gateway_process gateway(config_text(models).upstream("a"));

    expect_error(chat(gateway, say("a")), {502, api_error, "upstream_error", std::nullopt});
    EXPECT_EQ(models.call_count("b"), 0u);
}

TEST(upstream_faults, an_html_error_keeps_its_status_and_retry_after) {
    fake_upstream models;
    models.on("a", text_reply(429, "text/html", "<h1>slow down</h1>", {{"Retry-After", "3"}}));
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto reply = chat(gateway, say("a"));

    expect_error(reply, {429, "rate_limit_error", "upstream_error", std::nullopt});
    EXPECT_EQ(reply.header("Retry-After"), "3");
    EXPECT_EQ(reply.body.find("<h1>"), std::string::npos);
}

TEST(upstream_faults, broken_replies_are_typed) {
    fake_upstream models;
    const std::vector<std::pair<std::string, reply>> protocol_faults{
        {"array", json_array()},
        {"cut-json", text_reply(200, "application/json", R"({"id":"x","choices":[)")},
        {"events", sse({R"({"choices":[]})"})},
        {"empty", text_reply(200, "application/json", "")},
    };
    const std::vector<std::pair<std::string, reply>> transport_faults{
        {"garbage", garbage()},
        {"old", raw("HTTP/0.9 what\r\n\r\n")},
        {"closes", close_at_once()},
        {"resets", reset_at_once()},
        {"short",
         raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
             "500\r\n\r\n{\"id\":")},
    };
    config_text config(models);
    for (const auto* faults : {&protocol_faults, &transport_faults}) {
        for (const auto& [name, fault] : *faults) {
            models.on(name, fault);
            config.upstream(name);
        }
    }
    models.on("good", ok("x"));
    const gateway_process gateway(config.upstream("good"));

    for (const auto& [name, fault] : protocol_faults) {
        const auto reply = chat(gateway, say(name));
        EXPECT_EQ(reply.error_code(), "upstream_protocol_error") << name;
        expect_envelope(reply, 502);
    }
    for (const auto& [name, fault] : transport_faults) {
        const auto reply = chat(gateway, say(name));
        EXPECT_EQ(reply.error_code(), "upstream_error") << name;
        expect_envelope(reply, 502);
    }
    EXPECT_EQ(chat(gateway, say("good")).status, 200);
}

TEST(upstream_faults, odd_but_legal_framing_is_understood) {
    fake_upstream models;
    const std::string body =
        R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"fine"}}]})";
    models.on(
        "early",
        preceded_by(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", ok("fine")
        )
    );
    models.on("closing", closed_delimited("application/json", body));
    models.on("ten", raw("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body));
    models.on("bytewise", in_pieces(1, 0ms, text_reply(200, "application/json", body)));
    models.on(
        "chunks",
        raw(http_head(200, "application/json", {{"Transfer-Encoding", "chunked"}})
            + as_chunk(body.substr(0, 9)) + as_chunk(body.substr(9)) + "0\r\nX-Trailer: 1\r\n\r\n")
    );
    const gateway_process gateway(
        config_text(models).upstreams({"early", "closing", "ten", "bytewise", "chunks"})
    );

    for (const char* name : {"early", "closing", "ten", "bytewise", "chunks"}) {
        const auto reply = chat(gateway, say(name));
        ASSERT_EQ(reply.status, 200) << name << reply.body;
        EXPECT_EQ(answer_text(reply), "fine") << name;
    }
}

TEST(upstream_faults, connections_are_reused_but_not_after_surplus_bytes) {
    fake_upstream models;
    const std::string surplus = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const auto late_surplus = [&](const recorded_request& request) {
        auto steps = ok("x")(request);
        steps.push_back({step_kind::pause, {}, 20ms, nullptr});
        steps.push_back({step_kind::send, surplus, 0ms, nullptr});
        return steps;
    };
    models.on("tidy", ok("x"));
    models.on("surplus", followed_by(surplus, ok("x")));
    models.on("late", late_surplus);
    // Without probes the pool holds only what the calls left in it.
    config_text config(models);
    for (const char* name : {"tidy", "surplus", "late"}) {
        config.upstream(name, "health_check = \"off\"");
    }
    const gateway_process gateway(config);

    for (const char* name : {"tidy", "surplus", "late"}) {
        EXPECT_EQ(answer_text(chat(gateway, say(name))), "x") << name;
        const auto is_sent = [&] { return models.last_request(name).replied.has_value(); };
        ASSERT_TRUE(models.wait_until(is_sent)) << name;
        EXPECT_EQ(answer_text(chat(gateway, say(name))), "x") << name;
    }

    const auto connections = [&](const std::string& name) {
        const auto all = models.requests(name);
        return std::pair(all[0].connection, all[1].connection);
    };
    EXPECT_EQ(connections("tidy").first, connections("tidy").second);
    EXPECT_NE(connections("surplus").first, connections("surplus").second);
    EXPECT_NE(connections("late").first, connections("late").second);
}

TEST(upstream_faults, a_reused_connection_that_died_is_replaced) {
    fake_upstream models;
    models.on("a", ok("second"));
    models.next("a", ok("first"));
    models.next("a", close_at_once());
    const gateway_process gateway(config_text(models).upstream("a"));

    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "first");
    const auto reply = chat(gateway, say("a"));

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), "second");
    EXPECT_EQ(models.call_count("a"), 3u);
}

TEST(upstream_faults, a_fresh_connection_that_dies_is_not_tried_again) {
    fake_upstream models;
    models.on("a", close_at_once());
    // Without probes there is no pooled connection that the call could take.
    const gateway_process gateway(config_text(models).upstream("a", "health_check = \"off\""));

    expect_envelope(chat(gateway, say("a")), 502);
    EXPECT_EQ(models.call_count("a"), 1u);
}

TEST(upstream_faults, a_reply_above_the_cap_is_refused) {
    fake_upstream models;
    models.on("a", ok_as_json(std::string(200000, 'x')));
    const gateway_process gateway(
        config_text(models).upstream("a", "[upstreams.a.limits]\nmax_reply_bytes = 100000")
    );

    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say("a").dump())));
    const auto reply = client.read_reply();

    EXPECT_TRUE(reply.status == 502 || !reply.is_whole)
        << "an error, or a body that is visibly cut";
}

TEST(upstream_faults, an_idle_upstream_is_given_up) {
    fake_upstream models;
    models.on("a", hang_after_sends(3, ok("one two three")));
    const gateway_process gateway(
        config_text(models).upstream("a", "[upstreams.a.timeouts]\nidle_secs = 0.3")
    );

    const auto start = clock::now();
    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.text(), "one");
    EXPECT_FALSE(result.has_done());
    EXPECT_EQ(result.error().value("code", ""), "upstream_timeout") << result.error();
    EXPECT_LT(clock::now() - start, 1500ms);
    EXPECT_TRUE(models.wait_for_peer_close("a"));
}

TEST(upstream_faults, a_head_alone_is_no_first_token) {
    fake_upstream models;
    models.on("a", hang_after_sends(1, ok("x")));
    const gateway_process gateway(
        config_text(models).upstream("a", "[upstreams.a.timeouts]\nfirst_token_secs = 0.3")
    );

    const auto result = stream(gateway, say_streamed("a"));

    expect_error(result.head, {504, "api_error", "upstream_timeout", std::nullopt});
}

}  // namespace

}  // namespace meta_model::contract
