// What a well-behaved HTTP/1.1 client may rely on: methods, targets, keep-alive, pipelining, Expect, HEAD.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

struct target {
    fake_upstream models{};
    gateway_process gateway{config_text(models).upstream("a").passthrough("p", "a")};

    target() { models.on("a", ok("x")); }
};

request_parts call(const std::string& path, const std::string& body) {
    return {"POST", path, {{"Content-Type", "application/json"}}, body};
}

TEST(strict_http, methods_that_a_path_does_not_know_are_405) {
    target t;

    for (const char* method : {"PUT", "DELETE", "PATCH", "GET", "HEAD"}) {
        const auto reply = fetch(t.gateway.port(), {method, "/v1/chat/completions", {}, {}});
        EXPECT_EQ(reply.status, 405) << method;
        EXPECT_TRUE(lists(reply.header("Allow"), "POST")) << method;
    }
    const auto invented = fetch(t.gateway.port(), {"FROBNICATE", "/v1/models", {}, {}});
    EXPECT_TRUE(invented.status == 405 || invented.status == 501) << invented.start_line;
    expect_envelope(invented, invented.status);
}

TEST(strict_http, head_goes_wherever_get_goes_without_a_body) {
    target t;

    for (const char* path : {"/v1/models", "/v1/health", "/livez", "/metrics", "/v1/models/p"}) {
        http_client client(t.gateway.port());
        client.send(request_bytes({"HEAD", path, {}, {}}));
        const auto head = client.read_reply(default_wait, body_rule::none);
        client.send(request_bytes({"GET", path, {}, {}}));
        const auto full = client.read_reply();
        EXPECT_EQ(head.status, 200) << path;
        EXPECT_EQ(full.status, 200) << path << ": the next reply starts where the head ended";
        EXPECT_EQ(head.header("Content-Type"), full.header("Content-Type")) << path;
    }
    const auto missing = fetch(t.gateway.port(), {"HEAD", "/nothing", {}, {}});
    EXPECT_EQ(missing.status, 404);
}

TEST(strict_http, a_connection_serves_many_requests_and_outlives_refusals) {
    target t;
    http_client client(t.gateway.port());

    for (int i = 0; i < 5; ++i) {
        client.send(request_bytes(chat_parts(say("a").dump())));
        EXPECT_EQ(client.read_reply().status, 200);
        client.send(request_bytes(chat_parts("{broken")));
        EXPECT_EQ(client.read_reply().status, 400);
        client.send(request_bytes({"GET", "/nothing", {}, {}}));
        EXPECT_EQ(client.read_reply().status, 404);
        client.send(request_bytes(chat_parts(say_streamed("a").dump())));
        EXPECT_TRUE(read_transcript(client).has_done());
    }
}

TEST(strict_http, pipelined_requests_are_answered_in_order) {
    target t;
    t.models.next("a", delayed(100ms, ok("first")));
    t.models.next("a", ok("second"));
    http_client client(t.gateway.port());

    client.send(
        request_bytes(chat_parts(say("a").dump())) + request_bytes(chat_parts(say("a").dump()))
        + request_bytes({"GET", "/livez", {}, {}})
    );

    EXPECT_EQ(answer_text(client.read_reply()), "first");
    EXPECT_EQ(answer_text(client.read_reply()), "second");
    EXPECT_EQ(client.read_reply().status, 200);
}

TEST(strict_http, connection_close_is_honoured) {
    target t;
    http_client client(t.gateway.port());

    client.send(request_bytes({"GET", "/v1/models", {{"Connection", "close"}}, {}}));
    const auto reply = client.read_reply();

    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(same_name(reply.header("Connection"), "close"));
    EXPECT_TRUE(client.is_closed_by_peer());
}

TEST(strict_http, http_1_0_closes_unless_asked_to_stay) {
    target t;
    http_client leaving(t.gateway.port());
    http_client staying(t.gateway.port());

    leaving.send("GET /livez HTTP/1.0\r\n\r\n");
    EXPECT_EQ(leaving.read_reply().status, 200);
    EXPECT_TRUE(leaving.is_closed_by_peer());
    staying.send("GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const auto reply = staying.read_reply();
    EXPECT_TRUE(reply.is_whole);
    EXPECT_TRUE(same_name(reply.header("Connection"), "keep-alive") || staying.is_closed_by_peer());
}

TEST(strict_http, expect_100_continue_is_answered_before_the_body) {
    target t;
    const auto body = say("a").dump();
    const std::string head =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/json\r\nExpect: 100-continue\r\nContent-Length: ";
    http_client client(t.gateway.port());

    client.send(head + std::to_string(body.size()) + "\r\n\r\n");
    const auto interim = client.read_head();
    client.send(body);
    const auto reply = client.read_reply();

    EXPECT_EQ(interim.status, 100);
    EXPECT_EQ(reply.status, 200);
}

TEST(strict_http, expect_100_continue_is_refused_without_reading_what_is_too_large) {
    target t;
    http_client client(t.gateway.port());

    client.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: "
        "100-continue\r\nContent-Length: 99999999999\r\n\r\n"
    );
    const auto reply = client.read_reply();

    expect_envelope(reply, 413);
}

