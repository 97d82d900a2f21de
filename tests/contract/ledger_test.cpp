// The books of a request: what its replies tell of tokens and cost is what the upstreams counted.
#include "contract/panel.hpp"

#include <cstdio>
#include <set>

namespace meta_model::contract {

namespace {

constexpr auto pricing =
    "input_usd_per_mtok = 1.0\ncached_input_usd_per_mtok = 0.5\noutput_usd_per_mtok = 4.0";

// Three generators, a synthesizer and profiles of every kind, all with the same prices.
struct priced {
    fake_upstream models{};

    priced() {
        for (const std::string name : {"a", "b", "c", "s"}) {
            answers(name, "draft of " + name);
        }
    }

    void answers(const std::string& name, const std::string& text, const json& usage = {}) {
        answer what{.message = {{"role", "assistant"}, {"content", text}}};
        what.usage =
            usage.is_null()
                ? json{{"prompt_tokens", 100}, {"completion_tokens", 10}, {"total_tokens", 110}}
                : usage;
        models.on(name, complete(what));
    }

    config_text config(const std::string& lines = "") const {
        config_text out(models);
        for (const std::string name : {"a", "b", "c", "s"}) {
            out.upstream(name, "[upstreams." + name + ".pricing]\n" + pricing);
        }
        return out.moa("panel.v1", {"a", "b", "c"}, "s", lines)
            .cascade("steps.v1", {"a", "b"})
            .voting("vote.v1", {"a", "b", "c"}, "ballot = \"text\"\naggregation = \"plurality\"")
            .raw("[features]\nvoting = true");
    }
};

const json traced = {{"x_meta_model", {{"trace", true}}}};

std::string tokens(const http_reply& reply) {
    return reply.header("X-MetaModel-Total-Tokens");
}

std::string cost(const http_reply& reply) {
    return reply.header("X-MetaModel-Cost-USD");
}

// `x_meta_model` of a stream's last chunk that has one.
json trace_of(const sse_transcript& result) {
    json out;
    for (const auto& chunk : result.chunks()) {
        out = chunk.value("x_meta_model", out);
    }
    return out;
}

TEST(ledger, a_panels_reply_tells_the_sum_of_all_its_calls) {
    priced p;
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, say("panel.v1"));

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(tokens(reply), "440");
    EXPECT_EQ(cost(reply), "0.000560000");  // four times 100 × 1 + 10 × 4 dollars for a million
    EXPECT_FALSE(reply.json().contains("x_meta_model")) << "nobody asked for it";
}

TEST(ledger, with_trace_every_leg_stands_in_the_reply) {
    priced p;
    p.answers(
        "b",
        "draft of b",
        {{"prompt_tokens", 100},
         {"completion_tokens", 10},
         {"total_tokens", 110},
         {"prompt_tokens_details", {{"cached_tokens", 60}}}}
    );
    const gateway_process gateway(p.config());

    const auto whole = chat(gateway, with(say("panel.v1"), traced)).json()["x_meta_model"];
    const auto streamed = trace_of(stream(gateway, with(say_streamed("panel.v1"), traced)));

    for (const auto& trace : {whole, streamed}) {
        ASSERT_EQ(trace["legs"].size(), 4u) << trace;
        EXPECT_EQ(trace["profile"], "panel.v1");
        EXPECT_EQ(trace["strategy"], "moa");
        EXPECT_EQ(trace["decision"], "merged");
        EXPECT_EQ(trace["total_tokens"], 440);
        EXPECT_DOUBLE_EQ(trace["cost_usd"].get<double>(), 0.00053);
        EXPECT_EQ(trace["usage_source"], "reported");
        const auto& b = trace["legs"][1];
        EXPECT_EQ(b["upstream"], "b");
        EXPECT_EQ(b["role"], "generator");
        EXPECT_EQ(b["state"], "done");
        EXPECT_EQ(b["cached_tokens"], 60);
        EXPECT_DOUBLE_EQ(b["cost_usd"].get<double>(), 0.00011);
        EXPECT_EQ(trace["legs"][3]["role"], "synthesizer");
    }
}

TEST(ledger, the_synthesis_that_agreement_spared_is_in_it_and_in_no_sum) {
    priced p;
    p.answers("a", "It is 6 times 7.\nANSWER: 42");
    p.answers("b", "**42.0**");
    p.answers("c", "By adding: \\boxed{42}");
    const gateway_process gateway(p.config("agreement = \"canonical\""));

    const auto reply = chat(gateway, with(say("panel.v1"), traced));

    EXPECT_EQ(reply.header("X-MetaModel-Synth-Decision"), "fastpath_consensus");
    EXPECT_EQ(tokens(reply), "330") << "three drafts and nothing else";
    EXPECT_EQ(p.models.call_count("s"), 0u);
    const auto trace = reply.json()["x_meta_model"];
    EXPECT_EQ(trace["legs"].size(), 3u);
    const auto& spared = trace["spared"];
    EXPECT_EQ(spared["upstream"], "s");
    EXPECT_EQ(spared["role"], "synthesizer");
    EXPECT_EQ(spared["usage_source"], "estimated");
    const auto in = spared["tokens_in"].get<double>();
    const auto out = spared["tokens_out"].get<double>();
    EXPECT_GT(in, 0);
    EXPECT_GT(out, 0);
    EXPECT_NEAR(spared["cost_usd"].get<double>(), (in + 4 * out) / 1e6, 1e-9);
    EXPECT_NE(get(gateway, "/metrics").body.find("syntheses_spared_total 1\n"), std::string::npos);
}

TEST(ledger, drafts_are_shown_in_an_order_of_the_requests_own_and_it_is_told) {
    priced p;
    const gateway_process gateway(p.config("min_drafts = 3"));  // none is left behind
    std::set<json> orders;

    for (int i = 0; i < 40; ++i) {
        const auto question = "question " + std::to_string(i);
        const auto reply = chat(gateway, with(say("panel.v1", question), traced));
        const auto again = chat(gateway, with(say("panel.v1", question), traced));
        const auto order = reply.json()["x_meta_model"]["draft_order"];
        const auto shown = all_message_text(p.models.last_request("s").json);
        ASSERT_EQ(order.size(), 3u) << reply.body;
        for (std::size_t place = 0; place < 3; ++place) {
            const auto text = "draft of " + order[place].get<std::string>();
            EXPECT_EQ(number_shown(shown, text), std::to_string(place + 1));
        }
        EXPECT_EQ(again.json()["x_meta_model"]["draft_order"], order);
        orders.insert(order);
    }

    EXPECT_GE(orders.size(), 3u);
}

TEST(ledger, failed_and_cancelled_legs_are_in_it_and_estimates_are_called_so) {
    priced p;
    p.models.on("a", json_reply(503, {{"error", {{"message", "busy"}}}}));
    p.models.on("b", hang());
    const auto is_refused = make_gate();
    p.models.on("c", held(is_refused, ok("draft of c")));
    const gateway_process gateway(p.config("grace_secs = 0.0\nmin_drafts = 1"));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(with(say("panel.v1"), traced).dump())));
    ASSERT_TRUE(gateway.child().wait_for_log("an upstream call failed"));
    ASSERT_TRUE(p.models.wait_for_calls("b", 1));
    is_refused->open();

    const auto reply = client.read_reply();
    const auto trace = reply.json()["x_meta_model"];

    ASSERT_EQ(trace["legs"].size(), 3u) << trace;
    const auto& refused = trace["legs"][0];
    EXPECT_EQ(refused["state"], "failed");
    EXPECT_EQ(refused["reason"], "non_2xx");
    EXPECT_EQ(refused["cost_usd"], 0.0);
    const auto& cancelled = trace["legs"][1];
    EXPECT_EQ(cancelled["state"], "cancelled");
    EXPECT_EQ(cancelled["usage_source"], "estimated");
    EXPECT_GT(cancelled["tokens_in"], 0);
    EXPECT_EQ(trace["usage_source"], "estimated");
    EXPECT_EQ(tokens(reply), std::to_string(18 + cancelled["tokens_in"].get<int>()));
}

