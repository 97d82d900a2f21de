// Calls that are made again on the same upstream: what, when, how often.
#include "contract/cascade_steps.hpp"
#include "contract/panel.hpp"

#include <atomic>
#include <thread>

namespace meta_model::contract {

namespace {

std::string steady_breaker(const std::string& name) {
    return "[upstreams." + name + ".breaker]\nfailures = 1000000\n";
}

TEST(retry, a_refused_call_is_made_once_more) {
    fake_upstream models;
    models.on("a", ok("second"));
    const gateway_process gateway(config_text(models).upstream("a", steady_breaker("a")));

    for (const int status : {408, 409, 429, 500, 502, 503}) {
        const auto calls = models.call_count("a");
        models.next("a", busy(status));
        const auto reply = chat(gateway, say("a"));
        // Three are always allowed; of the others the budget decides.
        if (models.call_count("a") == calls + 2) {
            EXPECT_EQ(answer_text(reply), "second") << status;
        } else {
            EXPECT_EQ(reply.status, status);
            EXPECT_GE(models.call_count("a"), 7u) << "the first three are repeated";
        }
    }
}

TEST(retry, its_body_and_headers_are_the_same) {
    fake_upstream models;
    models.on("a", ok("second"));
    models.next("a", busy());
    // Without probes there is one connection only.
    const gateway_process gateway(config_text(models).upstream("a", "health_check = \"off\""));

    chat(gateway, with(say("a"), {{"temperature", 0.5}}));

    const auto calls = models.requests("a");
    ASSERT_EQ(calls.size(), 2u);
    EXPECT_EQ(calls[0].body, calls[1].body);
    EXPECT_EQ(calls[0].header("X-Request-Id"), calls[1].header("X-Request-Id"));
    EXPECT_EQ(calls[0].connection, calls[1].connection) << "the refusal was read to its end";
}

TEST(retry, a_stream_is_repeated_before_its_first_token) {
    fake_upstream models;
    models.on("a", ok("second"));
    models.next("a", busy());
    const gateway_process gateway(config_text(models).upstream("a"));

    const auto result = stream(gateway, say_streamed("a"));

    EXPECT_EQ(result.text(), "second");
    EXPECT_TRUE(result.has_done());
}

TEST(retry, a_callers_mistake_is_not_repeated) {
    fake_upstream models;
    const gateway_process gateway(config_text(models).upstream("a"));

    for (const int status : {400, 401, 404, 422}) {
        const auto calls = models.call_count("a");
        models.on("a", busy(status));
        chat(gateway, say("a"));
        EXPECT_EQ(models.call_count("a"), calls + 1) << status;
    }
}

TEST(retry, the_last_refusal_is_told_as_it_is) {
    fake_upstream models;
    models.on("a", refusal(503, {{"message", "still busy"}, {"extra", 1}}));
    const gateway_process gateway(
        config_text(models).upstream("a", "[upstreams.a.retry]\nmax_attempts = 3\nbase_ms = 10")
    );

    const auto reply = chat(gateway, say("a"));

    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.json()["error"]["extra"], 1);
    EXPECT_EQ(models.call_count("a"), 3u);
}

TEST(retry, the_latest_retry_after_is_waited_for) {
    fake_upstream models;
    models.on("a", ok("at last"));
    models.next("a", refusal(429, {{"message", "slow down"}}, {{"Retry-After", "0"}}));
    models.next("a", refusal(429, {{"message", "slow down"}}, {{"Retry-After", "1"}}));
    const gateway_process gateway(
        config_text(models).upstream("a", "[upstreams.a.retry]\nmax_attempts = 3\nbase_ms = 20")
    );

    const auto reply = chat(gateway, say("a"));

    EXPECT_EQ(answer_text(reply), "at last");
    const auto calls = models.requests("a");
    ASSERT_EQ(calls.size(), 3u);
    EXPECT_LT(calls[1].received - calls[0].received, 500ms);
    EXPECT_GE(calls[2].received - calls[1].received, 1000ms);
}

TEST(retry, a_retry_after_beyond_the_cap_or_the_deadline_is_told_at_once) {
    fake_upstream models;
    models.on("a", refusal(429, {{"message", "slow down"}}, {{"Retry-After", "30"}}));
    models.on("b", refusal(429, {{"message", "slow down"}}, {{"Retry-After", "2"}}));
    const gateway_process gateway(config_text(models).upstreams({"a", "b"}));
    const json hurry = {{"x_meta_model", {{"deadline_ms", 1500}}}};

    const auto start = clock::now();
    const auto far = chat(gateway, say("a"));
    const auto late = chat(gateway, with(say("b"), hurry));

    EXPECT_LT(clock::now() - start, 1000ms);
    EXPECT_EQ(far.status, 429);
    EXPECT_EQ(far.header("Retry-After"), "30");
    EXPECT_EQ(late.status, 429);
    EXPECT_EQ(models.requests().size(), 2u);
}

TEST(retry, a_refused_connection_is_tried_again) {
    fake_upstream models;
    gateway_process gateway(config_text(models).upstream_at(
        "gone", models.refused_url(), "health_check = \"off\"\n[upstreams.gone.retry]\nbase_ms = 10"
    ));

    expect_envelope(chat(gateway, say("gone")), 502);

    EXPECT_NE(final_log(gateway).find("is tried again"), std::string::npos);
}

TEST(retry, a_client_that_leaves_while_it_waits_starts_no_other_call) {
    fake_upstream models;
    models.on("a", refusal(429, {{"message", "slow down"}}, {{"Retry-After", "1"}}));
    models.on("b", ok("x"));
    const gateway_process gateway(config_text(models).upstreams({"a", "b"}));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say("a").dump())));
    ASSERT_TRUE(models.wait_until([&] {
        const auto calls = models.requests("a");
        return !calls.empty() && calls.front().replied;
    }));
    client.close();

    // Longer than the wait that was asked for.
    models.wait_for_calls("a", 2, 1500ms);

    EXPECT_EQ(models.call_count("a"), 1u);
    EXPECT_EQ(chat(gateway, say("b")).status, 200);
}

