// What an upstream's failures and wishes mean for the calls that follow.
#include "contract/cascade_steps.hpp"
#include "contract/panel.hpp"

#include <thread>

namespace meta_model::contract {

namespace {

// Three failures open it; a second later one call finds out. One attempt a call, so that tests can count them.
std::string quick_breaker(const std::string& name) {
    return "[upstreams." + name + ".breaker]\nfailures = 3\nopen_secs = 1.0\n[upstreams." + name
           + ".retry]\nmax_attempts = 1";
}

void ask_times(const gateway_process& gateway, const std::string& model, int times) {
    for (int i = 0; i < times; ++i) {
        chat(gateway, say(model));
    }
}

// Asks until something else than a refusal of the gateway itself comes.
http_reply ask_until_called(const gateway_process& gateway, const std::string& model) {
    const auto until = clock::now() + 5s;
    auto reply = chat(gateway, say(model));
    while (reply.error_code() == "upstream_unavailable" && clock::now() < until) {
        // Until the time of silence is over, at most 5 s.
        std::this_thread::sleep_for(20ms);
        reply = chat(gateway, say(model));
    }
    return reply;
}

TEST(upstream_state, an_open_breaker_answers_at_once) {
    fake_upstream models;
    models.on("a", busy());
    gateway_process gateway(config_text(models).upstream("a", quick_breaker("a")));
    ask_times(gateway, "a", 3);
    const auto calls = models.call_count("a");

    const auto reply = chat(gateway, say("a"));

    expect_error(reply, {503, "service_unavailable_error", "upstream_unavailable", std::nullopt});
    EXPECT_EQ(reply.header("Retry-After"), "1");
    EXPECT_EQ(reply.header("x-should-retry"), "true");
    EXPECT_EQ(models.call_count("a"), calls);
    const auto metrics = get(gateway, "/metrics").body;
    EXPECT_NE(metrics.find("upstream=\"a\",outcome=\"breaker_open\"} 1"), std::string::npos);
    const auto log = final_log(gateway);
    const auto told = log.find("left alone");
    EXPECT_NE(told, std::string::npos) << log;
    EXPECT_EQ(log.find("left alone", told + 1), std::string::npos) << "once\n" << log;
}

TEST(upstream_state, one_call_finds_out_whether_it_is_back) {
    fake_upstream models;
    models.on("a", busy());
    const gateway_process gateway(config_text(models).upstream("a", quick_breaker("a")));
    ask_times(gateway, "a", 3);
    const auto calls = models.call_count("a");
    const auto gate = make_gate();
    models.on("a", held(gate, ok("back")));

    // The first that is let through hangs at the gate; the others are refused meanwhile.
    std::string first;
    std::thread probe([&] { first = answer_text(ask_until_called(gateway, "a")); });
    EXPECT_TRUE(models.wait_for_calls("a", calls + 1));
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(chat(gateway, say("a")).error_code(), "upstream_unavailable");
    }
    EXPECT_EQ(models.call_count("a"), calls + 1);
    gate->open();
    probe.join();

    EXPECT_EQ(first, "back");
    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "back");
}

TEST(upstream_state, a_callers_mistakes_never_open_it) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a", quick_breaker("a")));

    for (const int status : {400, 404, 413, 422, 400, 404}) {
        models.on("a", refusal(status, {{"message", "no"}}));
        EXPECT_EQ(chat(gateway, say("a")).status, status);
        EXPECT_EQ(stream(gateway, say_streamed("a")).head.status, status);
    }
}

TEST(upstream_state, clients_that_leave_or_hurry_never_open_it) {
    fake_upstream models;
    models.on("a", hang());
    const gateway_process gateway(config_text(models).upstream("a", quick_breaker("a")));

    for (int i = 0; i < 4; ++i) {
        const auto calls = models.call_count("a");
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(say("a").dump())));
        ASSERT_TRUE(models.wait_for_calls("a", calls + 1));
        client.close();
        ASSERT_TRUE(models.wait_for_peer_close("a"));
        const json hurry = {{"x_meta_model", {{"deadline_ms", 50}}}};
        EXPECT_EQ(chat(gateway, with(say("a"), hurry)).status, 504);
    }
    models.on("a", ok("here"));
    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "here");
}

TEST(upstream_state, broken_streams_count_as_failures) {
    fake_upstream models;
    models.on("a", cut_after_sends(3, ok("first second")));
    const gateway_process gateway(config_text(models).upstream("a", quick_breaker("a")));

    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(stream(gateway, say_streamed("a")).text(), "first");
    }
    EXPECT_EQ(stream(gateway, say_streamed("a")).head.error_code(), "upstream_unavailable");
}

