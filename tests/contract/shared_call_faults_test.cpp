// Calls with several choices (`max_n`) whose upstream fails, refuses or says too much.
#include "contract/sampled_panel.hpp"

namespace meta_model::contract {

namespace {

// Such an upstream has answered before the next call begins.
std::string simulated(const std::string& name, const std::string& lines) {
    return "[upstreams." + name + "]\nmodel_id = \"" + name
           + "\"\nprotocol = \"test\"\ncontext = 8192\nmax_output = 100\nmax_n = 4\n[upstreams."
           + name + ".test]\nfirst_token_ms = 0\nchunk_ms = 0\n" + lines;
}

TEST(shared_call_faults, a_call_that_is_refused_at_once_is_asked_singly_and_nobody_else_twice) {
    const fake_upstream none;
    config_text config(none);
    config.raw(simulated("b", "fail = \"status\"\nstatus = 400\n"))
        .raw(simulated("c", ""))
        .raw(
            "[profiles.\"alone.v1\"]\ntype = \"moa\"\nsynthesizer = \"c\"\n"
            "generators = [{ upstream = \"b\", samples = 2 }]"
        )
        .raw(
            "[profiles.\"panel.v1\"]\ntype = \"moa\"\nsynthesizer = \"c\"\n"
            "generators = [{ upstream = \"b\", samples = 2 }, \"c\"]"
        );
    const gateway_process gateway(config);

    const auto reply = chat(gateway, traced(say(panel_name)));
    const auto failed = chat(gateway, say("alone.v1"));

    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "3");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "1");
    EXPECT_EQ(failed_generators(reply), "b:non_2xx,b:non_2xx");
    EXPECT_EQ(lines_of(reply, "b").size(), 3u) << "together, then each";
    EXPECT_EQ(lines_of(reply, "c").size(), 1u);
    expect_envelope(failed, 502);
    const auto metrics = get(gateway, "/metrics").body;
    EXPECT_NE(
        metrics.find(R"(upstream_calls_total{upstream="b",outcome="non_2xx"} 6)"), std::string::npos
    ) << metrics;
}

}  // namespace

}  // namespace meta_model::contract
