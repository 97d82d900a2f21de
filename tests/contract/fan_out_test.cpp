// Group H: generators called together, quorum, grace, failures.
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

TEST(fan_out, moa_95_generators_run_together_and_keep_configuration_order) {
    panel p;
    const auto gate = make_gate();
    p.models.on("a", held(gate, ok("aa")));
    p.models.on("b", held(gate, ok("bbbb")));
    p.models.on("c", held(gate, ok("cccccc")));
    const gateway_process gateway(p.config());
    http_client client(gateway.port());

    client.send(request_bytes(chat_parts(say(panel_name).dump())));
    const bool all_at_once = p.models.wait_until([&] { return p.models.requests().size() == 3; });
    gate->open();
    const auto reply = client.read_reply();

    EXPECT_TRUE(all_at_once) << "each call is made while the others are still unanswered";
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("X-MetaModel-Draft-Lengths"), "10,12,14");
    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "3");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3");
    EXPECT_FALSE(reply.has("X-MetaModel-Degraded"));
    EXPECT_FALSE(reply.has("X-MetaModel-Failed-Generators"));
}

TEST(fan_out, moa_96_one_failed_generator_degrades_the_answer) {
    panel p;
    p.models.on("b", json_reply(503, {{"error", {{"message", "busy"}}}}));
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_EQ(reply.header("X-MetaModel-Degraded"), "true");
    EXPECT_EQ(failed_generators(reply), "b:non_2xx");
    EXPECT_EQ(reply.header("X-MetaModel-Fallback-Reason"), "reduced_quorum");
}

TEST(fan_out, moa_97_a_refused_generator_is_a_transport_failure) {
    panel p;
    config_text config(p.models);
    config.upstreams({"a", "c", "s"})
        .upstream_at("b", p.models.refused_url())
        .moa(panel_name, {"a", "b", "c"}, "s");
    const gateway_process gateway(config);

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(failed_generators(reply), "b:transport");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
}

TEST(fan_out, moa_97_html_and_arrays_are_not_json_objects) {
    panel p;
    const gateway_process gateway(p.config());

    for (const auto& fault : {html(), json_array()}) {
        p.models.on("b", fault);
        const auto reply = chat(gateway, say(panel_name));
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(failed_generators(reply), "b:non_json");
        EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    }
}

TEST(fan_out, moa_97_a_generator_beyond_the_panel_deadline_timed_out) {
    panel p;
    p.models.on("b", hang());
    const gateway_process gateway(p.config("grace_secs = 10.0\npanel_timeout_secs = 0.4"));

    const auto start = clock::now();
    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(failed_generators(reply), "b:timeout");
    EXPECT_LT(clock::now() - start, 400ms + cancel_limit);
}

TEST(fan_out, a_share_of_the_deadline_is_kept_for_the_synthesizer) {
    panel p;
    p.models.on("b", hang());
    const gateway_process gateway(
        p.config("grace_secs = 10.0\nsynthesis_share = 0.5", "request_timeout_secs = 2")
    );

    const auto start = clock::now();
    const auto reply = chat(gateway, say(panel_name));
    const auto took = clock::now() - start;

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_GE(took, 900ms);
    EXPECT_LT(took, 1000ms + cancel_limit);
}

TEST(fan_out, moa_98_a_failures_body_is_logged_only_when_asked_for) {
    panel p;
    const std::string secretive = "context window exceeded by this prompt";
    p.models.on("b", json_reply(400, {{"error", {{"message", secretive}}}}));
    p.models.on("c", json_reply(400, {{"error", {{"message", std::string(4000, 'z')}}}}));
    gateway_process quiet(p.config());
    gateway_process open(p.config().server_table("log", "bodies = true"));

    chat(quiet, say(panel_name));
    const auto reply = chat(open, say(panel_name));

    const auto told = final_log(open);
    EXPECT_TRUE(told.find(secretive) != std::string::npos) << told;
    EXPECT_NE(told.find(std::string(100, 'z')), std::string::npos);
    EXPECT_EQ(told.find(std::string(513, 'z')), std::string::npos) << "the detail is cut";
    EXPECT_NE(told.find("z…"), std::string::npos) << "and shows it";
    EXPECT_EQ(final_log(quiet).find(secretive), std::string::npos);
    EXPECT_EQ(reply.body.find(secretive), std::string::npos);
}

TEST(fan_out, moa_99_a_straggler_is_cancelled_after_the_grace) {
    panel p;
    p.models.on("c", hang());
    const gateway_process gateway(p.config("grace_secs = 0.1"));

    const auto start = clock::now();
    const auto reply = chat(gateway, say(panel_name));
    const auto took = clock::now() - start;

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(failed_generators(reply), "c:cancelled");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_GE(took, 100ms);
    EXPECT_LT(took, 100ms + cancel_limit);
    EXPECT_TRUE(p.models.wait_for_peer_close("c", cancel_limit)) << "its connection is closed";
}

TEST(fan_out, moa_99_the_environment_gives_the_default_grace) {
    panel p;
    p.models.on("c", hang());
    const gateway_process gateway(p.config(), {{"TK_MOA_QUORUM_GRACE_SECS", "0.1"}});

    const auto start = clock::now();
    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(failed_generators(reply), "c:cancelled");
    EXPECT_LT(clock::now() - start, 100ms + cancel_limit);
}

TEST(fan_out, moa_100_a_draft_within_the_grace_is_used) {
    panel p;
    p.models.on("c", delayed(50ms, ok("late but welcome")));
    const gateway_process patient(p.config("grace_secs = 5.0"));

    const auto start = clock::now();
    const auto reply = chat(patient, say(panel_name));

    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3");
    EXPECT_NE(p.added_text().find("late but welcome"), std::string::npos);
    EXPECT_LT(clock::now() - start, 2000ms) << "nothing is waited for once all are in";
}