TEST(ledger, a_cascade_counts_the_steps_that_failed_and_keeps_its_winners_bytes) {
    priced p;
    p.answers("a", " ");
    const gateway_process gateway(p.config());

    const auto plain = chat(gateway, say("steps.v1"));
    const auto reply = chat(gateway, with(say("steps.v1"), traced));
    const auto streamed = stream(gateway, with(say_streamed("steps.v1"), traced));

    EXPECT_EQ(tokens(plain), "220");
    EXPECT_EQ(cost(plain), "0.000280000");
    auto body = reply.json();
    EXPECT_EQ(body["x_meta_model"]["legs"][0]["state"], "done") << "it answered, with nothing";
    EXPECT_EQ(body["x_meta_model"]["total_tokens"], 220);
    body.erase("x_meta_model");
    EXPECT_EQ(body, plain.json());
    EXPECT_EQ(trace_of(streamed)["total_tokens"], 220);
}

TEST(ledger, a_votes_own_account_and_the_trace_stand_side_by_side) {
    priced p;
    const gateway_process gateway(p.config());

    const auto own = chat(gateway, say("vote.v1")).json()["x_meta_model"];
    const auto both = chat(gateway, with(say("vote.v1"), traced)).json()["x_meta_model"];

    EXPECT_TRUE(own.contains("votes"));
    EXPECT_FALSE(own.contains("legs"));
    EXPECT_EQ(both["votes"], own["votes"]);
    ASSERT_GE(both["legs"].size(), 2u);
    EXPECT_EQ(both["legs"][0]["role"], "voter");
}

