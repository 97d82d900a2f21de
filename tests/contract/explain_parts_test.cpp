// `meta-model explain` where more than one profile or table has a part: profiles within profiles, media, and what may be
// asked again.
#include "contract/planned.hpp"
#include "support/media_parts.hpp"

namespace meta_model::contract {

namespace {

TEST(explain_parts, a_profile_within_a_profile_has_a_plan_of_its_own) {
    const planned p;
    const auto outer = p.plan(say("outer.v1"));
    const auto& line = outer["calls"][0];
    const auto& inner = line["plan"];

    EXPECT_EQ(roles_of(outer), (list{"generator inner.v1", "generator b", "synthesizer s"}));
    EXPECT_EQ(roles_of(inner), (list{"generator a", "generator b", "synthesizer s"}));
    EXPECT_EQ(inner["profile"], "inner.v1");
    EXPECT_EQ(inner["strategy"], "moa");
    EXPECT_EQ(line["ceiling_usd"], inner["ceiling_usd"]);
    EXPECT_NEAR(inner["ceiling_usd"].get<double>(), sum_of(inner), 1e-9);
    EXPECT_NEAR(outer["ceiling_usd"].get<double>(), sum_of(outer), 1e-9);
    EXPECT_GT(outer["ceiling_usd"].get<double>(), 0.02) << "five calls and more to read";
    EXPECT_EQ(outer["calls"][1].contains("plan"), false);
}

TEST(explain_parts, it_has_its_share_of_the_time_and_of_the_money) {
    const planned p;
    auto body = limited(say("thrifty.v1"), 0.05);
    body["x_meta_model"]["deadline_ms"] = 100'000;
    const auto outer = p.plan(body);
    const auto& inner = outer["calls"][0]["plan"];

    EXPECT_EQ(outer["calls"][0]["time_ms"], 60'000) << "the rest is the synthesizer's";
    EXPECT_EQ(inner["calls"][0]["time_ms"], 36'000) << "and so is the rest of that";
    EXPECT_EQ(inner["calls"].back()["time_ms"], 60'000);
    EXPECT_EQ(outer["max_cost_usd"], 0.05);
    EXPECT_EQ(inner["max_cost_usd"], 0.012) << "its own limit";
    EXPECT_LE(inner["ceiling_usd"], 0.012);
    EXPECT_EQ(inner["calls"][1]["reason"], "cost_limit");
}

TEST(explain_parts, what_the_others_leave_is_what_it_may_cost) {
    const planned p;
    const auto outer = p.plan(limited(say("outer.v1"), 0.02));
    const auto& inner = outer["calls"][0]["plan"];

    EXPECT_LT(inner["max_cost_usd"], 0.012) << "the synthesizer and the other generator are paid";
    EXPECT_LE(outer["ceiling_usd"], 0.02);
    const auto nothing = p.plan(limited(say("outer.v1"), 0.0135));
    EXPECT_EQ(nothing["calls"][0]["state"], "not_started") << nothing;
    EXPECT_EQ(nothing["calls"][0]["reason"], "cost_limit");
    EXPECT_EQ(nothing["calls"][0]["plan"]["refusal"]["code"], "cost_limit_exceeded");
}

TEST(explain_parts, steps_and_voters_may_be_profiles_too) {
    const planned p;

    const auto steps = p.plan(say("steps.v1"));
    EXPECT_EQ(roles_of(steps), (list{"step a", "step inner.v1"}));
    EXPECT_EQ(roles_of(steps["calls"][1]["plan"]).size(), 3u);
    const auto votes = p.plan(say("vote.v1"));
    EXPECT_EQ(roles_of(votes), (list{"voter a", "voter inner.v1"}));
    EXPECT_NEAR(votes["ceiling_usd"].get<double>(), sum_of(votes), 1e-9);
    const auto text = p.run(say("steps.v1")).standard_output;
    EXPECT_NE(text.find("\nstep         inner.v1"), std::string::npos) << text;
    EXPECT_NE(text.find("\n  generator  a"), std::string::npos) << text;
    EXPECT_NE(text.find("when a gave no answer; a profile (moa)"), std::string::npos) << text;
}

// The limit at which everything is begun is the plan's ceiling, and not a micro-dollar less.
TEST(explain_parts, a_plans_ceiling_is_what_a_request_needs) {
    const planned p;
    for (const std::string model : {"inner.v1", "outer.v1"}) {
        const auto body = say(model);
        const auto ceiling = p.plan(body)["ceiling_usd"].get<double>();
        const gateway_process gateway(p.config(""));
        const auto left_out = [&](double usd) {
            const auto reply = chat(gateway, limited(body, usd));
            EXPECT_EQ(reply.status, 200) << reply.body;
            return reply.body.find("not_started") != std::string::npos;
        };

        EXPECT_FALSE(left_out(ceiling)) << model;
        EXPECT_TRUE(left_out(ceiling - 1e-6)) << model;
        EXPECT_EQ(sum_of(p.plan(limited(body, ceiling))), ceiling) << model;
        EXPECT_LT(sum_of(p.plan(limited(body, ceiling - 1e-6))), ceiling - 1e-6) << model;
    }
}

TEST(explain_parts, an_answer_in_a_form_may_be_written_twice) {
    const planned p;
    const auto body = with(say("inner.v1"), {{"response_format", {{"type", "json_object"}}}});

    const auto plan = p.plan(body);

    EXPECT_EQ(roles_of(plan).back(), "repair s");
    const auto& repair = plan["calls"].back();
    EXPECT_EQ(repair["when"], "when the answer is not in the form that is asked for");
    EXPECT_GT(repair["prompt_tokens"], 1000) << "it is shown the answer";
    const auto ceiling = plan["ceiling_usd"].get<double>();
    const auto less = p.plan(limited(body, ceiling - 1e-6));
    EXPECT_EQ(less["calls"].back()["reason"], "cost_limit") << "it comes last";
    EXPECT_EQ(roles_of(p.plan(say("inner.v1"))).back(), "synthesizer s");
}

TEST(explain_parts, a_step_that_may_continue_a_stream_reads_what_was_sent) {
    const planned p;
    const auto streamed = p.plan(say_streamed("resumed.v1"));
    const auto whole = p.plan(say("resumed.v1"));

    EXPECT_EQ(times_of(streamed), (list{"at once", "when a gave no answer, or to continue it"}));
    EXPECT_EQ(times_of(whole), (list{"at once", "when a gave no answer"}));
    EXPECT_GT(
        streamed["calls"][1]["prompt_tokens"].get<int>(),
        whole["calls"][1]["prompt_tokens"].get<int>() + 1000
    );
    const auto tight = p.plan(limited(say_streamed("resumed.v1"), 0.0086));
    EXPECT_EQ(times_of(tight)[1], "when a gave no answer") << "continuing it costs too much";
}

TEST(explain_parts, samples_that_share_a_call_are_one_line) {
    const planned p;
    const std::string more =
        "[upstreams.m]\nmodel_id = \"m\"\nmax_n = 4\ncontext = 8192\nmax_output = 100\n"
        "base_url = \"http://127.0.0.1:1/v1\"\n[upstreams.m.pricing]\n"
        "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0\n[profiles.\"samples.v1\"]\n"
        "type = \"moa\"\nsynthesizer = \"s\"\ngenerators = [{ upstream = \"m\", samples = 5 }]";
    const auto body = say("samples.v1", std::string(2000, 'w'));

    const auto plan = p.plan(body, more);
    const auto& shared = plan["calls"][0];
    const auto& alone = plan["calls"][1];

    EXPECT_EQ(roles_of(plan), (list{"generator m", "generator m", "synthesizer s"}));
    EXPECT_EQ(shared["samples"], 4);
    EXPECT_EQ(shared["output_tokens"], 400);
    EXPECT_FALSE(alone.contains("samples"));
    EXPECT_EQ(alone["output_tokens"], 100);
    EXPECT_NEAR(
        shared["ceiling_usd"].get<double>() - alone["ceiling_usd"].get<double>(), 0.0012, 0.00001
    ) << "the prompt is paid once";
    const auto limit =
        plan["ceiling_usd"].get<double>() - alone["ceiling_usd"].get<double>() - 0.001;
    const auto less = p.plan(limited(body, limit), more);
    EXPECT_EQ(less["calls"][0]["samples"], 2) << less;
    EXPECT_EQ(less["calls"][1]["state"], "not_started");
    const auto text = p.run(body, {}, more).standard_output;
    EXPECT_NE(text.find("at once, 4 answers by one call\n"), std::string::npos) << text;
}

const auto image_body = [](const std::string& model) {
    return json{
        {"model", model},
        {"messages", json::array({user_parts({text_part("What?"), image_part()})})}
    };
};

TEST(explain_parts, media_go_to_the_upstreams_of_a_table) {
    const planned p;
    const std::string table =
        "[vision]\nendpoints = [\"w\", \"a2\", \"v\"]\n"
        "[upstreams.a2]\nmodel_id = \"a2\"\nmodalities = [\"text\", \"image\"]\n"
        "context = 8192\nmax_output = 10\nbase_url = \"http://127.0.0.1:1/v1\"";

    const auto plan = p.plan(image_body("outer.v1"), table);

    EXPECT_EQ(plan["strategy"], "multimodal");
    EXPECT_EQ(plan["route"]["table"], "vision");
    EXPECT_EQ(plan["route"]["two_stage"], false);
    EXPECT_EQ(plan["route"]["endpoints"], (json{"w", "a2", "v"}));
    EXPECT_EQ(roles_of(plan), (list{"step w", "step a2", "step v"}));
    EXPECT_EQ(times_of(plan)[2], "when a2 gave no answer");
    EXPECT_FALSE(p.plan(say("outer.v1"), table).contains("route"));
    const auto text = p.run(image_body("outer.v1"), {}, table).standard_output;
    EXPECT_NE(text.find("media: [vision] asks w, then a2, then v\n"), std::string::npos) << text;
    const auto refused = p.run(image_body("outer.v1"));
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.standard_output.find("501 vision_not_supported"), std::string::npos);
}

TEST(explain_parts, images_may_be_described_for_the_panel) {
    const planned p;
    const std::string table =
        "[vision]\nendpoints = [\"v\", \"w\"]\ntwo_stage = true\n"
        "describe_max_tokens = 500";

    const auto plan = p.plan(image_body("inner.v1"), table);

    EXPECT_EQ(plan["route"]["two_stage"], true);
    EXPECT_EQ(
        roles_of(plan),
        (list{
            "describer v",
            "describer w",
            "generator a",
            "generator b",
            "synthesizer s",
            "step v",
            "step w"
        })
    );
    const auto when = times_of(plan);
    EXPECT_EQ(when[1], "when v gave no description");
    EXPECT_EQ(when[2], "when the images are described");
    EXPECT_EQ(when[5], "when nobody describes the images");
    EXPECT_EQ(plan["calls"][0]["output_tokens"], 500);
    EXPECT_GT(plan["calls"][2]["prompt_tokens"], 600) << "the description is part of it";
    EXPECT_EQ(plan["calls"][0]["time_ms"], 120'000);
    EXPECT_EQ(plan["calls"][2]["time_ms"], 240'000);
    // Either the panel answers or the route does: the panel is dearer.
    double route = 0;
    for (const auto* call : {&plan["calls"][5], &plan["calls"][6]}) {
        route += (*call)["ceiling_usd"].get<double>();
    }
    EXPECT_NEAR(plan["ceiling_usd"].get<double>(), sum_of(plan) - route, 1e-9);
    const auto limit = plan["ceiling_usd"].get<double>();
    EXPECT_EQ(p.plan(limited(image_body("inner.v1"), limit), table)["ceiling_usd"], limit);
}

}  // namespace

}  // namespace meta_model::contract
