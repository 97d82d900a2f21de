// What samples that share a call may cost: the prompt once, each answer as it fits.
#include "contract/sampled_panel.hpp"

namespace meta_model::contract {

namespace {

// Of each call: a few hundred tokens of prompt for less than 0.001, and of each answer up to 1,000 for 0.004 dollars.
config_text priced(const sampled_panel& p, const std::string& profile) {
    config_text out(p.models);
    for (const std::string name : {"b", "s"}) {
        out.upstream(
            name,
            "max_output = 1000\nmax_n = 8\n[upstreams." + name
                + ".pricing]\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0"
        );
    }
    return out.raw("[features]\nvoting = true\n[profiles.\"panel.v1\"]\n" + profile);
}

constexpr auto priced_moa =
    "type = \"moa\"\nsynthesizer = \"s\"\nmin_drafts = 4\n"
    "generators = [{ upstream = \"b\", samples = 4 }]";
constexpr auto priced_vote =
    "type = \"voting\"\naggregation = \"majority\"\nmax_tokens = 1000\n"
    "upstreams = [{ upstream = \"b\", samples = 4 }]";

json allowed(double usd) {
    return {{"x_meta_model", {{"max_cost_usd", usd}, {"trace", true}}}};
}

TEST(shared_call_costs, a_cost_limit_takes_samples_from_the_call) {
    sampled_panel p;
    const gateway_process gateway(priced(p, priced_moa));

    const auto all = chat(gateway, with(say(panel_name), allowed(0.032)));
    const auto some = chat(gateway, with(say(panel_name), allowed(0.017)));
    const auto lone = chat(gateway, with(say(panel_name), allowed(0.0055)));

    EXPECT_EQ(all.header("X-MetaModel-Quorum"), "4") << all.body;
    EXPECT_EQ(some.header("X-MetaModel-Quorum"), "2") << some.body;
    EXPECT_EQ(failed_generators(some), "b:cost,b:cost");
    EXPECT_EQ(lone.header("X-MetaModel-Quorum"), "1") << lone.body;
    std::vector<int> asked;
    for (const auto& r : p.models.requests("b")) {
        asked.push_back(r.json.value("n", 1));
    }
    EXPECT_EQ(asked, (std::vector{4, 2, 1}));
    const auto left_out = lines_of(some, "b");
    ASSERT_EQ(left_out.size(), 3u) << left_out;
    EXPECT_EQ(left_out[0]["samples"], 2);
    EXPECT_EQ(left_out[1]["state"], "not_started");
    EXPECT_EQ(left_out[2]["reason"], "cost_limit");
}

TEST(shared_call_costs, too_little_for_one_sample_is_402) {
    for (const char* profile : {priced_moa, priced_vote}) {
        sampled_panel p;
        const gateway_process gateway(priced(p, profile));

        expect_error(
            chat(gateway, with(say(panel_name), allowed(0.004))),
            {402, "insufficient_quota", "cost_limit_exceeded", "x_meta_model.max_cost_usd"}
        );
        EXPECT_EQ(p.asked_choices(), std::vector<int>{});
    }
}

TEST(shared_call_costs, a_cost_limit_takes_ballots_from_the_call) {
    sampled_panel p;
    p.models.on("b", same_choices("yes"));
    const gateway_process gateway(priced(p, priced_vote));

    const auto reply = chat(gateway, with(say(panel_name), allowed(0.0135)));

    EXPECT_EQ(reply.header("X-MetaModel-Verdict"), "yes") << reply.body;
    EXPECT_EQ(p.asked_choices(), std::vector{3});
    EXPECT_EQ(reply.header("X-MetaModel-Vote-Failures"), "1");
}

}  // namespace

}  // namespace meta_model::contract