TEST(ledger, one_relayed_call_is_left_as_it_is_unless_its_books_are_asked_for) {
    priced p;
    const gateway_process gateway(p.config());

    const auto plain = chat(gateway, say("a"));
    const auto traced_reply = chat(gateway, with(say("a"), traced));

    EXPECT_FALSE(plain.json().contains("x_meta_model"));
    EXPECT_FALSE(plain.has("X-MetaModel-Cost-USD"));
    auto body = traced_reply.json();
    const auto trace = body["x_meta_model"];
    ASSERT_EQ(trace["legs"].size(), 1u) << trace;
    EXPECT_EQ(trace["strategy"], "passthrough");
    EXPECT_EQ(trace["legs"][0]["role"], "relay");
    EXPECT_EQ(trace["legs"][0]["state"], "done");
    EXPECT_EQ(trace["total_tokens"], 110);
    EXPECT_EQ(cost(traced_reply), "0.000140000");
    body.erase("x_meta_model");
    EXPECT_EQ(body, plain.json()) << "the rest is the upstream's own";
}

TEST(ledger, a_relayed_stream_ends_with_its_books) {
    priced p;
    const gateway_process gateway(
        p.config().passthrough("quiet.v1", "a", "expose_reasoning = false")
    );
    const json usage = {{"stream_options", {{"include_usage", true}}}};

    const auto plain = stream(gateway, with(say_streamed("a"), usage));
    for (const std::string model : {"a", "quiet.v1"}) {
        const auto result = stream(gateway, with(with(say_streamed(model), usage), traced));

        EXPECT_TRUE(result.has_done()) << model;
        EXPECT_EQ(result.text(), plain.text()) << model;
        const auto trace = trace_of(result);
        ASSERT_EQ(trace["legs"].size(), 1u) << model << trace;
        EXPECT_EQ(trace["total_tokens"], 110) << model;
        EXPECT_EQ(trace["usage_source"], "reported") << model;
    }
    EXPECT_TRUE(trace_of(plain).is_null());
    const auto estimated = trace_of(stream(gateway, with(say_streamed("a"), traced)));
    EXPECT_EQ(estimated["usage_source"], "estimated") << "the client did not ask for usage";
}

TEST(ledger, a_whole_reply_that_is_replayed_as_a_stream_ends_with_its_books) {
    priced p;
    answer what{.message = {{"role", "assistant"}, {"content", "all at once"}}};
    what.always_json = true;
    p.models.on("a", complete(what));
    const gateway_process gateway(p.config());

    const auto trace = trace_of(stream(gateway, with(say_streamed("a"), traced)));

    ASSERT_EQ(trace["legs"].size(), 1u) << trace;
    EXPECT_EQ(trace["total_tokens"], 18);
}

TEST(ledger, a_draft_that_was_cut_off_is_partial) {
    priced p;
    p.models.on("c", hang_after_sends(3, ok(std::string(4000, 'd'))));
    const gateway_process gateway(p.config("grace_secs = 0.3\nmin_drafts = 2"));

    const auto trace = chat(gateway, with(say("panel.v1"), traced)).json()["x_meta_model"];

    ASSERT_EQ(trace["legs"].size(), 4u) << trace;
    EXPECT_EQ(trace["legs"][2]["state"], "partial");
    EXPECT_EQ(trace["legs"][2]["reason"], "cancelled");
    EXPECT_GT(trace["legs"][2]["tokens_out"], 0);
}