TEST(retry, steps_and_legs_leave_their_work_to_others) {
    panel p;
    p.models.on("a", busy());
    p.models.on("b", reset_at_once());
    const gateway_process gateway(p.config().cascade(cascade_name, {"a", "c"}));

    EXPECT_EQ(answer_text(chat(gateway, say(cascade_name))), "this is the draft of c");
    EXPECT_EQ(p.models.call_count("a"), 1u);
    EXPECT_EQ(chat(gateway, say(panel_name)).status, 200);
    EXPECT_EQ(p.models.call_count("a"), 2u);
}

TEST(retry, the_last_step_of_a_cascade_is_asked_again) {
    cascade_steps s;
    s.models.on("a", busy());
    s.models.next("b", refusal(429, {{"message", "slow down"}}, {{"Retry-After", "1"}}));
    const gateway_process gateway(s.config());

    const auto start = clock::now();
    const auto reply = chat(gateway, say(cascade_name));

    EXPECT_EQ(answer_text(reply), "answer of b");
    EXPECT_GE(clock::now() - start, 1000ms);
    EXPECT_EQ(tried(reply), "a,b");
    EXPECT_EQ(s.models.call_count("a"), 1u);
    EXPECT_EQ(s.models.call_count("b"), 2u);
}

TEST(retry, half_of_all_calls_failing_make_less_than_a_fifth_more_of_them) {
    fake_upstream models;
    std::atomic<unsigned> count{0};
    const auto good = ok("x");
    const auto bad = busy();
    models.on("a", [&count, good, bad](const recorded_request& r) {
        return count++ % 2 == 0 ? bad(r) : good(r);
    });
    const gateway_process gateway(
        config_text(models).upstream("a", steady_breaker("a") + "[upstreams.a.retry]\nbase_ms = 5")
    );
    constexpr int threads = 8;
    constexpr int each = 25;

    std::vector<std::thread> clients;
    for (int t = 0; t < threads; ++t) {
        clients.emplace_back([&gateway] {
            for (int i = 0; i < each; ++i) {
                chat(gateway, say("a"));
            }
        });
    }
    for (auto& c : clients) {
        c.join();
    }

    const auto factor = static_cast<double>(models.call_count("a")) / (threads * each);
    EXPECT_LT(factor, 1.2);
    EXPECT_GT(factor, 1.05) << "some were repeated";
}

}  // namespace

}  // namespace meta_model::contract