TEST(strict_http, a_half_closed_client_still_gets_local_answers) {
    target t;

    for (const auto& parts :
         {request_parts{"GET", "/v1/models", {}, {}},
          request_parts{"GET", "/nothing", {}, {}},
          chat_parts("{broken")}) {
        http_client client(t.gateway.port());
        client.send(request_bytes(parts));
        client.shutdown_write();
        EXPECT_GT(client.read_reply().status, 0) << parts.target;
    }
}

TEST(strict_http, a_request_cut_in_its_head_or_body_is_no_request) {
    target t;
    const auto whole = request_bytes(chat_parts(say("a").dump()));

    for (const auto size : {std::size_t{10}, whole.find("\r\n\r\n") + 6, whole.size() - 1}) {
        http_client client(t.gateway.port());
        client.send(whole.substr(0, size));
        client.shutdown_write();
        if (!client.is_closed_by_peer()) {
            EXPECT_EQ(client.read_head().status, 400);
        }
    }
    EXPECT_TRUE(t.models.requests().empty());
    EXPECT_EQ(chat(t.gateway, say("a")).status, 200);
}

TEST(strict_http, equivalent_targets_reach_the_same_handler) {
    target t;
    const auto body = say("a").dump();

    for (const char* path :
         {"/v1/chat/completions",
          "/v1/chat/completions/",
          "/chat/completions",
          "/v1/chat/completions?x=1&y",
          "http://localhost/v1/chat/completions",
          "http://127.0.0.1:1234/v1/chat/completions"}) {
        EXPECT_EQ(fetch(t.gateway.port(), call(path, body)).status, 200) << path;
    }
    for (const char* path : {"/v1/models", "/v1/models/", "/models", "/v1/models?limit=5"}) {
        EXPECT_EQ(get(t.gateway, path).status, 200) << path;
    }
}

TEST(strict_http, path_tricks_do_not_slip_past_the_key) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).server("bearer_token = \"t\"").upstream("a"));

    for (const char* path :
         {"//v1/models",
          "/v1/health/../models",
          "/health/../v1/models",
          "/v1/%6dodels",
          "/v1/models;/health",
          "/v1/models#/health",
          "/v1/models?/v1/health",
          "http://localhost/v1/models",
          "/v1/health%2f..%2fmodels",
          "/metrics/../v1/models"}) {
        const auto reply = get(gateway, path);
        EXPECT_TRUE(reply.status == 401 || reply.status == 400) << path << " " << reply.start_line;
    }
}

TEST(strict_http, encoded_requests_are_not_supported) {
    target t;

    const auto reply = fetch(
        t.gateway.port(),
        {"POST",
         "/v1/chat/completions",
         {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}},
         say("a").dump()}
    );

    expect_envelope(reply, 415);
    EXPECT_EQ(reply.error_code(), "unsupported_media_type");
}

TEST(strict_http, many_connections_at_once_are_served) {
    target t;
    std::vector<http_client> clients;
    for (int i = 0; i < 100; ++i) {
        clients.emplace_back(t.gateway.port());
    }

    for (auto& client : clients) {
        client.send(request_bytes(chat_parts(say("a").dump())));
    }

    for (auto& client : clients) {
        EXPECT_EQ(client.read_reply().status, 200);
    }
}

TEST(strict_http, above_max_in_flight_requests_are_refused_with_retry_after) {
    fake_upstream models;
    const auto gate = make_gate();
    models.on("a", held(gate, ok("x")));
    const gateway_process gateway(
        config_text(models).upstream("a").server_table("limits", "max_in_flight = 1")
    );
    http_client first(gateway.port());
    first.send(request_bytes(chat_parts(say("a").dump())));
    ASSERT_TRUE(models.wait_for_calls("a", 1));

    const auto refused = chat(gateway, say("a"));
    gate->open();

    expect_error(refused, {503, "service_unavailable_error", "overloaded", std::nullopt});
    EXPECT_GE(std::stoi(refused.header("Retry-After")), 1);
    EXPECT_TRUE(refused.has("retry-after-ms"));
    EXPECT_EQ(refused.header("x-should-retry"), "true");
    EXPECT_EQ(first.read_reply().status, 200);
    EXPECT_EQ(chat(gateway, say("a")).status, 200);
}

}  // namespace

}  // namespace meta_model::contract
