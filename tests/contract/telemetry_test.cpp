// Group T, second half: the metrics ring and Prometheus text.
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

json moa_metrics(const gateway_process& gateway) {
    return get(gateway, "/v1/metrics/moa").json();
}

std::int64_t wall_clock_ms() {
    return std::chrono::duration_cast<milliseconds>(
               std::chrono::system_clock::now().time_since_epoch()
    )
        .count();
}

TEST(telemetry, moa_260_short_paths_serve_what_they_are_asked_for) {
    panel p;
    const gateway_process gateway(p.config());
    chat(gateway, say(panel_name));

    const auto text = get(gateway, "/metrics");
    const auto as_json = get(gateway, "/metrics", {{"Accept", "application/json"}});

    EXPECT_EQ(text.header("Content-Type").rfind("text/plain", 0), 0u)
        << text.header("Content-Type");
    EXPECT_NE(text.body.find("# TYPE "), std::string::npos);
    EXPECT_NE(text.body.find(panel_name), std::string::npos);
    EXPECT_EQ(as_json.json()["ring_size"], 100);
    EXPECT_TRUE(as_json.json()["profiles"].contains(panel_name));
    EXPECT_EQ(get(gateway, "/health").json(), get(gateway, "/v1/health").json());
}

TEST(telemetry, moa_261_a_fresh_ring_is_empty_and_counts_the_first_call) {
    panel p;
    const gateway_process gateway(p.config());

    const auto fresh = moa_metrics(gateway);
    chat(gateway, say(panel_name));
    const auto after = moa_metrics(gateway)["profiles"][panel_name];

    EXPECT_EQ(fresh["profiles"], json::object());
    EXPECT_EQ(fresh["ring_size"], 100);
    EXPECT_EQ(after["calls"], 1);
    EXPECT_EQ(after["quorum_avg"], 3.0);
    EXPECT_EQ(after["degraded_rate"], 0.0);
    EXPECT_TRUE(after["elapsed_ms_avg"].is_number());
    EXPECT_EQ(after["synth_decisions"], (json{{"merged", 1}}));
    EXPECT_EQ(after["tool_call_rate"], 0.0);
}

TEST(telemetry, moa_262_quorum_and_degradation_are_averaged) {
    panel p;
    const gateway_process gateway(p.config());
    const auto broken = json_reply(503, {{"error", {{"message", "busy"}}}});
    p.models.next("b", broken);
    p.models.next("c", broken);

    chat(gateway, say(panel_name));
    chat(gateway, say(panel_name));
    const auto seen = moa_metrics(gateway)["profiles"][panel_name];

    EXPECT_EQ(seen["calls"], 2);
    EXPECT_EQ(seen["quorum_avg"], 2.0);
    EXPECT_EQ(seen["degraded_rate"], 0.5);
    EXPECT_EQ(seen["failure_breakdown"], (json{{"non_2xx", 2}}));
    EXPECT_EQ(seen["synth_decisions"], (json{{"merged", 1}, {"single_success", 1}}));
}

TEST(telemetry, moa_262_the_share_of_answers_with_tool_calls_is_told) {
    fake_upstream models;
    const json tool = {
        {"type", "function"}, {"function", {{"name", "f"}, {"parameters", json::object()}}}
    };
    const gateway_process gateway(
        config_text(models).upstreams({"a", "s"}).moa("one.v1", {"a"}, "s")
    );

    for (const int count : {1, 0, 2, 0, 1}) {
        answer what;
        what.message["content"] = "text";
        for (int i = 0; i < count; ++i) {
            const json function = {{"name", "f"}, {"arguments", "{}"}};
            what.message["tool_calls"].push_back(
                {{"id", "c" + std::to_string(i)}, {"type", "function"}, {"function", function}}
            );
        }
        what.finish = count > 0 ? "tool_calls" : "stop";
        models.next("a", complete(what));
        EXPECT_EQ(chat(gateway, with(say("one.v1"), {{"tools", json::array({tool})}})).status, 200);
    }

    EXPECT_EQ(moa_metrics(gateway)["profiles"]["one.v1"]["tool_call_rate"], 0.6);
}

TEST(telemetry, moa_263_the_ring_keeps_the_newest_hundred) {
    fake_upstream models;
    models.on("a", ok("x"));
    const gateway_process gateway(
        config_text(models).server("threads = 2").upstreams({"a", "s"}).moa("one.v1", {"a"}, "s")
    );
    std::int64_t before_51st = 0;
    std::int64_t after_51st = 0;

    for (int call = 1; call <= 150; ++call) {
        before_51st = call == 51 ? wall_clock_ms() : before_51st;
        ASSERT_EQ(chat(gateway, say("one.v1")).status, 200);
        after_51st = call == 51 ? wall_clock_ms() : after_51st;
    }
    // A request is recorded behind its reply, and the two threads do not wait for each other.
    auto seen = moa_metrics(gateway)["profiles"]["one.v1"];
    for (const auto start = wall_clock_ms(); seen["oldest_ts_ms"].get<std::int64_t>() < before_51st
                                             && wall_clock_ms() - start < 3000;) {
        seen = moa_metrics(gateway)["profiles"]["one.v1"];
    }

    EXPECT_EQ(seen["calls"], 100);
    EXPECT_GE(seen["oldest_ts_ms"].get<std::int64_t>(), before_51st);
    EXPECT_LE(seen["oldest_ts_ms"].get<std::int64_t>(), after_51st + 1);
    EXPECT_GE(seen["newest_ts_ms"], seen["oldest_ts_ms"]);
}

