// Profiles in the place of upstreams: layered panels, steps and voters that are ensembles themselves.
#include "contract/cascade_steps.hpp"

#include <algorithm>
#include <vector>

namespace meta_model::contract {

namespace {

constexpr auto pricing = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0";

const json traced = {{"x_meta_model", {{"trace", true}}}};

// a, b and s make the panel `inner.v1`; c stands beside it in other profiles, whose synthesizer is t. Each answer costs
// 0.00014 USD.
struct nested {
    fake_upstream models{};

    nested() {
        for (const std::string name : {"a", "b", "c", "s", "t"}) {
            answers(name, "answer of " + name);
        }
    }

    void answers(const std::string& name, const std::string& text) {
        answer what{.message = {{"role", "assistant"}, {"content", text}}};
        what.usage = {{"prompt_tokens", 100}, {"completion_tokens", 10}, {"total_tokens", 110}};
        models.on(name, complete(what));
    }

    config_text config(const std::string& inner_lines = "", const std::string& server = "") const {
        config_text out(models);
        out.server(server);
        for (const std::string name : {"a", "b", "c", "s", "t"}) {
            out.upstream(
                name,
                "[upstreams." + name + ".pricing]\n" + pricing + "\n[upstreams." + name
                    + ".retry]\nmax_attempts = 1"
            );
        }
        return out.moa("inner.v1", {"a", "b"}, "s", inner_lines)
            .moa("layers.v1", {"inner.v1", "c"}, "t")
            .cascade("steps.v1", {"inner.v1", "c"})
            .cascade("last.v1", {"c", "inner.v1"})
            .voting("vote.v1", {"inner.v1", "c"}, "ballot = \"text\"\naggregation = \"plurality\"")
            .raw("[features]\nvoting = true");
    }

    std::size_t calls() const {
        std::size_t out = 0;
        for (const auto* name : {"a", "b", "c", "s", "t"}) {
            out += models.call_count(name);
        }
        return out;
    }
};

TEST(nested_profiles, a_panel_may_have_a_panel_as_generator) {
    nested n;
    const gateway_process gateway(n.config());

    const auto reply = chat(gateway, say("layers.v1"));

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), "answer of t");
    const auto shown = all_message_text(n.models.last_request("t").json);
    EXPECT_NE(shown.find("answer of s"), std::string::npos)
        << "what the inner panel made of its drafts";
    EXPECT_NE(shown.find("answer of c"), std::string::npos);
    EXPECT_EQ(shown.find("answer of a"), std::string::npos);
    EXPECT_EQ(n.calls(), 5u);
}

TEST(nested_profiles, its_calls_are_told_within_its_own_line) {
    nested n;
    const gateway_process gateway(n.config());

    const auto reply = chat(gateway, with(say("layers.v1"), traced));

    const auto trace = reply.json()["x_meta_model"];
    ASSERT_EQ(trace["legs"].size(), 3u) << trace;
    const auto& line = trace["legs"][0];
    EXPECT_EQ(line["upstream"], "inner.v1");
    EXPECT_EQ(line["role"], "generator");
    EXPECT_EQ(line["state"], "done");
    EXPECT_EQ(line["tokens_in"], 300);
    EXPECT_EQ(line["tokens_out"], 30);
    EXPECT_EQ(line["usage_source"], "reported");
    ASSERT_EQ(line["legs"].size(), 3u) << line;
    EXPECT_EQ(line["legs"][2]["upstream"], "s");
    EXPECT_EQ(line["legs"][2]["role"], "synthesizer");
    EXPECT_EQ(trace["total_tokens"], 550);
    EXPECT_EQ(reply.header("X-MetaModel-Total-Tokens"), "550");
    EXPECT_DOUBLE_EQ(trace["cost_usd"].get<double>(), 5 * 0.00014);
}

