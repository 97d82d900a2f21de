// The fake upstream and the client tried against each other: what the other files rely on.
#include "support/fake_upstream.hpp"
#include "support/http_client.hpp"
#include "support/sse_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace {

using namespace meta_model::support;

std::uint16_t port_of(const fake_upstream& models) {
    const auto url = models.base_url("a");
    const auto colon = url.rfind(':');
    return static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)));
}

request_parts chat_call(const std::string& name, const std::string& body = R"({"model":"m"})") {
    return {
        "POST", "/u/" + name + "/v1/chat/completions", {{"Content-Type", "application/json"}}, body
    };
}

constexpr auto streaming_body =
    R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})";

TEST(harness, one_script_answers_whole_and_streamed) {
    fake_upstream models;
    models.on("a", ok("Hello big world"));

    const auto whole = fetch(port_of(models), chat_call("a"));
    http_client client(port_of(models));
    client.send(request_bytes(chat_call("a", streaming_body)));
    const auto stream = read_transcript(client);

    EXPECT_EQ(whole.json()["choices"][0]["message"]["content"], "Hello big world");
    EXPECT_TRUE(stream.is_stream());
    EXPECT_EQ(stream.text(), "Hello big world");
    EXPECT_EQ(stream.finish_reason(), "stop");
    EXPECT_TRUE(stream.has_done());
    EXPECT_TRUE(stream.is_whole);
    EXPECT_EQ(stream.chunks().back()["usage"]["total_tokens"], 18);
}

TEST(harness, requests_are_recorded_per_upstream_with_their_connection) {
    fake_upstream models;
    models.on("a", ok("x"));
    models.on("b", ok("y"));
    http_client client(port_of(models));

    client.send(request_bytes(chat_call("a")));
    client.read_reply();
    client.send(request_bytes(chat_call("b", R"({"model":"second"})")));
    client.read_reply();

    ASSERT_EQ(models.call_count("a"), 1u);
    const auto second = models.last_request("b");
    EXPECT_EQ(second.method, "POST");
    EXPECT_EQ(second.target, "/u/b/v1/chat/completions");
    EXPECT_EQ(second.json["model"], "second");
    EXPECT_EQ(second.header("content-type"), "application/json");
    EXPECT_EQ(second.connection, models.last_request("a").connection);
    EXPECT_EQ(models.connection_count(), 1u);
}

TEST(harness, probes_are_recorded_apart_and_list_the_model) {
    fake_upstream models;

    const auto list = fetch(port_of(models), {"GET", "/u/a/v1/models", {}, {}});

    EXPECT_EQ(list.json()["data"][0]["id"], fake_upstream::model_id("a"));
    EXPECT_EQ(models.probes("a").size(), 1u);
    EXPECT_EQ(models.call_count("a"), 0u);
}

TEST(harness, queued_replies_go_before_the_default) {
    fake_upstream models;
    models.on("a", ok("later"));
    models.next("a", json_reply(503, {{"error", "busy"}}, {{"Retry-After", "7"}}));

    const auto first = fetch(port_of(models), chat_call("a"));
    const auto second = fetch(port_of(models), chat_call("a"));

    EXPECT_EQ(first.status, 503);
    EXPECT_EQ(first.header("retry-after"), "7");
    EXPECT_EQ(second.status, 200);
}

TEST(harness, a_gate_holds_a_stream_in_the_middle) {
    fake_upstream models;
    const auto gate = make_gate();
    models.on("a", held_after(3, gate, ok("one two three")));
    http_client client(port_of(models));
    client.send(request_bytes(chat_call("a", streaming_body)));
    client.read_head();
    sse_reader reader(client);

    const auto role = reader.next_data();
    const auto first = reader.next_data();
    EXPECT_THROW(reader.next_data(milliseconds(50)), client_error);
    gate->open();
    const auto second = reader.next_data();

    EXPECT_EQ(role->json()["choices"][0]["delta"]["role"], "assistant");
    EXPECT_EQ(first->json()["choices"][0]["delta"]["content"], "one");
    EXPECT_EQ(second->json()["choices"][0]["delta"]["content"], " two");
}

