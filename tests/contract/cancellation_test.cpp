// A client that leaves takes its upstream calls with it, at every stage and in both modes.
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

enum class leaving { by_fin, by_reset };

// Sends the request, waits until `upstream` has it, leaves, and returns how long the upstream connection outlived that.
milliseconds outlived(
    panel& p,
    const gateway_process& gateway,
    const json& body,
    const std::string& upstream,
    leaving how
) {
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(body.dump())));
    if (!p.models.wait_for_calls(upstream, 1)) {
        throw client_error("the upstream was not called");
    }
    const auto left_at = clock::now();
    if (how == leaving::by_fin) {
        client.close();
    } else {
        client.reset();
    }
    if (!p.models.wait_for_peer_close(upstream)) {
        throw client_error("the upstream connection stayed open");
    }
    return std::chrono::duration_cast<milliseconds>(
        *p.models.last_request(upstream).peer_closed - left_at
    );
}

TEST(cancellation, a_passthrough_client_leaves_before_the_first_byte) {
    for (const bool streams : {false, true}) {
        for (const auto how : {leaving::by_fin, leaving::by_reset}) {
            panel p;
            p.models.on("a", hang());
            const gateway_process gateway(p.config());
            EXPECT_LT(
                outlived(p, gateway, with(say("a"), {{"stream", streams}}), "a", how), cancel_limit
            ) << streams;
        }
    }
}

TEST(cancellation, a_client_leaves_while_the_panel_runs) {
    for (const bool streams : {false, true}) {
        panel p;
        p.models.on("a", hang());
        const gateway_process gateway(p.config("grace_secs = 10.0"));
        EXPECT_LT(
            outlived(
                p, gateway, with(say(panel_name), {{"stream", streams}}), "a", leaving::by_fin
            ),
            cancel_limit
        ) << streams;
        EXPECT_EQ(p.models.call_count("s"), 0u);
    }
}

TEST(cancellation, a_client_leaves_while_the_synthesizer_is_silent) {
    for (const bool streams : {false, true}) {
        panel p;
        p.models.on("s", hang());
        const gateway_process gateway(p.config());
        EXPECT_LT(
            outlived(
                p, gateway, with(say(panel_name), {{"stream", streams}}), "s", leaving::by_fin
            ),
            cancel_limit
        ) << streams;
    }
}

TEST(cancellation, a_client_leaves_in_the_middle_of_a_stream) {
    for (const char* model : {"s", panel_name}) {
        panel p;
        p.models.on("s", hang_after_sends(3, ok("one two three")));
        const gateway_process gateway(p.config());
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(say_streamed(model).dump())));
        client.read_head();
        sse_reader reader(client);
        ASSERT_TRUE(reader.next_data()) << model;

        const auto left_at = clock::now();
        client.close();

        ASSERT_TRUE(p.models.wait_for_peer_close("s")) << model;
        EXPECT_LT(*p.models.last_request("s").peer_closed - left_at, cancel_limit) << model;
    }
}

TEST(cancellation, a_fin_from_the_client_cancels_upstream_work) {
    panel p;
    p.models.on("a", hang());
    const gateway_process gateway(p.config());
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say("a").dump())));
    ASSERT_TRUE(p.models.wait_for_calls("a", 1));

    client.shutdown_write();

    EXPECT_TRUE(p.models.wait_for_peer_close("a", cancel_limit));
}

TEST(cancellation, pipelined_bytes_do_not_hide_that_the_client_left) {
    panel p;
    p.models.on("a", hang());
    const gateway_process gateway(p.config());
    http_client client(gateway.port());
    const auto request = request_bytes(chat_parts(say("a").dump()));
    client.send(request + request);
    ASSERT_TRUE(p.models.wait_for_calls("a", 1));

    client.close();

    EXPECT_TRUE(p.models.wait_for_peer_close("a", cancel_limit));
}

TEST(cancellation, others_are_not_disturbed_and_the_log_names_the_client) {
    panel p;
    const auto gate = make_gate();
    p.models.on("a", hang());
    p.models.on("b", held(gate, ok("untouched")));
    const gateway_process gateway(p.config());
    http_client staying(gateway.port());
    staying.send(request_bytes(chat_parts(say("b").dump())));
    ASSERT_TRUE(p.models.wait_for_calls("b", 1));

    outlived(p, gateway, say("a"), "a", leaving::by_reset);
    gate->open();

    EXPECT_EQ(answer_text(staying.read_reply()), "untouched");
    EXPECT_TRUE(gateway.child().wait_for_log("client_closed")) << gateway.log();
}

TEST(cancellation, a_late_draft_is_not_waited_for_once_the_panel_decided) {
    panel p;
    const auto gate = make_gate();
    p.models.on("a", held(gate, ok("a draft")));
    p.models.on("c", hang());
    const gateway_process gateway(p.config("grace_secs = 0.0"));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say(panel_name).dump())));
    ASSERT_TRUE(p.models.wait_for_calls("c", 1));
    gate->open();

    const auto reply = client.read_reply();

    EXPECT_EQ(reply.status, 200);
    ASSERT_TRUE(p.models.wait_for_peer_close("c"));
    EXPECT_LT(*p.models.last_request("c").peer_closed - reply.end_at, cancel_limit);
}

}  // namespace

}  // namespace meta_model::contract
