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
    const gateway_process gateway(p.config());
    std::set<json> orders;

    for (int i = 0; i < 40; ++i) {
        const auto reply = chat(gateway, with(say("panel.v1"), traced));
        const auto order = reply.json()["x_meta_model"]["draft_order"];
        const auto shown = all_message_text(p.models.last_request("s").json);
        ASSERT_EQ(order.size(), 3u) << reply.body;
        for (std::size_t place = 0; place < 3; ++place) {
            const auto text = "draft of " + order[place].get<std::string>();
            EXPECT_EQ(number_shown(shown, text), std::to_string(place + 1));
        }
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

TEST(ledger, one_relayed_call_is_left_as_it_is) {
    priced p;
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say("a"), traced));

    EXPECT_FALSE(reply.json().contains("x_meta_model"));
    EXPECT_FALSE(reply.has("X-MetaModel-Cost-USD"));
}

}  // namespace

}  // namespace meta_model::contract