TEST(fan_out, moa_100_without_grace_the_late_draft_is_cancelled) {
    panel p;
    p.models.on("c", delayed(400ms, ok("too late")));
    const gateway_process hasty(p.config("grace_secs = 0.0"));

    const auto start = clock::now();
    const auto reply = chat(hasty, say(panel_name));

    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "2");
    EXPECT_EQ(failed_generators(reply), "c:cancelled");
    EXPECT_LT(clock::now() - start, 390ms);
}

TEST(fan_out, moa_101_without_quorum_everything_is_waited_for) {
    panel p;
    p.models.on("b", html());
    p.models.on("c", delayed(300ms, json_reply(503, {{"error", {{"message", "busy"}}}})));
    const gateway_process gateway(p.config("grace_secs = 0.0"));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "draft of a");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "1");
    EXPECT_TRUE(lists(failed_generators(reply), "b:non_json")) << failed_generators(reply);
    EXPECT_TRUE(lists(failed_generators(reply), "c:non_2xx")) << failed_generators(reply);
}

// With q - 1 instant drafts, one at 150 ms and the rest silent, the answer shows what quorum was waited for.
TEST(fan_out, moa_102_quorum_is_two_thirds_rounded_up) {
    const std::vector<std::string> names{"g1", "g2", "g3", "g4", "g5", "g6"};
    const std::vector<std::size_t> quorums{1, 2, 2, 3, 4, 4};
    fake_upstream models;
    models.on("s", ok("fused"));
    config_text config(models);
    config.upstreams(names).upstream("s");
    for (std::size_t n = 1; n <= names.size(); ++n) {
        config.moa(
            "p" + std::to_string(n),
            {names.begin(), names.begin() + static_cast<std::ptrdiff_t>(n)},
            "s",
            "grace_secs = 0.0"
        );
    }
    const gateway_process gateway(config);

    for (std::size_t n = 1; n <= names.size(); ++n) {
        const auto quorum = quorums[n - 1];
        for (std::size_t i = 0; i < n; ++i) {
            models.on(
                names[i],
                i + 1 < quorum    ? ok("draft " + names[i])
                : i + 1 == quorum ? delayed(150ms, ok("slow draft"))
                                  : hang()
            );
        }
        const auto start = clock::now();
        const auto reply = chat(gateway, say("p" + std::to_string(n)));
        EXPECT_EQ(reply.header("X-MetaModel-Quorum"), std::to_string(quorum)) << n;
        EXPECT_GE(clock::now() - start, 150ms) << n;
    }
}

TEST(fan_out, moa_103_no_draft_at_all_is_an_error) {
    panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, json_reply(503, {{"error", {{"message", "busy"}}}}));
    }
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, say(panel_name));

    expect_error(reply, {502, "api_error", "all_generators_failed", std::nullopt});
    EXPECT_EQ(reply.header("X-MetaModel-Compacted-N"), "0");
    EXPECT_EQ(p.models.call_count("s"), 0u);
}

TEST(fan_out, moa_104_drafts_without_a_message_cannot_be_synthesised) {
    panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, json_reply(200, {{"choices", json::array()}}));
    }
    const gateway_process gateway(p.config());

    expect_error(
        chat(gateway, say(panel_name)), {502, "api_error", "synthesis_failed", std::nullopt}
    );
    EXPECT_EQ(p.models.call_count("s"), 0u);
}

TEST(fan_out, blank_drafts_do_not_count) {
    panel p;
    p.models.on("a", ok("   "));
    p.models.on("b", ok(""));
    p.models.on("c", delayed(150ms, ok("the only one")));
    const gateway_process gateway(p.config("grace_secs = 0.0"));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "the only one");
    EXPECT_EQ(reply.header("X-MetaModel-Synth-Decision"), "single_success");
}

TEST(fan_out, moa_105_a_lone_generators_failure_keeps_its_kind) {
    fake_upstream models;
    models.on("slow", hang());
    models.on("busy", json_reply(429, {{"error", {{"message", "slow down"}}}}));
    models.on("page", html());
    const gateway_process gateway(
        config_text(models)
            .upstream("slow", "[upstreams.slow.timeouts]\nfirst_byte_secs = 0.2")
            .upstreams({"busy", "page", "s"})
            .upstream_at("gone", models.refused_url())
            .moa("m-slow", {"slow"}, "s")
            .moa("m-busy", {"busy"}, "s")
            .moa("m-page", {"page"}, "s")
            .moa("m-gone", {"gone"}, "s")
    );

    expect_error(
        chat(gateway, say("m-slow")), {504, "api_error", "upstream_timeout", std::nullopt}
    );
    expect_error(
        chat(gateway, say("m-busy")), {429, "rate_limit_error", "upstream_error", std::nullopt}
    );
    expect_error(
        chat(gateway, say("m-page")), {502, "api_error", "upstream_protocol_error", std::nullopt}
    );
    expect_error(chat(gateway, say("m-gone")), {502, "api_error", "upstream_error", std::nullopt});
}

TEST(fan_out, moa_106_a_client_that_leaves_a_stream_cancels_every_leg) {
    panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, hang());
    }
    const gateway_process gateway(p.config());
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed(panel_name).dump())));
    ASSERT_TRUE(p.models.wait_until([&] { return p.models.requests().size() == 3; }));

    client.close();

    for (const char* name : {"a", "b", "c"}) {
        EXPECT_TRUE(p.models.wait_for_peer_close(name, cancel_limit)) << name;
    }
}

}  // namespace

}  // namespace meta_model::contract