TEST(upstream_state, a_cascade_skips_the_step_and_tries_it_again_later) {
    cascade_steps s;
    s.models.on("a", reset_at_once());
    const gateway_process gateway(config_text(s.models)
                                      .upstream("a", quick_breaker("a"))
                                      .upstream("b")
                                      .cascade(cascade_name, {"a", "b"}));
    ask_times(gateway, cascade_name, 3);
    const auto calls = s.models.call_count("a");

    const auto skipping = chat(gateway, say(cascade_name));
    EXPECT_EQ(answer_text(skipping), "answer of b");
    EXPECT_EQ(tried(skipping), "b") << "only what was called";
    EXPECT_EQ(s.models.call_count("a"), calls);
    const auto legs = get(gateway, "/v1/metrics/moa").json()["profiles"][cascade_name]["legs"];
    EXPECT_EQ(legs["a"]["states"]["skipped"], 1);

    s.models.on("a", ok("back"));
    const auto until = clock::now() + 5s;
    std::string text;
    while (text != "back" && clock::now() < until) {
        text = answer_text(chat(gateway, say(cascade_name)));
    }
    EXPECT_EQ(text, "back");
    EXPECT_EQ(s.models.call_count("a"), calls + 1) << "one call found out";
}

TEST(upstream_state, a_cascade_without_any_step_left_says_when_to_come_back) {
    cascade_steps s;
    s.models.on("a", busy());
    const gateway_process gateway(
        config_text(s.models).upstream("a", quick_breaker("a")).cascade(cascade_name, {"a"})
    );
    ask_times(gateway, cascade_name, 3);

    const auto reply = chat(gateway, say(cascade_name));

    expect_error(reply, {503, "service_unavailable_error", "cascade_exhausted", std::nullopt});
    EXPECT_EQ(reply.header("Retry-After"), "1");
    EXPECT_EQ(tried(reply), "");
    EXPECT_EQ(reply.header("X-MetaModel-Cascade-Exhausted"), "0");
}

TEST(upstream_state, a_panel_goes_on_without_it) {
    panel p;
    p.models.on("b", busy());
    config_text config(p.models);
    config.upstreams({"a", "c", "s"})
        .upstream("b", quick_breaker("b"))
        .moa(panel_name, {"a", "b", "c"}, "s")
        .moa("lone.v1", {"b"}, "s");
    const gateway_process gateway(config);
    ask_times(gateway, panel_name, 3);
    const auto calls = p.models.call_count("b");

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_EQ(failed_generators(reply), "b:breaker_open");
    EXPECT_EQ(p.models.call_count("b"), calls);
    expect_error(
        chat(gateway, say("lone.v1")),
        {503, "service_unavailable_error", "upstream_unavailable", std::nullopt}
    );
}

TEST(upstream_state, a_panel_waits_for_a_leg_only_as_long_as_it_is_known_to_need) {
    panel p;
    const gateway_process gateway(p.config("grace_secs = 20.0"));
    ask_times(gateway, panel_name, 20);
    p.models.on("c", hang());

    const auto start = clock::now();
    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_EQ(failed_generators(reply), "c:cancelled");
    EXPECT_LT(clock::now() - start, 2000ms) << "not for the whole grace";
    EXPECT_TRUE(p.models.wait_for_peer_close("c", cancel_limit));
}

TEST(upstream_state, an_upstream_that_asks_to_wait_is_left_alone_with_its_quota_group) {
    fake_upstream models;
    models.on("a", ok("a again"));
    models.on("b", ok("b again"));
    models.on("c", ok("c"));
    models.next("a", refusal(429, {{"message", "slow down"}}, {{"Retry-After", "1"}}));
    const gateway_process gateway(config_text(models)
                                      .upstream("a", "quota_group = \"acct\"")
                                      .upstream("b", "quota_group = \"acct\"")
                                      .upstream("c")
                                      .cascade(cascade_name, {"a", "c"}));

    const auto start = clock::now();
    EXPECT_EQ(answer_text(chat(gateway, say(cascade_name))), "c");
    const auto shared = chat(gateway, say("b"));
    const auto other = chat(gateway, say("c"));
    const auto again = ask_until_called(gateway, "b");

    EXPECT_EQ(shared.error_code(), "upstream_unavailable");
    EXPECT_EQ(shared.header("Retry-After"), "1");
    EXPECT_EQ(other.status, 200);
    EXPECT_EQ(answer_text(again), "b again");
    EXPECT_GE(clock::now() - start, 1000ms);
}

}  // namespace

}  // namespace meta_model::contract
