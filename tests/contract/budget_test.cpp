// `max_cost_usd`: what does not fit is not asked, and an answer is made of the rest.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

// Of each call: up to 1,000 tokens of answer for 0.004, and a few hundred of prompt for less than 0.001 dollars.
constexpr auto usual_price = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0";

struct priced_models {
    fake_upstream models{};

    priced_models() {
        for (const std::string name : {"a", "b", "c", "s"}) {
            models.on(name, ok("draft of " + name));
        }
    }

    // `prices` of single upstreams in place of the usual ones; empty: none at all.
    config_text config(const std::map<std::string, std::string>& prices = {}) const {
        config_text out(models);
        for (const std::string name : {"a", "b", "c", "s"}) {
            const auto own = prices.find(name);
            const auto price = own == prices.end() ? usual_price : own->second;
            std::string lines = "max_output = 1000\n";
            lines += "[upstreams." + name + ".breaker]\nfailures = 1000000\n";
            out.upstream(name, lines + "[upstreams." + name + ".pricing]\n" + price);
        }
        return out.raw("[features]\nvoting = true");
    }

    std::size_t all_calls() const { return models.requests().size(); }
};

json allowed(double usd, const json& more = json::object()) {
    json envelope = {{"max_cost_usd", usd}, {"trace", true}};
    envelope.update(more);
    return {{"x_meta_model", envelope}};
}

json leg(const http_reply& reply, std::size_t i) {
    return reply.json()["x_meta_model"]["legs"][i];
}

void expect_too_expensive(const http_reply& reply) {
    expect_error(
        reply, {402, "insufficient_quota", "cost_limit_exceeded", "x_meta_model.max_cost_usd"}
    );
    EXPECT_EQ(reply.header("x-should-retry"), "false");
}

TEST(budget, a_wrong_limit_names_its_field) {
    priced_models p;
    const gateway_process gateway(p.config());

    for (const json& wrong : {json("0.1"), json(-0.1), json(true), json::array()}) {
        const auto reply =
            chat(gateway, with(say("a"), {{"x_meta_model", {{"max_cost_usd", wrong}}}}));
        expect_error(
            reply, {400, "invalid_request_error", std::nullopt, "x_meta_model.max_cost_usd"}
        );
    }
    EXPECT_EQ(p.all_calls(), 0u);
}

TEST(budget, the_last_generator_gives_way_to_the_synthesizer) {
    priced_models p;
    const gateway_process gateway(p.config().moa("panel.v1", {"a", "b", "c"}, "s"));

    const auto reply = chat(gateway, with(say("panel.v1"), allowed(0.018)));

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(answer_text(reply), "draft of s");
    EXPECT_EQ(p.models.call_count("c"), 0u);
    EXPECT_EQ(reply.header("X-MetaModel-Failed-Generators"), "c:cost");
    EXPECT_EQ(reply.header("X-MetaModel-Degraded"), "true");
    const auto left_out = leg(reply, 2);
    EXPECT_EQ(left_out["upstream"], "c");
    EXPECT_EQ(left_out["state"], "not_started");
    EXPECT_EQ(left_out["reason"], "cost_limit");
    EXPECT_EQ(left_out["cost_usd"], 0.0);
    EXPECT_EQ(reply.json()["x_meta_model"]["max_cost_usd"], 0.018);
    EXPECT_EQ(reply.json()["x_meta_model"]["legs"].size(), 4u);
    const auto metrics = get(gateway, "/metrics").body;
    EXPECT_NE(
        metrics.find(R"(upstream_calls_total{upstream="c",outcome="cost"} 1)"), std::string::npos
    );
}

