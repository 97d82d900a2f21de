// Responses that are made in the background: polled, cancelled, deleted, followed and resumed, and what ends them.
#include "contract/stored_responses.hpp"

#include <thread>

namespace meta_model::contract {

namespace {

const std::string frog = "It is a small green frog that sits on a leaf and looks at us.";

struct background {
    fake_upstream models;
    gateway_process gateway;

    explicit background(const std::string& more = "", const std::string& server = "")
        : gateway(config_text(models)
                      .server(server)
                      .upstreams({"a", "b"})
                      .moa("panel.v1", {"a", "b"}, "a")
                      .raw(more)) {
        models.on("a", ok(frog));
        models.on("b", ok(frog));
    }
    json begin(const json& body) {
        const auto reply = respond(gateway, body);
        EXPECT_EQ(reply.status, 200) << reply.body;
        return reply.json();
    }
    json now(const json& response) { return get(gateway, response_path(response)).json(); }
    open_stream follow(const json& response, const std::string& query = "") {
        return {gateway, {"GET", response_path(response, "?stream=true" + query), {}, ""}};
    }
    std::string bytes(const json& response, const std::string& query = "") {
        return get(gateway, response_path(response, "?stream=true" + query)).body;
    }
};

TEST(background_responses, are_queued_then_made_then_there) {
    background b;
    const auto hold = make_gate();
    b.models.on("a", held(hold, ok(frog)));
    const auto begun = b.begin(in_background("a"));
    EXPECT_EQ(begun["status"], "queued");
    EXPECT_EQ(begun["background"], true);
    EXPECT_EQ(begun["output"], json::array());
    ASSERT_TRUE(b.models.wait_for_calls("a", 1));
    EXPECT_EQ(b.now(begun)["status"], "in_progress");
    EXPECT_TRUE(wait_for_metric(b.gateway, "responses_in_background", 1));
    hold->open();
    const auto done = poll_to_its_end(b.gateway, begun);
    EXPECT_EQ(done["status"], "completed");
    EXPECT_EQ(done["output_text"], frog);
    EXPECT_EQ(done["id"], begun["id"]);
    EXPECT_EQ(done["created_at"], begun["created_at"]);
    EXPECT_TRUE(b.gateway.child().wait_for_log("background response ended"));
    EXPECT_TRUE(wait_for_metric(b.gateway, "responses_in_background", 0));
}

TEST(background_responses, are_made_by_ensembles_too) {
    background b;
    const auto done = poll_to_its_end(b.gateway, b.begin(in_background("panel.v1")));
    EXPECT_EQ(done["status"], "completed");
    EXPECT_EQ(done["output_text"], frog);
    EXPECT_EQ(done["model"], "panel.v1");
}

TEST(background_responses, go_on_when_their_client_is_gone) {
    background b;
    const auto hold = make_gate();
    b.models.on("a", held(hold, ok(frog)));
    json begun;
    {
        http_client client(b.gateway.port());
        client.send(request_bytes(response_parts(in_background("a"))));
        begun = client.read_reply().json();
    }
    hold->open();
    EXPECT_EQ(poll_to_its_end(b.gateway, begun)["status"], "completed");
}

TEST(background_responses, that_fail_say_why) {
    background b;
    b.models.on("a", json_reply(400, {{"error", {{"message", "Too odd."}, {"code", "odd"}}}}));
    const auto failed = poll_to_its_end(b.gateway, b.begin(in_background("a")));
    EXPECT_EQ(failed["status"], "failed");
    EXPECT_EQ(failed["error"], json({{"code", "odd"}, {"message", "Too odd."}}));
    b.models.on("a", html());
    const auto garbled = poll_to_its_end(b.gateway, b.begin(in_background("a")));
    EXPECT_EQ(garbled["status"], "failed");
    EXPECT_EQ(garbled["error"]["code"], "upstream_protocol_error");
    const auto streamed = poll_to_its_end(b.gateway, [&] {
        auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
        const auto failed_event = stream.until("response.failed");
        EXPECT_EQ(failed_event["response"]["status"], "failed");
        EXPECT_TRUE(stream.next().is_null());
        EXPECT_TRUE(stream.ended_whole());
        return failed_event["response"];
    }());
    EXPECT_EQ(streamed["status"], "failed");
}

TEST(background_responses, bad_requests_are_refused_at_once) {
    background b;
    expect_error(
        respond(b.gateway, with(in_background("a"), {{"store", false}})),
        {400, "invalid_request_error", std::nullopt, "store"}
    );
    EXPECT_EQ(respond(b.gateway, in_background("nobody")).status, 404);
    EXPECT_EQ(respond(b.gateway, with(in_background("a"), {{"input", 5}})).status, 400);
    EXPECT_EQ(respond(b.gateway, with(respond_to("a"), {{"background", "yes"}})).status, 400);
    EXPECT_TRUE(wait_for_metric(b.gateway, "responses_stored", 0));
}

TEST(background_responses, keep_to_the_requests_deadline) {
    background b;
    b.models.on("a", hang());
    const auto begun =
        b.begin(with(in_background("a"), {{"x_meta_model", {{"deadline_ms", 300}}}}));
    const auto failed = poll_to_its_end(b.gateway, begun);
    EXPECT_EQ(failed["status"], "failed");
    EXPECT_EQ(failed["error"]["code"], "upstream_timeout");
}

TEST(background_responses, are_cancelled_with_their_calls) {
    for (const bool streams : {false, true}) {
        background b;
        b.models.on("a", streams ? hang_after_sends(2, ok(frog)) : hang());
        json begun;
        if (streams) {
            auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
            begun = stream.until("response.created")["response"];
        } else {
            begun = b.begin(in_background("a"));
        }
        ASSERT_TRUE(b.models.wait_for_calls("a", 1));
        const auto asked_at = clock::now();
        const auto cancelled = ask_for(b.gateway, "POST", response_path(begun, "/cancel"));
        EXPECT_EQ(cancelled.status, 200) << cancelled.body;
        EXPECT_EQ(cancelled.json()["status"], "cancelled");
        ASSERT_TRUE(b.models.wait_for_peer_close("a"));
        EXPECT_LT(*b.models.last_request("a").peer_closed - asked_at, cancel_limit);
        EXPECT_EQ(b.now(begun), cancelled.json());
        const auto again = ask_for(b.gateway, "POST", response_path(begun, "/cancel"));
        EXPECT_EQ(again.status, 200);
        EXPECT_EQ(again.body, cancelled.body);
    }
}

TEST(background_responses, what_has_ended_is_not_cancelled) {
    background b;
    const auto done = poll_to_its_end(b.gateway, b.begin(in_background("a")));
    EXPECT_EQ(ask_for(b.gateway, "POST", response_path(done, "/cancel")).status, 400);
    EXPECT_EQ(b.now(done)["status"], "completed");
    const auto in_front = respond(b.gateway, respond_to("a")).json();
    EXPECT_EQ(ask_for(b.gateway, "POST", response_path(in_front, "/cancel")).status, 400);
}

TEST(background_responses, the_stream_of_a_cancelled_one_ends_with_its_state) {
    background b;
    b.models.on("a", hang_after_sends(3, ok(frog)));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    const auto created = stream.until("response.created");
    stream.until("response.output_text.delta");
    ask_for(b.gateway, "POST", response_path(created["response"], "/cancel"));
    const auto end = stream.until("response.failed");
    ASSERT_FALSE(end.is_null());
    EXPECT_EQ(end["response"]["status"], "cancelled");
    EXPECT_TRUE(stream.next().is_null());
    EXPECT_TRUE(stream.ended_whole());
    const auto number = end["sequence_number"].get<int>();
    const auto last = b.bytes(created["response"], "&starting_after=" + std::to_string(number - 1));
    EXPECT_NE(last.find("\"status\":\"cancelled\""), std::string::npos)
        << "and does when read later";
    EXPECT_EQ(b.bytes(created["response"], "&starting_after=" + std::to_string(number)), "");
}

TEST(background_responses, one_that_is_deleted_while_it_runs_is_ended) {
    background b;
    b.models.on("a", hang_after_sends(3, ok(frog)));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    const auto created = stream.until("response.created");
    stream.until("response.output_text.delta");
    EXPECT_EQ(
        ask_for(b.gateway, "DELETE", response_path(created["response"])).json()["deleted"], true
    );
    ASSERT_TRUE(b.models.wait_for_peer_close("a"));
    const auto end = stream.until("error");
    ASSERT_FALSE(end.is_null());
    EXPECT_EQ(end["code"], "response_not_found");
    EXPECT_EQ(get(b.gateway, response_path(created["response"])).status, 404);
}

TEST(background_responses, a_stream_is_resumed_with_exactly_its_bytes) {
    background b;
    auto first = fetch(
        b.gateway.port(),
        {"POST",
         "/v1/responses",
         {{"Content-Type", "application/json"}},
         with(in_background("panel.v1"), {{"stream", true}}).dump()}
    );
    ASSERT_EQ(first.status, 200);
    std::string told = first.body;
    for (auto at = told.find(": heartbeat\n\n"); at != std::string::npos;
         at = told.find(": heartbeat\n\n")) {
        told.erase(at, 13);
    }
    const auto id_at = told.find("resp_");
    const json response = {{"id", told.substr(id_at, told.find('"', id_at) - id_at)}};
    EXPECT_EQ(b.bytes(response), told);
    std::size_t at = 0;
    int n = 0;
    while (at < told.size()) {
        EXPECT_EQ(b.bytes(response, "&starting_after=" + std::to_string(n)), told.substr(at)) << n;
        at = told.find("\n\n", at) + 2;
        ++n;
    }
    EXPECT_GT(n, 8);
    EXPECT_EQ(b.bytes(response, "&starting_after=" + std::to_string(n)), "") << "nothing more";
    EXPECT_EQ(b.bytes(response, "&starting_after=" + std::to_string(n + 1000)), "");
    EXPECT_EQ(b.bytes(response, "&starting_after=9223372036854775807"), "");
    for (const auto* wrong : {"x", "-1", "1.5", "99999999999999999999"}) {
        expect_error(
            get(b.gateway,
                response_path(response, std::string("?stream=true&starting_after=") + wrong)),
            {400, "invalid_request_error", std::nullopt, "starting_after"}
        );
    }
}

TEST(background_responses, a_client_leaves_and_comes_back_while_it_is_made) {
    background b;
    const auto hold = make_gate();
    b.models.on("a", held_after(4, hold, ok(frog)));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    EXPECT_EQ(stream.status(), 200);
    const auto created = stream.next();
    EXPECT_EQ(created["type"], "response.created");
    EXPECT_EQ(created["response"]["status"], "queued");
    const auto seen = stream.until("response.output_text.delta")["sequence_number"].get<int>();
    stream.leave();
    auto again = b.follow(created["response"], "&starting_after=" + std::to_string(seen));
    hold->open();
    auto number = seen;
    json last;
    for (auto event = again.next(); !event.is_null(); event = again.next()) {
        EXPECT_EQ(event["sequence_number"], ++number);
        last = std::move(event);
    }
    EXPECT_EQ(last["type"], "response.completed");
    EXPECT_EQ(last["response"]["output_text"], frog);
    EXPECT_TRUE(again.ended_whole());
}

TEST(background_responses, the_first_event_comes_before_the_upstream_answers) {
    background b;
    b.models.on("a", hang());
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    EXPECT_EQ(stream.next()["type"], "response.created");
    EXPECT_EQ(stream.next()["type"], "response.queued");
    EXPECT_EQ(stream.next()["type"], "response.in_progress");
}

TEST(background_responses, many_follow_one_and_see_the_same) {
    background b;
    const auto hold = make_gate();
    b.models.on("a", held_after(3, hold, ok(frog)));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    const auto created = stream.next();
    std::vector<std::string> seen(8);
    std::vector<std::thread> clients;
    for (auto& into : seen) {
        clients.emplace_back([&] { into = b.bytes(created["response"]); });
    }
    hold->open();
    for (auto& c : clients) {
        c.join();
    }
    const auto all = b.bytes(created["response"]);
    EXPECT_NE(all.find("response.completed"), std::string::npos);
    for (const auto& s : seen) {
        EXPECT_EQ(s, all);
    }
}

TEST(background_responses, followers_of_one_are_bounded) {
    background b;
    b.models.on("a", hang_after_sends(2, ok(frog)));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    const auto created = stream.next();
    std::vector<open_stream> followers;
    for (int i = 0; i < 63; ++i) {
        followers.push_back(b.follow(created["response"]));
        EXPECT_EQ(followers.back().status(), 200);
    }
    const auto refused = get(b.gateway, response_path(created["response"], "?stream=true"));
    expect_error(refused, {503, "service_unavailable_error", "overloaded", std::nullopt});
    EXPECT_TRUE(refused.has("Retry-After"));
}

TEST(background_responses, a_silent_stream_gets_heartbeats) {
    background b("", "keepalive_secs = 0.2");
    b.models.on("a", hang());
    http_client client(b.gateway.port());
    client.send(request_bytes(
        {"POST",
         "/v1/responses",
         {{"Content-Type", "application/json"}},
         with(in_background("a"), {{"stream", true}}).dump()}
    ));
    ASSERT_EQ(client.read_head().status, 200);
    sse_reader reader(client);
    int heartbeats = 0;
    while (heartbeats < 3) {
        const auto event = reader.next();
        ASSERT_TRUE(event);
        heartbeats += event->is_comment() ? 1 : 0;
    }
}

TEST(background_responses, only_streams_in_the_background_are_streamed_again) {
    background b;
    const auto in_front = respond(b.gateway, respond_to("a")).json();
    const auto whole = poll_to_its_end(b.gateway, b.begin(in_background("a")));
    for (const auto& response : {in_front, whole}) {
        expect_error(
            get(b.gateway, response_path(response, "?stream=true")),
            {400, "invalid_request_error", std::nullopt, "stream"}
        );
    }
}

TEST(background_responses, events_that_are_no_longer_kept_are_told) {
    background b("[responses]\nmax_stored_bytes = 20000\n");
    const json chunk = {
        {"id", "c"},
        {"object", "chat.completion.chunk"},
        {"created", 1},
        {"model", "m"},
        {"choices", {{{"index", 0}, {"delta", {{"content", std::string(300, 'x')}}}}}}
    };
    const std::vector<std::string> chunks(100, chunk.dump());
    b.models.on("a", hang_after_sends(1 + chunks.size(), sse(chunks)));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    const auto created = stream.next();
    ASSERT_EQ(created["type"], "response.created");
    stream.leave();

    const auto status = [&] { return b.follow(created["response"]).status(); };
    for (const auto until = clock::now() + 5s; status() == 200 && clock::now() < until;) {
    }

    expect_error(
        get(b.gateway, response_path(created["response"], "?stream=true&starting_after=0")),
        {404, "invalid_request_error", "response_events_evicted", "starting_after"}
    );
    EXPECT_EQ(b.now(created["response"])["status"], "in_progress") << "the response is there";
}

TEST(background_responses, an_end_that_is_larger_than_the_store_takes_the_response_with_it) {
    background b("[responses]\nmax_stored_bytes = 20000\n");
    b.models.on("a", ok(std::string(20'000, 'x')));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    const auto created = stream.next();
    while (!stream.next().is_null()) {
    }
    expect_error(
        get(b.gateway, response_path(created["response"], "?stream=true")),
        {404, "invalid_request_error", "response_not_found", std::nullopt}
    );
}

TEST(background_responses, are_bounded_in_number) {
    background b("[responses]\nmax_background = 2\n");
    const auto hold = make_gate();
    b.models.on("a", held(hold, ok(frog)));
    const auto one = b.begin(in_background("a"));
    const auto two = b.begin(in_background("a"));
    const auto refused = respond(b.gateway, in_background("a"));
    expect_error(refused, {503, "service_unavailable_error", "overloaded", "background"});
    EXPECT_TRUE(refused.has("Retry-After"));
    EXPECT_TRUE(wait_for_metric(b.gateway, "responses_stored", 2)) << "nothing is left of it";
    ask_for(b.gateway, "POST", response_path(one, "/cancel"));
    ASSERT_TRUE(b.gateway.child().wait_for_log("background response ended"));
    const auto three = b.begin(in_background("a"));
    hold->open();
    EXPECT_EQ(poll_to_its_end(b.gateway, two)["status"], "completed");
    EXPECT_EQ(poll_to_its_end(b.gateway, three)["status"], "completed");
}

TEST(background_responses, a_gateway_that_makes_none_says_so_for_good) {
    background b("[responses]\nmax_background = 0\n");
    const auto refused = respond(b.gateway, in_background("a"));
    expect_error(refused, {400, "invalid_request_error", "feature_disabled", "background"});
    EXPECT_FALSE(refused.has("Retry-After"));
}

TEST(background_responses, are_counted_once) {
    background b;
    b.begin(in_background("a"));
    ASSERT_TRUE(b.gateway.child().wait_for_log("background response ended"));
    const auto metrics = get(b.gateway, "/metrics").body;
    const auto total = [&](const std::string& labels) {
        const auto line = "requests_total{" + labels + R"(,status="2xx",code="ok"} )";
        const auto at = metrics.find(line);
        return at == std::string::npos ? 0 : std::stoi(metrics.substr(at + line.size()));
    };
    EXPECT_EQ(total(R"(profile="a",strategy="passthrough")"), 1) << metrics;
    EXPECT_EQ(total(R"(profile="other",strategy="none")"), 0) << metrics;
}

TEST(background_responses, a_store_that_is_full_of_them_refuses_others) {
    background b("[responses]\nmax_stored = 2\n");
    b.models.on("a", hang());
    b.begin(in_background("a"));
    b.begin(in_background("a"));
    expect_error(
        respond(b.gateway, in_background("a")),
        {503, "service_unavailable_error", "overloaded", "background"}
    );
    b.models.on("b", ok(frog));
    EXPECT_EQ(respond(b.gateway, respond_to("b")).status, 200) << "served, if not kept";
}

TEST(background_responses, count_as_requests_in_flight) {
    background b("[server.limits]\nmax_in_flight = 2\n");
    b.models.on("a", hang());
    b.begin(in_background("a"));
    b.begin(in_background("a"));
    EXPECT_EQ(chat(b.gateway, say("b")).status, 503);
}

TEST(background_responses, are_waited_for_at_the_stop) {
    background b("", "drain_notice_secs = 0.0");
    const auto hold = make_gate();
    b.models.on("a", held(hold, ok(frog)));
    b.begin(in_background("a"));
    ASSERT_TRUE(b.models.wait_for_calls("a", 1));
    b.gateway.child().send_signal(SIGTERM);
    EXPECT_FALSE(b.gateway.child().wait_for_exit(300ms));
    hold->open();
    EXPECT_EQ(b.gateway.child().wait_for_exit(), 0);
    EXPECT_NE(b.gateway.log().find("background response ended"), std::string::npos);
}

TEST(background_responses, are_ended_at_the_drain_deadline_and_their_followers_are_told) {
    background b("[server.limits]\ndrain_timeout_secs = 0.5\n", "drain_notice_secs = 0.0");
    b.models.on("a", hang_after_sends(3, ok(frog)));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    b.begin(in_background("a"));
    stream.until("response.output_text.delta");
    const auto asked_at = clock::now();
    b.gateway.child().send_signal(SIGTERM);
    const auto end = stream.until("response.failed");
    ASSERT_FALSE(end.is_null());
    EXPECT_EQ(end["response"]["error"]["code"], "server_draining");
    EXPECT_TRUE(stream.next().is_null());
    EXPECT_EQ(b.gateway.child().wait_for_exit(), 0);
    EXPECT_LT(clock::now() - asked_at, 5s);
}

TEST(background_responses, races_of_cancel_delete_and_the_end_leave_one_state) {
    background b;
    for (int round = 0; round < 30; ++round) {
        const auto begun = b.begin(in_background("a"));
        std::vector<http_reply> replies(3);
        std::vector<std::thread> clients;
        for (auto& into : replies) {
            clients.emplace_back([&] {
                into = ask_for(b.gateway, "POST", response_path(begun, "/cancel"));
            });
        }
        const bool is_deleted_meanwhile = round % 2 == 1;
        if (is_deleted_meanwhile) {
            EXPECT_EQ(ask_for(b.gateway, "DELETE", response_path(begun)).status, 200);
        }
        for (auto& c : clients) {
            c.join();
        }
        if (is_deleted_meanwhile) {
            EXPECT_EQ(get(b.gateway, response_path(begun)).status, 404);
            for (const auto& r : replies) {
                EXPECT_TRUE(r.status == 200 || r.status == 400 || r.status == 404) << r.body;
            }
            continue;
        }
        const auto end = poll_to_its_end(b.gateway, begun);
        for (const auto& r : replies) {
            const bool is_cancelled = end["status"] == "cancelled";
            EXPECT_EQ(r.status, is_cancelled ? 200 : 400) << end << r.body;
        }
        EXPECT_EQ(ask_for(b.gateway, "DELETE", response_path(begun)).status, 200);
        EXPECT_EQ(get(b.gateway, response_path(begun)).status, 404);
    }
    EXPECT_TRUE(wait_for_metric(b.gateway, "responses_in_background", 0));
    EXPECT_TRUE(wait_for_metric(b.gateway, "responses_stored", 0));
}

}  // namespace

}  // namespace meta_model::contract