TEST(nested_profiles, a_step_may_be_a_panel_and_the_next_one_takes_over) {
    nested n;
    const gateway_process gateway(n.config());

    const auto reply = chat(gateway, say("steps.v1"));
    EXPECT_EQ(answer_text(reply), "answer of s");
    EXPECT_EQ(n.models.call_count("c"), 0u);
    EXPECT_EQ(stream(gateway, say_streamed("steps.v1")).text(), "answer of s");

    n.models.on("a", busy());
    n.models.on("b", busy());
    EXPECT_EQ(answer_text(chat(gateway, say("steps.v1"))), "answer of c");
    const auto result = stream(gateway, say_streamed("steps.v1"));
    EXPECT_EQ(result.text(), "answer of c");
    EXPECT_TRUE(result.has_done());
}

TEST(nested_profiles, the_last_step_may_be_one) {
    nested n;
    n.models.on("c", busy());
    const gateway_process gateway(n.config());

    EXPECT_EQ(answer_text(chat(gateway, say("last.v1"))), "answer of s");

    n.models.on("a", busy());
    n.models.on("b", busy());
    expect_envelope(chat(gateway, say("last.v1")), 502);
}

TEST(nested_profiles, a_voter_may_be_a_panel) {
    nested n;
    n.answers("s", "yes");
    n.answers("c", "yes");
    const gateway_process gateway(n.config());

    const auto reply = chat(gateway, with(say("vote.v1"), traced));

    EXPECT_EQ(answer_text(reply), "yes");
    EXPECT_EQ(n.models.call_count("a"), 1u);
    EXPECT_EQ(reply.json()["x_meta_model"]["legs"][0]["legs"].size(), 3u);
}

TEST(nested_profiles, the_operators_prompt_is_there_once) {
    nested n;
    const gateway_process gateway(n.config("", "system_prompt = \"Be kind.\""));

    chat(gateway, say("layers.v1"));

    for (const std::string name : {"a", "c", "t"}) {
        const auto messages = n.models.last_request(name).json["messages"];
        const auto count = std::ranges::count_if(messages, [](const auto& m) {
            return m["role"] == "system" && m["content"] == "Be kind.";
        });
        EXPECT_EQ(count, 1) << name;
    }
}

TEST(nested_profiles, a_client_that_leaves_ends_every_call_within) {
    nested n;
    n.models.on("a", hang());
    n.models.on("b", hang());
    const gateway_process gateway(n.config());
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say("steps.v1").dump())));
    ASSERT_TRUE(n.models.wait_for_calls("a", 1));
    ASSERT_TRUE(n.models.wait_for_calls("b", 1));

    client.close();

    EXPECT_TRUE(n.models.wait_for_peer_close("a", cancel_limit));
    EXPECT_TRUE(n.models.wait_for_peer_close("b", cancel_limit));
    EXPECT_EQ(chat(gateway, say("c")).status, 200);
    EXPECT_EQ(n.models.call_count("c"), 1u) << "only the later request";
}

TEST(nested_profiles, the_deadline_of_the_outer_one_holds_within) {
    nested n;
    n.models.on("a", hang());
    n.models.on("b", hang());
    n.models.on("c", hang());
    const gateway_process gateway(n.config());
    const auto start = clock::now();

    const auto reply =
        chat(gateway, with(say("layers.v1"), {{"x_meta_model", {{"deadline_ms", 400}}}}));

    EXPECT_GE(reply.status, 500);
    EXPECT_LT(clock::now() - start, 400ms + 2s);
    EXPECT_TRUE(n.models.wait_for_peer_close("a", cancel_limit));
}

// What a call may cost at most is some tens of times what it does cost here.
TEST(nested_profiles, what_is_left_of_the_limit_holds_for_the_calls_within) {
    nested n;
    const gateway_process gateway(n.config());
    const auto ask = [&](const char* usd) {
        auto body = with(say("steps.v1"), {{"max_tokens", 100}});
        body["x_meta_model"] = {{"trace", true}, {"max_cost_usd", json::parse(usd)}};
        return chat(gateway, body);
    };

    // One call of 100 tokens costs up to 0.0004 USD and its prompt.
    const auto reply = ask("0.0006");
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_LE(std::stod(reply.header("X-MetaModel-Cost-USD")), 0.0006);
    EXPECT_LE(n.calls(), 2u);

    expect_envelope(ask("0.0000001"), 402);
}