TEST(budget, one_draft_alone_is_the_answer_when_a_synthesis_cannot_be_paid) {
    priced_models p;
    const gateway_process gateway(p.config().moa("panel.v1", {"a", "b", "c"}, "s"));

    const auto reply = chat(gateway, with(say("panel.v1"), allowed(0.009)));

    EXPECT_EQ(answer_text(reply), "draft of a");
    EXPECT_EQ(p.all_calls(), 1u);
    EXPECT_EQ(reply.header("X-MetaModel-Synth-Decision"), "single_success");
}

TEST(budget, fewer_drafts_than_are_required_are_not_begun) {
    priced_models p;
    const gateway_process gateway(
        p.config().moa("panel.v1", {"a", "b", "c"}, "s", "required_drafts = 3")
    );

    expect_too_expensive(chat(gateway, with(say("panel.v1"), allowed(0.018))));
    EXPECT_EQ(p.all_calls(), 0u);
}

TEST(budget, too_little_for_one_call_is_402_for_every_strategy) {
    priced_models p;
    const gateway_process gateway(p.config()
                                      .moa("panel.v1", {"a", "b", "c"}, "s")
                                      .cascade("steps.v1", {"a", "b"})
                                      .passthrough("fast.v1", "a")
                                      .voting("vote.v1", {"a", "b", "c"}, "max_tokens = 500"));

    for (const std::string model : {"panel.v1", "steps.v1", "fast.v1", "vote.v1", "a"}) {
        expect_too_expensive(chat(gateway, with(say(model), allowed(0.001))));
        expect_too_expensive(chat(gateway, with(say_streamed(model), allowed(0.001))));
    }
    EXPECT_EQ(p.all_calls(), 0u);
    const auto ring = get(gateway, "/v1/metrics/moa").body;
    EXPECT_NE(ring.find("cost_limit_exceeded"), std::string::npos) << ring;
}

TEST(budget, a_client_lowers_the_profiles_limit_and_never_raises_it) {
    priced_models p;
    const gateway_process gateway(p.config()
                                      .passthrough("dear.v1", "a", "max_cost_usd = 0.001")
                                      .passthrough("fair.v1", "a", "max_cost_usd = 0.01"));

    const auto plain = chat(gateway, say("dear.v1"));
    expect_error(plain, {402, "insufficient_quota", "cost_limit_exceeded", std::nullopt});
    EXPECT_EQ(chat(gateway, with(say("dear.v1"), allowed(5))).status, 402);
    EXPECT_EQ(chat(gateway, say("fair.v1")).status, 200);
    expect_too_expensive(chat(gateway, with(say("fair.v1"), allowed(0.001))));
}

TEST(budget, the_answers_length_is_limited_so_that_the_ceiling_holds) {
    priced_models p;
    const gateway_process gateway(p.config());

    chat(gateway, with(say("a"), allowed(0.01)));
    EXPECT_EQ(p.models.last_request("a").json["max_tokens"], 1000);
    chat(gateway, with(say("a"), with(allowed(0.01), {{"max_completion_tokens", 5000}})));
    EXPECT_EQ(p.models.last_request("a").json["max_completion_tokens"], 1000);
    EXPECT_FALSE(p.models.last_request("a").json.contains("max_tokens"));
    chat(gateway, with(say("a"), with(allowed(0.001), {{"max_tokens", 20}})));
    EXPECT_EQ(p.models.last_request("a").json["max_tokens"], 20) << "a short answer fits";
    const auto two = chat(gateway, with(say("a"), with(allowed(0.005), {{"n", 2}})));
    EXPECT_EQ(two.status, 402) << "two choices cost twice as much";
    chat(gateway, say("a"));
    EXPECT_FALSE(p.models.last_request("a").json.contains("max_tokens"))
        << "without a limit nothing is added";
}