TEST(ledger, what_an_upstream_cannot_have_counted_is_estimated) {
    const std::vector<std::string> lies{
        R"({"prompt_tokens":-5,"completion_tokens":-7,"total_tokens":-12})",
        R"({"prompt_tokens":9223372036854775808,"completion_tokens":9223372036854775808})",
        R"({"prompt_tokens":4611686018427387904,"completion_tokens":4611686018427387904})",
        R"({"prompt_tokens":"100","completion_tokens":"10","total_tokens":"110"})",
        R"({"total_tokens":110})",
        R"({"prompt_tokens":[],"completion_tokens":{}})",
        R"(null)",
        R"("many")",
    };
    priced p;
    const gateway_process gateway(p.config());
    for (const auto& lie : lies) {
        p.models.on(
            "b",
            text_reply(
                200,
                "application/json",
                R"({"id":"x","object":"chat.completion","created":1,"model":"b","choices":[{"index":0,)"
                R"("message":{"role":"assistant","content":"draft of b"},"finish_reason":"stop"}],"usage":)"
                    + lie + '}'
            )
        );

        const auto reply = chat(gateway, with(say("panel.v1"), traced));

        ASSERT_EQ(reply.status, 200) << lie << reply.body;
        const auto trace = reply.json()["x_meta_model"];
        const auto& b = trace["legs"][1];
        EXPECT_EQ(b["usage_source"], "estimated") << lie;
        EXPECT_GT(b["tokens_in"], 0) << lie;
        EXPECT_LT(b["tokens_in"], 500) << lie;
        EXPECT_GT(b["tokens_out"], 0) << lie;
        EXPECT_EQ(trace["legs"][0]["usage_source"], "reported");
        EXPECT_EQ(
            tokens(reply),
            std::to_string(330 + b["tokens_in"].get<int>() + b["tokens_out"].get<int>())
        ) << lie;
    }
}

TEST(ledger, a_lone_prompt_count_is_taken_and_the_answer_estimated) {
    priced p;
    p.answers("b", std::string(280, 'b'), {{"prompt_tokens", 100}, {"total_tokens", 100}});
    const gateway_process gateway(p.config());

    const auto b = chat(gateway, with(say("panel.v1"), traced)).json()["x_meta_model"]["legs"][1];

    EXPECT_EQ(b["tokens_in"], 100);
    EXPECT_EQ(b["tokens_out"], 100);
    EXPECT_EQ(b["usage_source"], "estimated");
}

TEST(ledger, the_sums_are_what_the_upstreams_counted_with_faults_among_them) {
    priced p;
    p.models.on("a", close_at_once());
    p.models.next("b", json_reply(500, {{"error", {{"message", "down"}}}}));
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say("panel.v1"), traced));
    const auto trace = reply.json()["x_meta_model"];

    EXPECT_EQ(trace["legs"][0]["state"], "failed");
    EXPECT_EQ(trace["legs"][1]["state"], "failed");
    EXPECT_EQ(trace["legs"][1]["cost_usd"], 0.0);
    std::int64_t counted = 0;
    for (const auto& leg : trace["legs"]) {
        counted += leg["state"] == "done"
                       ? 110
                       : leg["tokens_in"].get<int>() + leg["tokens_out"].get<int>();
    }
    EXPECT_EQ(tokens(reply), std::to_string(counted));
}

TEST(ledger, a_step_that_is_left_alone_stands_in_the_books) {
    priced p;
    p.models.on("a", json_reply(503, {{"error", {{"message", "down"}}}}, {{"Retry-After", "60"}}));
    const gateway_process gateway(p.config());
    chat(gateway, say("steps.v1"));

    const auto trace = chat(gateway, with(say("steps.v1"), traced)).json()["x_meta_model"];

    ASSERT_EQ(trace["legs"].size(), 2u) << trace;
    EXPECT_EQ(trace["legs"][0]["state"], "not_started");
    EXPECT_EQ(trace["legs"][0]["reason"], "breaker_open");
    EXPECT_EQ(trace["legs"][1]["state"], "done");
}

TEST(ledger, a_cascades_usage_is_the_sum_when_asked_for) {
    priced p;
    p.answers("a", " ");
    const gateway_process gateway(p.config().server("usage = \"total\""));
    const json wish = {{"stream_options", {{"include_usage", true}}}};

    const auto whole = chat(gateway, say("steps.v1"));
    const auto streamed = stream(gateway, with(say_streamed("steps.v1"), wish));

    EXPECT_EQ(whole.json()["usage"]["total_tokens"], 220);
    EXPECT_EQ(streamed.chunks().back()["usage"]["total_tokens"], 220);
}

}  // namespace

}  // namespace meta_model::contract
