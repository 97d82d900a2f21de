// Streams of responses in the background: left, followed by many, resumed, and what is no longer there.
#include "contract/background_responses.hpp"

#include <thread>

namespace meta_model::contract {

namespace {

TEST(followed_responses, a_stream_is_resumed_with_exactly_its_bytes) {
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

TEST(followed_responses, a_client_leaves_and_comes_back_while_it_is_made) {
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

TEST(followed_responses, the_first_event_comes_before_the_upstream_answers) {
    background b;
    b.models.on("a", hang());
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    EXPECT_EQ(stream.next()["type"], "response.created");
    EXPECT_EQ(stream.next()["type"], "response.queued");
    EXPECT_EQ(stream.next()["type"], "response.in_progress");
}

TEST(followed_responses, many_follow_one_and_see_the_same) {
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

TEST(followed_responses, followers_of_one_are_bounded) {
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

TEST(followed_responses, a_silent_stream_gets_heartbeats) {
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

TEST(followed_responses, only_streams_in_the_background_are_streamed_again) {
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

TEST(followed_responses, whether_to_stream_is_true_or_false) {
    background b;
    const auto response = poll_to_its_end(b.gateway, b.begin(in_background("a")));
    for (const auto* wrong : {"yes", "1", "True", ""}) {
        expect_error(
            get(b.gateway, response_path(response, std::string("?stream=") + wrong)),
            {400, "invalid_request_error", std::nullopt, "stream"}
        );
    }
    EXPECT_EQ(get(b.gateway, response_path(response, "?stream=false")).json(), response);
}

TEST(followed_responses, events_that_are_no_longer_kept_are_told) {
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

TEST(followed_responses, an_end_that_is_larger_than_the_store_takes_the_response_with_it) {
    background b("[responses]\nmax_stored_bytes = 20000\n");
    b.models.on("a", ok(std::string(20'000, 'x')));
    auto stream = open_stream::of_new_response(b.gateway, in_background("a"));
    const auto created = stream.next();
    while (!stream.next().is_null()) {
    }
    // Its last event alone is too large: followers may be told of that before the end itself comes.
    const auto again = [&] {
        return get(b.gateway, response_path(created["response"], "?stream=true"));
    };
    auto reply = again();
    for (const auto until = clock::now() + 5s;
         reply.error_code() == "response_events_evicted" && clock::now() < until;) {
        reply = again();
    }
    expect_error(reply, {404, "invalid_request_error", "response_not_found", std::nullopt});
}

}  // namespace

}  // namespace meta_model::contract