TEST(budget, what_an_upstreams_configuration_makes_of_the_length_counts) {
    priced_models p;
    const auto config = [&](const std::string& lines) {
        return p.config().upstream(
            "x",
            "max_output = 1000\n" + lines + "\n[upstreams.x.pricing]\noutput_usd_per_mtok = 4.0"
        );
    };
    p.models.on("x", ok("answer of x"));
    const gateway_process shorter(config("request_overrides = { max_tokens = 50 }"));
    const gateway_process dropped(config("openai = { drop_params = [\"max_tokens\"] }"));
    const json short_wish = {{"max_tokens", 10}};

    EXPECT_EQ(chat(shorter, with(say("x"), allowed(0.0002))).status, 200) << "50 tokens";
    EXPECT_EQ(chat(shorter, with(say("x"), allowed(0.000199))).status, 402);
    const auto unlimited = with(say("x"), with(short_wish, allowed(0.0039)));
    EXPECT_EQ(chat(dropped, unlimited).status, 402) << "nothing keeps it from writing 1,000";
    EXPECT_EQ(chat(dropped, with(say("x"), with(short_wish, allowed(0.004)))).status, 200);
    EXPECT_FALSE(p.models.last_request("x").json.contains("max_tokens"));
}

TEST(budget, a_picture_costs_what_a_picture_costs) {
    priced_models p;
    const gateway_process gateway(p.config());
    const auto url = "data:image/png;base64," + std::string(1 << 20, 'A');
    const json picture = {{"type", "image_url"}, {"image_url", {{"url", url}}}};
    auto body = say("a");
    body["messages"][0]["content"] =
        json::array({{{"type", "text"}, {"text", "What is it?"}}, picture});

    EXPECT_EQ(chat(gateway, with(body, allowed(0.01))).status, 200);
    EXPECT_EQ(chat(gateway, with(body, allowed(0.004))).status, 402);
}

TEST(budget, what_has_no_price_is_free) {
    priced_models p;
    const gateway_process gateway(p.config({{"b", ""}}).cascade("steps.v1", {"a", "b"}));

    const auto reply = chat(gateway, with(say("steps.v1"), allowed(0)));

    EXPECT_EQ(answer_text(reply), "draft of b");
    EXPECT_EQ(p.models.call_count("a"), 0u);
    EXPECT_EQ(reply.header("X-MetaModel-Cascade-Tried"), "b");
    EXPECT_EQ(leg(reply, 0)["state"], "not_started");
}

TEST(budget, a_cascade_goes_on_with_what_its_steps_left) {
    priced_models p;
    answer empty{.message = {{"role", "assistant"}, {"content", " "}}};
    empty.usage = {{"prompt_tokens", 100}, {"completion_tokens", 900}, {"total_tokens", 1000}};
    p.models.on("a", complete(empty));  // of 0.004 dollars it spends nearly all
    const gateway_process gateway(p.config().cascade("steps.v1", {"a", "b"}));

    const auto reply = chat(gateway, with(say("steps.v1"), allowed(0.006)));
    const auto enough = chat(gateway, with(say("steps.v1"), allowed(0.009)));

    EXPECT_EQ(reply.status, 502);
    EXPECT_EQ(reply.header("X-MetaModel-Cascade-Tried"), "a");
    EXPECT_EQ(answer_text(enough), "draft of b");
    EXPECT_EQ(p.models.call_count("b"), 1u);
}

TEST(budget, a_refused_attempt_costs_nothing_and_is_tried_again) {
    priced_models p;
    p.models.next("a", json_reply(503, {{"error", {{"message", "busy"}}}}));
    const gateway_process gateway(p.config());

    const auto reply = chat(gateway, with(say("a"), allowed(0.005)));

    EXPECT_EQ(answer_text(reply), "draft of a");
    EXPECT_EQ(p.models.call_count("a"), 2u);
}