TEST(nested_profiles, a_profiles_own_limit_holds_where_it_is_nested) {
    nested n;
    const gateway_process gateway(n.config("max_cost_usd = 0.0000001"));

    const auto reply = chat(gateway, say("layers.v1"));

    EXPECT_EQ(answer_text(reply), "answer of c") << reply.body;
    EXPECT_EQ(n.models.call_count("a"), 0u);
}

// A synthesis that was not needed leaves what was kept for it to those around.
TEST(nested_profiles, what_was_kept_and_not_used_is_given_back) {
    nested n;
    n.answers("a", "the same");
    n.answers("b", "the same");
    const gateway_process gateway(
        n.config("agreement = \"exact\"")
            .upstream("dear", "[upstreams.dear.pricing]\noutput_usd_per_mtok = 30.0")
            .raw("[profiles.picky]\ntype = \"cascade\"\nsteps = [{ use = \"inner.v1\", accept = { "
                 "pattern = \"never\" } }, { use = \"dear\" }]")
    );
    n.answers("dear", "answer of dear");
    auto body = with(say("picky"), {{"max_tokens", 100}});
    // The panel sets more than 0.002 USD aside and spends 0.00028 of it; `dear` may then cost 0.003.
    body["x_meta_model"] = {{"max_cost_usd", 0.004}, {"trace", true}};

    const auto reply = chat(gateway, body);

    EXPECT_EQ(n.models.call_count("a") + n.models.call_count("b"), 2u) << reply.body;
    EXPECT_EQ(n.models.call_count("s"), 0u);
    EXPECT_EQ(answer_text(reply), "answer of dear") << reply.body;
}

TEST(nested_profiles, a_clients_short_deadline_says_nothing_of_the_upstreams_within) {
    nested n;
    n.models.on("a", hang());
    n.models.on("b", hang());
    const gateway_process gateway(config_text(n.models)
                                      .upstreams({"a", "b", "c"})
                                      .cascade("inner.v1", {"a"})
                                      .cascade("outer.v1", {"inner.v1"}));
    auto hasty = say("outer.v1");
    hasty["x_meta_model"] = {{"deadline_ms", 50}};
    for (int i = 0; i < 8; ++i) {
        EXPECT_GE(chat(gateway, hasty).status, 500);
    }
    n.answers("a", "answer of a");

    EXPECT_EQ(answer_text(chat(gateway, say("a"))), "answer of a") << "its breaker is closed";
}

TEST(nested_profiles, its_health_is_that_of_the_profiles_within) {
    nested n;
    const gateway_process gateway(
        n.config().raw("[profiles.only]\ntype = \"cascade\"\nsteps = [{ use = \"steps.v1\" }]")
    );

    const auto deadline = clock::now() + 10s;
    auto profiles = get(gateway, "/v1/health").json().value("profiles", json());
    while (profiles.value("only", "") != "ok" && clock::now() < deadline) {
        profiles = get(gateway, "/v1/health").json().value("profiles", json());
    }
    EXPECT_EQ(profiles.value("only", ""), "ok") << profiles;
    EXPECT_EQ(profiles.value("layers.v1", ""), "ok") << profiles;
}

TEST(nested_profiles, metrics_count_it_like_an_upstream_and_its_calls_too) {
    nested n;
    const gateway_process gateway(n.config());

    chat(gateway, say("layers.v1"));

    const auto legs = get(gateway, "/v1/metrics/moa").json()["profiles"]["layers.v1"]["legs"];
    for (const std::string name : {"inner.v1", "a", "b", "c", "s", "t"}) {
        EXPECT_EQ(legs.value(name, json())["states"], (json{{"done", 1}})) << name << ": " << legs;
    }
}

}  // namespace

}  // namespace meta_model::contract
