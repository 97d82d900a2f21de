// The Responses API on both sides: upstreams that refuse, fail, cut, hang or write nonsense, and clients that leave.
#include "contract/raw_responses_words.hpp"

namespace meta_model::contract {

namespace {

using namespace raw_response_words;

class raw_responses_faults : public raw_responses {};

TEST_F(raw_responses_faults, what_is_no_response_is_a_502) {
    const std::vector<reply> replies{
        html(),
        json_array(),
        json_reply(200, {{"id", "x"}}),
        json_reply(403, {{"error", {{"message", "key sk-1 is bad"}}}}),
        text_reply(200, "text/event-stream", lifecycle("created", 0)),
        garbage(),
    };
    for (std::size_t i = 0; i < replies.size(); ++i) {
        const gateway_process gateway(config("[upstreams.a.retry]\nmax_attempts = 1\n"));
        models.on("a", replies[i]);

        const auto reply = ask(gateway, whole());

        EXPECT_EQ(reply.status, 502) << i;
        EXPECT_EQ(reply.body.find("sk-1"), std::string::npos) << i;
    }
}

TEST_F(raw_responses_faults, refusals_and_failed_responses_keep_their_words) {
    const gateway_process gateway(config("[upstreams.a.retry]\nmax_attempts = 1\n"));
    const json refusal = {
        {"error",
         {{"message", "m"}, {"type", "invalid_request_error"}, {"code", "x"}, {"param", "input"}}}
    };
    const json failed = {
        {"object", "response"},
        {"status", "failed"},
        {"output", json::array()},
        {"error", {{"code", "server_error"}}}
    };

    models.on("a", json_reply(400, refusal));
    const auto refused = ask(gateway, streamed());
    models.on("a", json_reply(200, failed));
    const auto reply = ask(gateway, whole());
    models.on("a", json_reply(200, {{"error", {{"code", "rate_limit_exceeded"}}}}));
    const auto limited = ask(gateway, whole());

    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json(), refusal);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json(), failed);
    EXPECT_EQ(limited.status, 429);
    EXPECT_EQ(limited.body, R"({"error":{"code":"rate_limit_exceeded"}})");
    const auto metrics = get(gateway, "/metrics").body;
    EXPECT_EQ(metrics.find(R"(code="ok"} 1)"), std::string::npos)
        << "a failed response: " << metrics;
}

TEST_F(raw_responses_faults, an_error_as_the_first_event_has_its_status_and_later_ones_pass) {
    const gateway_process gateway(config("[upstreams.a.retry]\nmax_attempts = 1\n"));
    const auto error = event_text(
        "error",
        R"({"type":"error","code":"server_error","message":"m","param":null,"sequence_number":1})"
    );
    const auto failed = lifecycle("failed", 1, R"(,"error":{"code":"server_error","message":"m"})");

    models.on("a", raw_events({error}));
    EXPECT_EQ(ask(gateway, streamed()).status, 500);
    for (const auto& last : {error, failed}) {
        models.on("a", raw_events({lifecycle("created", 0), last, text_delta(9)}));
        const auto reply = ask(gateway, streamed());
        EXPECT_EQ(reply.body, lifecycle("created", 0) + last);
        EXPECT_TRUE(reply.is_whole);
    }
}

TEST_F(raw_responses_faults, an_error_that_is_the_whole_stream_keeps_its_words) {
    const gateway_process gateway(config("[upstreams.a.breaker]\nfailures = 1\n"));
    models.on(
        "a",
        raw_events({event_text(
            "error",
            R"({"type":"error","code":"context_length_exceeded","message":"Too \"long\".","param":"input","sequence_number":0})"
        )})
    );
    const auto flat = ask(gateway, streamed());
    const auto error = R"(,"error":{"code":"invalid_prompt","message":"Not this."})";
    models.on("a", raw_events({lifecycle("failed", 0, error)}));
    const auto failed = ask(gateway, streamed());
    models.on(
        "a",
        raw_events(
            {event_text("error", R"({"type":"error","code":"invalid_api_key","message":"sk-2"})")}
        )
    );
    const auto withheld = ask(gateway, streamed());

    EXPECT_EQ(flat.status, 400);
    EXPECT_EQ(
        flat.json(),
        (json{
            {"error",
             {{"code", "context_length_exceeded"},
              {"message", "Too \"long\"."},
              {"param", "input"},
              {"type", "invalid_request_error"}}}
        })
    );
    EXPECT_EQ(failed.status, 400) << "a caller's mistake opens no breaker";
    EXPECT_EQ(failed.json()["error"]["message"], "Not this.");
    EXPECT_EQ(withheld.status, 502);
    EXPECT_EQ(withheld.body.find("sk-2"), std::string::npos);
}