TEST(harness, leaving_a_hanging_upstream_is_recorded_with_its_time) {
    fake_upstream models;
    models.on("a", hang());
    http_client client(port_of(models));
    client.send(request_bytes(chat_call("a")));
    ASSERT_TRUE(models.wait_for_calls("a", 1));

    const auto left_at = clock::now();
    client.close();

    ASSERT_TRUE(models.wait_for_peer_close("a"));
    const auto seen_at = *models.last_request("a").peer_closed;
    EXPECT_GE(seen_at, left_at);
    EXPECT_LT(seen_at - left_at, milliseconds(100));
}

TEST(harness, a_cut_body_is_not_whole) {
    fake_upstream models;
    models.on("a", cut_after_sends(3, ok("one two three")));
    models.on("b", reset_after_sends(2, ok("one two three")));

    http_client client(port_of(models));
    client.send(request_bytes(chat_call("a", streaming_body)));
    const auto cut = read_transcript(client);

    EXPECT_FALSE(cut.is_whole);
    EXPECT_FALSE(cut.has_done());
    EXPECT_EQ(cut.text(), "one");
    EXPECT_FALSE(fetch(port_of(models), chat_call("b", streaming_body)).is_whole);
}

TEST(harness, cut_after_bytes_sends_exactly_that_many) {
    fake_upstream models;
    models.on("a", cut_after(25, text_reply(200, "text/plain", "body")));
    http_client client(port_of(models));

    client.send(request_bytes(chat_call("a")));

    EXPECT_THROW(client.read_head(), client_error);
}

TEST(harness, odd_framings_arrive_as_written) {
    fake_upstream models;
    models.on("closing", closed_delimited("application/json", R"({"a":1})"));
    models.on("early", preceded_by("HTTP/1.1 103 Early Hints\r\n\r\n", ok("x")));
    models.on("pieces", in_pieces(7, milliseconds(0), ok("in pieces")));
    models.on("surplus", followed_by("HTTP/1.1 200 OK\r\n\r\n", ok("x")));

    EXPECT_EQ(fetch(port_of(models), chat_call("closing")).json()["a"], 1);
    EXPECT_EQ(fetch(port_of(models), chat_call("early")).status, 103);
    EXPECT_EQ(
        fetch(port_of(models), chat_call("pieces")).json()["choices"][0]["message"]["content"],
        "in pieces"
    );
    EXPECT_TRUE(fetch(port_of(models), chat_call("surplus")).is_whole);
}

TEST(harness, endings_are_told_apart) {
    fake_upstream models;
    models.on("closes", close_at_once());
    models.on("garbles", garbage());

    EXPECT_THROW(fetch(port_of(models), chat_call("closes")), client_error);
    EXPECT_THROW(fetch(port_of(models), chat_call("garbles")), client_error);
}

TEST(harness, a_refused_url_refuses) {
    fake_upstream models;
    const auto url = models.refused_url();
    const auto port = url.substr(url.rfind(':') + 1);

    EXPECT_THROW(http_client(static_cast<std::uint16_t>(std::stoi(port))), std::runtime_error);
}

TEST(harness, delays_come_before_the_head) {
    fake_upstream models;
    models.on("a", delayed(milliseconds(60), ok("late")));
    const auto start = clock::now();

    const auto reply = fetch(port_of(models), chat_call("a"));

    EXPECT_GE(reply.head_at - start, milliseconds(60));
}

TEST(harness, many_connections_are_served_at_once) {
    fake_upstream models;
    const auto gate = make_gate();
    models.on("a", held(gate, ok("x")));
    std::vector<std::thread> callers;
    std::atomic<int> good{0};
    for (int i = 0; i < 20; ++i) {
        callers.emplace_back([&] {
            good += fetch(port_of(models), chat_call("a")).status == 200 ? 1 : 0;
        });
    }

    const bool all_arrived = models.wait_for_calls("a", 20);
    gate->open();
    for (auto& caller : callers) {
        caller.join();
    }

    EXPECT_TRUE(all_arrived);
    EXPECT_EQ(good, 20);
}

TEST(harness, tool_calls_stream_with_an_index) {
    fake_upstream models;
    models.on("a", calls("look_up", R"({"x":1})"));
    http_client client(port_of(models));

    client.send(request_bytes(chat_call("a", streaming_body)));
    const auto stream = read_transcript(client);

    EXPECT_EQ(stream.finish_reason(), "tool_calls");
    const auto call = stream.chunks()[1]["choices"][0]["delta"]["tool_calls"][0];
    EXPECT_EQ(call["index"], 0);
    EXPECT_EQ(call["function"]["name"], "look_up");
}

}  // namespace
