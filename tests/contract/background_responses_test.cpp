// Responses that are made in the background: polled, cancelled, deleted, and what ends them.
#include "contract/background_responses.hpp"

#include <thread>

namespace meta_model::contract {

namespace {

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