TEST_F(raw_responses_faults, only_an_upstreams_own_fault_is_held_against_it) {
    const auto mistake = event_text(
        "error", R"({"type":"error","code":"invalid_prompt","message":"m","sequence_number":1})"
    );
    const auto overload = event_text(
        "error", R"({"type":"error","code":"server_error","message":"m","sequence_number":1})"
    );
    const auto failed = lifecycle("failed", 1, R"(,"error":{"code":"server_error","message":"m"})");
    const auto cuts = [](const gateway_process& gateway) {
        const auto metrics = get(gateway, "/metrics").body;
        return metrics.substr(metrics.find("\nmeta_model_streams_cut_total ") + 30, 1);
    };
    const gateway_process gateway(config("[upstreams.a.breaker]\nfailures = 2\n"));

    for (const auto& last : {mistake, failed, mistake, failed}) {
        models.on("a", raw_events({lifecycle("created", 0), last}));
        EXPECT_EQ(ask(gateway, streamed()).body, lifecycle("created", 0) + last);
    }
    EXPECT_EQ(cuts(gateway), "0");
    models.on("a", raw_events({lifecycle("created", 0), overload}));
    for (int i = 0; i < 5; ++i) {
        ask(gateway, streamed());
    }
    EXPECT_EQ(cuts(gateway), "5");
    EXPECT_EQ(ask(gateway, streamed()).status, 503) << "its breaker is open";
}

TEST_F(raw_responses_faults, a_failed_response_has_its_books) {
    const auto failed =
        lifecycle("failed", 1, R"(,"error":{"code":"server_error","message":"m"})" + usage);
    models.on("a", raw_events({lifecycle("created", 0), failed}));
    const gateway_process gateway(config());

    const auto reply =
        ask(gateway, R"({"model":"a","input":"q","stream":true,"x_meta_model":{"trace":true}})");

    const auto last = json::parse(reply.body.substr(reply.body.rfind("\ndata: ") + 7));
    EXPECT_EQ(last["type"], "response.failed") << reply.body;
    const auto& books = last["response"]["x_meta_model"];
    EXPECT_EQ(books["total_tokens"], 130);
    EXPECT_EQ(books["legs"][0]["state"], "failed");
    EXPECT_EQ(last["response"]["error"]["message"], "m");
}

TEST_F(raw_responses_faults, a_stream_that_is_cut_ends_with_a_numbered_error_event) {
    const gateway_process gateway(config());
    const auto begun = lifecycle("created", 0) + text_delta(4);
    const std::vector<reply> replies{
        raw_events({lifecycle("created", 0), text_delta(4)}),
        cut_after_sends(3, raw_events({lifecycle("created", 0), text_delta(4), text_delta(5)})),
        raw_events({lifecycle("created", 0), text_delta(4), "data: [DONE]\n\n"}),
    };
    for (const auto& r : replies) {
        models.on("a", r);

        const auto reply = ask(gateway, streamed());

        EXPECT_EQ(reply.body.rfind(begun, 0), 0u) << reply.body;
        const auto error = last_error(reply.body);
        EXPECT_EQ(error["type"], "error");
        EXPECT_EQ(error["code"], "upstream_error");
        EXPECT_EQ(error["param"], nullptr);
        EXPECT_EQ(error["sequence_number"], 5);
    }
}

TEST_F(raw_responses_faults, an_event_above_the_limit_ends_the_stream) {
    const auto large = event_text("response.x", R"({"x":")" + std::string(1'100'000, 'x') + "\"}");
    const gateway_process gateway(config("[upstreams.a.limits]\nmax_reply_bytes = 1000000\n"));

    models.on("a", raw_events({lifecycle("created", 0), large}));

    const auto reply = ask(gateway, streamed());
    EXPECT_EQ(reply.body.rfind(lifecycle("created", 0), 0), 0u);
    EXPECT_EQ(last_error(reply.body)["code"], "upstream_protocol_error");
}

TEST_F(raw_responses_faults, silence_is_filled_with_comments_and_hides_no_late_error) {
    models.on("a", delayed(400ms, raw_events(all_events())));
    const gateway_process gateway(config().server("stream_commit_secs = 0.1\nkeepalive_secs = 0.1")
    );

    const auto reply = ask(gateway, streamed());
    models.on("a", delayed(400ms, json_reply(429, {{"error", {{"message", "m"}}}})));
    const auto late = ask(gateway, streamed());

    EXPECT_EQ(reply.body.rfind(": heartbeat\n\n", 0), 0u);
    EXPECT_EQ(without_heartbeats(reply.body), joined(all_events()));
    EXPECT_EQ(late.status, 200);
    EXPECT_EQ(last_error(late.body)["sequence_number"], 0);
}

TEST_F(raw_responses_faults, an_upstream_that_hangs_is_given_up) {
    const gateway_process gateway(config(
        "[upstreams.a.timeouts]\nfirst_byte_secs = 0.3\nfirst_token_secs = 0.3\nidle_secs = 0.3\n"
        "[upstreams.a.retry]\nmax_attempts = 1\n"
    ));

    models.on("a", hang());
    EXPECT_EQ(ask(gateway, whole()).status, 504);
    models.on("a", hang_after_sends(3, raw_events(all_events())));
    EXPECT_EQ(last_error(ask(gateway, streamed()).body)["code"], "upstream_timeout");
}

TEST_F(raw_responses_faults, a_client_that_leaves_ends_the_call) {
    models.on("a", hang_after_sends(3, raw_events(all_events())));
    const gateway_process gateway(config());
    http_client client(gateway.port());
    client.send(request_bytes(post_parts(responses_path, streamed())));
    client.read_head();
    sse_reader reader(client);
    ASSERT_TRUE(reader.next());

    client.close();

    EXPECT_TRUE(models.wait_for_peer_close("a", cancel_limit));
}

}  // namespace

}  // namespace meta_model::contract
