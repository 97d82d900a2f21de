// `meta-model explain`: the plan of a request that is not made.
#include "contract/contract_test.hpp"

namespace meta_model::contract {

namespace {

struct explained {
    fake_upstream models{};
    temporary_folder folder{};
    std::string file;

    explained() {
        config_text out(models);
        for (const std::string name : {"a", "b", "s"}) {
            out.upstream(
                name,
                "max_output = 1000\n[upstreams." + name
                    + ".pricing]\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0"
            );
        }
        out.moa("panel.v1", {"a", "b"}, "s", "max_cost_usd = 0.05")
            .moa("small.v1", {"a", "b"}, "s", "max_cost_usd = 0.01")
            .passthrough("fast.v1", "a")
            .raw(
                "[profiles.\"steps.v1\"]\ntype = \"cascade\"\nsteps = [{ use = \"a\", accept = { "
                "judge = "
                "\"s\" } }, { use = \"b\" }]"
            )
            .voting(
                "vote.v1",
                {"a", "b"},
                "tie_break = \"judge\"\njudge = \"s\"\naggregation = \"majority\""
            )
            .raw("[features]\nvoting = true");
        file = folder.write("meta-model.toml", out.text());
    }

    finished_run run(std::vector<std::string> more) const {
        std::vector<std::string> all{"explain", "--config", file};
        all.insert(all.end(), more.begin(), more.end());
        return run_gateway({all, {}, {}});
    }

    json plan(const std::string& profile, std::vector<std::string> more = {}) const {
        more.insert(more.end(), {"--profile", profile, "--json"});
        const auto done = run(more);
        EXPECT_EQ(done.exit_code, 0) << done.all();
        return json::parse(done.standard_output);
    }
};

std::vector<std::string> roles_of(const json& plan) {
    std::vector<std::string> out;
    for (const auto& call : plan["calls"]) {
        out.push_back(call["role"].get<std::string>() + ' ' + call["upstream"].get<std::string>());
    }
    return out;
}

TEST(explain, a_plan_names_every_call_in_order) {
    const explained e;
    using list = std::vector<std::string>;

    EXPECT_EQ(roles_of(e.plan("fast.v1")), (list{"relay a"}));
    EXPECT_EQ(roles_of(e.plan("panel.v1")), (list{"generator a", "generator b", "synthesizer s"}));
    EXPECT_EQ(roles_of(e.plan("steps.v1")), (list{"step a", "gate s", "step b"}));
    EXPECT_EQ(roles_of(e.plan("vote.v1")), (list{"voter a", "voter b", "judge s"}));
    EXPECT_EQ(e.models.requests().size(), 0u) << "nobody is called";
}

TEST(explain, sizes_and_prices_grow_with_the_prompt) {
    const explained e;

    const auto small = e.plan("fast.v1", {"--prompt-bytes", "100"});
    const auto large = e.plan("fast.v1", {"--prompt-bytes", "28000"});

    EXPECT_GT(large["calls"][0]["prompt_tokens"], 13'000);
    EXPECT_LT(large["calls"][0]["prompt_tokens"], 13'500);
    EXPECT_EQ(large["calls"][0]["output_tokens"], 1000);
    EXPECT_EQ(large["calls"][0]["window_tokens"], 32768);
    EXPECT_EQ(large["calls"][0]["time_ms"], 590'000);
    EXPECT_NEAR(large["ceiling_usd"].get<double>(), 0.0171, 0.0005);
    EXPECT_LT(small["ceiling_usd"], large["ceiling_usd"]);
    EXPECT_TRUE(small["max_cost_usd"].is_null());
}

TEST(explain, what_would_not_be_started_is_told) {
    const explained e;
    const auto plan = e.plan("small.v1");

    EXPECT_EQ(plan["calls"][0]["state"], "planned");
    EXPECT_EQ(plan["calls"][1]["state"], "not_started");
    EXPECT_EQ(plan["calls"][1]["reason"], "cost_limit");
    EXPECT_EQ(plan["calls"][2]["state"], "not_started");
    EXPECT_LE(plan["ceiling_usd"], plan["max_cost_usd"]);
    EXPECT_TRUE(plan["refusal"].is_null());
}

TEST(explain, a_body_is_taken_as_a_client_would_send_it) {
    const explained e;
    auto body = say("fast.v1");
    body["x_meta_model"] = {{"max_cost_usd", 0.0001}};
    const auto file = e.folder.write("body.json", body.dump());

    const auto refused = e.run({"--body", file});
    const auto other = e.run({"--body", file, "--profile", "vote.v1"});

    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.standard_output.find("402 cost_limit_exceeded"), std::string::npos)
        << refused.all();
    EXPECT_NE(other.standard_output.find("vote.v1 (voting)"), std::string::npos) << other.all();
}

TEST(explain, mistakes_are_told) {
    const explained e;
    const auto garbage = e.folder.write("garbage.json", "{\"model\":");

    EXPECT_EQ(e.run({}).exit_code, 2) << "neither profile nor body";
    EXPECT_EQ(e.run({"--profile", "a", "--prompt-bytes", "many"}).exit_code, 2);
    EXPECT_EQ(e.run({"--profile", "a", "--prompt-bytes", "5", "--body", garbage}).exit_code, 2);
    EXPECT_EQ(run_gateway({{"check", "--profile", "a"}, {}, {}}).exit_code, 2);
    EXPECT_EQ(e.run({"--profile", "nobody"}).exit_code, 1);
    EXPECT_EQ(e.run({"--body", garbage}).exit_code, 1);
    EXPECT_EQ(e.run({"--body", "/nowhere.json"}).exit_code, 1);
}

}  // namespace

}  // namespace meta_model::contract