TEST(telemetry, moa_264_total_failures_are_recorded) {
    panel p;
    for (const char* name : {"a", "b", "c"}) {
        p.models.on(name, json_reply(503, {{"error", {{"message", "busy"}}}}));
    }
    const gateway_process gateway(p.config());

    EXPECT_EQ(chat(gateway, say(panel_name)).status, 502);
    const auto seen = moa_metrics(gateway)["profiles"][panel_name];

    EXPECT_EQ(seen["calls"], 1);
    EXPECT_EQ(seen["quorum_avg"], 0.0);
    EXPECT_EQ(seen["failure_breakdown"], (json{{"non_2xx", 3}}));
    EXPECT_EQ(seen["outcomes"], (json{{"all_generators_failed", 1}}));
    EXPECT_EQ(seen["synth_decisions"], (json{{"all_generators_failed", 1}}));
}

TEST(telemetry, every_leg_of_an_ensemble_is_kept) {
    panel p;
    const auto gate = make_gate();
    p.models.next("a", held(gate, ok("draft of a")));
    p.models.on("b", json_reply(503, {{"error", {{"message", "busy"}}}}));
    p.models.on("c", hang());
    const gateway_process gateway(p.config("grace_secs = 0.0\nmin_drafts = 1"));
    http_client client(gateway.port());

    // b has failed when a answers, and c is cancelled then. A caller's mistake starts no leg at all.
    client.send(request_bytes(chat_parts(say(panel_name).dump())));
    ASSERT_TRUE(p.models.wait_until([&] {
        return p.models.call_count("b") == 1 && p.models.last_request("b").replied.has_value();
    }));
    gate->open();
    EXPECT_EQ(client.read_reply().status, 200);
    chat(gateway, with(say(panel_name), {{"n", 2}}));
    const auto seen = moa_metrics(gateway)["profiles"][panel_name];

    EXPECT_EQ(seen["calls"], 2);
    EXPECT_EQ(seen["synth_decisions"], (json{{"single_success", 1}, {"unsupported_v1", 1}}));
    const auto& legs = seen["legs"];
    EXPECT_EQ(legs["a"]["states"], (json{{"done", 1}}));
    EXPECT_EQ(legs["a"]["tokens_in"], 11);
    EXPECT_EQ(legs["a"]["tokens_out"], 7);
    EXPECT_GT(legs["a"]["total_ms_p50"], 0.0);
    EXPECT_EQ(legs["b"]["states"], (json{{"failed", 1}}));
    EXPECT_EQ(legs["c"]["states"], (json{{"cancelled", 1}}));
    EXPECT_EQ(legs["c"]["tokens_out"], 0);
    EXPECT_FALSE(legs.contains("s")) << "one draft needs no synthesizer";

    p.models.on("b", ok("the other draft"));
    p.models.on("c", ok("the third draft"));
    chat(gateway, with(say(panel_name), {{"x_meta_model", {{"min_drafts", 3}}}}));
    EXPECT_EQ(
        moa_metrics(gateway)["profiles"][panel_name]["legs"]["s"]["states"], (json{{"done", 1}})
    );
}

TEST(telemetry, every_strategy_and_outcome_is_recorded) {
    fake_upstream models;
    models.on("a", ok("x"));
    models.on("b", html());
    const gateway_process gateway(
        config_text(models).upstreams({"a", "b"}).passthrough("good", "a").passthrough("bad", "b")
    );

    chat(gateway, say("good"));
    stream(gateway, say_streamed("good"));
    chat(gateway, say("bad"));
    const auto seen = moa_metrics(gateway)["profiles"];

    EXPECT_EQ(seen["good"]["calls"], 2);
    EXPECT_EQ(seen["bad"]["calls"], 1);
}

TEST(telemetry, unknown_names_make_no_series) {
    panel p;
    const gateway_process gateway(p.config());

    chat(gateway, say("made-up-model"));
    get(gateway, "/wp-login.php");
    const auto text = get(gateway, "/metrics").body;

    EXPECT_EQ(text.find("made-up-model"), std::string::npos);
    EXPECT_EQ(text.find("wp-login"), std::string::npos);
}

TEST(telemetry, one_access_line_ends_each_request) {
    panel p;
    gateway_process gateway(p.config());

    const auto reply = chat(gateway, say(panel_name, "do not log this question"));
    const auto id = reply.header("X-MetaModel-Request-Id");

    const auto log = final_log(gateway);
    EXPECT_NE(log.find(id), std::string::npos) << log;
    EXPECT_NE(log.find(panel_name), std::string::npos);
    EXPECT_EQ(log.find("do not log this question"), std::string::npos);
    EXPECT_EQ(log.find("the fused answer"), std::string::npos);
}

}  // namespace

}  // namespace meta_model::contract