TEST(budget, a_step_whose_judge_cannot_be_paid_is_not_begun) {
    priced_models p;
    const gateway_process gateway(p.config().raw(
        "[profiles.\"steps.v1\"]\ntype = \"cascade\"\nsteps = [{ use = \"a\", accept = { judge = "
        "\"s\" } }, { use = \"b\" }]"
    ));
    p.models.on("s", ok("9"));

    const auto reply = chat(gateway, with(say("steps.v1"), allowed(0.006)));
    const auto enough = chat(gateway, with(say("steps.v1"), allowed(0.02)));

    EXPECT_EQ(answer_text(reply), "draft of b");
    EXPECT_EQ(answer_text(enough), "draft of a");
    EXPECT_EQ(p.models.call_count("a"), 1u);
    EXPECT_EQ(p.models.call_count("s"), 1u);
}

TEST(budget, voters_are_asked_in_order_as_they_fit) {
    priced_models p;
    p.models.on("a", ok("yes"));
    p.models.on("b", ok("no"));
    const auto vote =
        "aggregation = \"majority\"\ntie_break = \"judge\"\njudge = \"s\"\nfailure_vote = "
        "\"no\"\nmax_tokens = 1000";
    const gateway_process gateway(p.config().voting("vote.v1", {"a", "b", "c"}, vote));

    const auto reply = chat(gateway, with(say("vote.v1"), allowed(0.009)));

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(p.models.call_count("c"), 0u);
    EXPECT_EQ(answer_text(reply), "no") << "who is not asked counts as one who fails";
    EXPECT_EQ(leg(reply, 2)["state"], "not_started");
}

TEST(budget, a_tie_that_nobody_is_paid_to_break_goes_to_the_first) {
    priced_models p;
    p.models.on("a", ok("red"));
    p.models.on("b", ok("blue"));
    p.models.on("s", ok("2"));
    const auto vote =
        "ballot = \"text\"\naggregation = \"plurality\"\ntie_break = \"judge\"\njudge = \"s\"";
    const gateway_process gateway(
        p.config({{"s", "output_usd_per_mtok = 1000"}}).voting("vote.v1", {"a", "b"}, vote)
    );

    const auto reply = chat(gateway, with(say("vote.v1"), allowed(0.02)));

    EXPECT_EQ(answer_text(reply), "red");
    EXPECT_EQ(p.models.call_count("s"), 0u);
    EXPECT_EQ(reply.json()["x_meta_model"]["tie_break"], "first");
    EXPECT_EQ(leg(reply, 2)["role"], "judge");
    EXPECT_EQ(leg(reply, 2)["state"], "not_started");
}

TEST(budget, the_drafts_are_cut_before_a_synthesis_is_given_up) {
    priced_models p;
    p.models.on(
        "a", ok(std::string(9000, 'x'))
    );  // in tokens of a kind that the estimate does not know
    p.models.on("b", ok(std::string(9000, 'y')));
    const gateway_process gateway(
        p.config({{"s", "input_usd_per_mtok = 10.0"}}).moa("panel.v1", {"a", "b"}, "s")
    );

    const auto reply = chat(gateway, with(say("panel.v1"), allowed(0.047)));

    EXPECT_EQ(answer_text(reply), "draft of s") << reply.body;
    EXPECT_EQ(reply.header("X-MetaModel-Synth-Decision"), "merged");
    EXPECT_LT(p.models.last_request("s").body.size(), 14'000u);
}

TEST(budget, a_limit_without_prices_is_warned_of) {
    priced_models p;
    const std::map<std::string, std::string> none{{"a", ""}, {"b", ""}, {"c", ""}, {"s", ""}};

    const auto checked =
        check_config(p.config(none).passthrough("fast.v1", "a", "max_cost_usd = 0.1"));
    const auto wrong = check_config(p.config().passthrough("fast.v1", "a", "max_cost_usd = -1"));

    EXPECT_EQ(checked.exit_code, 1);
    EXPECT_NE(checked.all().find("none of its upstreams has a price"), std::string::npos)
        << checked.all();
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_NE(wrong.all().find("max_cost_usd"), std::string::npos) << wrong.all();
}

}  // namespace

}  // namespace meta_model::contract
