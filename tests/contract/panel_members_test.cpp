// Generators and voters with options of their own: weight, samples, temperature, and whether there is an answer without
// them.
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"

#include <algorithm>
#include <set>

namespace meta_model::contract {

namespace {

// A panel whose generators are `list`, in TOML.
config_text config_of(panel& p, const std::string& list, const std::string& lines = "") {
    auto out = config_text(p.models);
    out.upstreams({"a", "b", "c", "s"})
        .raw(
            "[profiles.\"panel.v1\"]\ntype = \"moa\"\nsynthesizer = \"s\"\ngenerators = " + list
            + "\n" + lines
        );
    return out;
}

std::vector<json> requests_to(const panel& p, const std::string& name) {
    std::vector<json> out;
    for (const auto& each : p.models.requests()) {
        if (each.upstream == name) {
            out.push_back(each.json);
        }
    }
    return out;
}

TEST(panel_members, samples_are_calls_of_their_own) {
    panel p;
    const gateway_process gateway(config_of(
        p, R"(["a", { upstream = "b", samples = 3, temperature = 1.1 }])", "min_drafts = 4"
    ));

    const auto reply = chat(gateway, with(say(panel_name), {{"seed", 7}}));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_EQ(reply.header("X-MetaModel-Generators"), "4");
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "4");
    std::set<int> seeds;
    for (const auto& each : requests_to(p, "b")) {
        EXPECT_EQ(each["temperature"], 1.1);
        seeds.insert(each["seed"].get<int>());
    }
    EXPECT_EQ(seeds, (std::set{7, 8, 9})) << "the same seed would draw the same draft";
    EXPECT_EQ(p.models.last_request("a").json["temperature"], 0.7);
    EXPECT_EQ(p.models.last_request("a").json["seed"], 7);
}

TEST(panel_members, one_model_asked_several_times_is_a_panel) {
    panel p;
    const gateway_process gateway(config_of(p, R"([{ upstream = "s", samples = 2 }])"));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(p.models.call_count("s"), 3u) << "two drafts and a synthesis";
    EXPECT_EQ(decision_of(reply), "merged");
}

TEST(panel_members, a_required_draft_is_waited_for) {
    panel p;
    const auto gate = make_gate();
    p.models.on("c", held(gate, ok("this is the draft of c")));
    const gateway_process gateway(config_of(
        p, R"(["a", "b", { upstream = "c", required = true }])", "grace_secs = 0.0\nmin_drafts = 1"
    ));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say(panel_name).dump())));
    ASSERT_TRUE(p.models.wait_for_calls("c", 1));

    const auto is_merging = [&] { return p.models.call_count("s") > 0; };
    EXPECT_FALSE(p.models.wait_until(is_merging, 300ms)) << "there is no grace, it is waited for";
    gate->open();

    EXPECT_EQ(answer_text(client.read_reply()), "the fused answer");
    EXPECT_NE(p.added_text().find("draft of c"), std::string::npos);
}

TEST(panel_members, without_a_required_draft_the_request_fails_at_once) {
    panel p;
    p.models.on("a", hang());
    p.models.on("b", hang());
    p.models.on("c", reset_at_once());
    const gateway_process gateway(config_of(p, R"(["a", "b", { upstream = "c", required = true }])")
    );

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(reply.status, 502);
    EXPECT_EQ(reply.json()["error"]["code"], "insufficient_drafts");
    EXPECT_NE(reply.body.find("'c'"), std::string::npos) << reply.body;
    EXPECT_EQ(p.models.call_count("s"), 0u);
}

TEST(panel_members, a_required_draft_that_comes_too_late_fails_the_request_too) {
    panel p;
    p.models.on("c", hang());
    const gateway_process gateway(config_of(
        p, R"(["a", "b", { upstream = "c", required = true }])", "panel_timeout_secs = 0.5"
    ));

    const auto reply = chat(gateway, say(panel_name));

    EXPECT_EQ(reply.status, 502);
    EXPECT_EQ(reply.json()["error"]["code"], "insufficient_drafts");
    EXPECT_EQ(failed_generators(reply), "");
}

TEST(panel_members, weights_count_where_calls_are_voted_on) {
    panel p;
    p.models.on("a", complete(calling({"g"}, "{}", "a")));
    p.models.on("b", complete(calling({"f"}, "{}", "b")));
    p.models.on("c", complete(calling({"f"}, "{}", "c")));
    const gateway_process gateway(config_of(
        p, R"([{ upstream = "a", weight = 2.5 }, "b", "c"])", "synthesis_mode = \"best-of\""
    ));

    const auto reply = chat(gateway, with(say(panel_name), declaring({"f", "g"})));

    EXPECT_EQ(called(reply), names{"g"});
}

TEST(panel_members, a_voter_has_a_temperature_of_its_own) {
    panel p;
    for (const char* name : {"a", "b"}) {
        p.models.on(name, ok("yes"));
    }
    auto config = p.config();
    config.raw(
        "[features]\nvoting = true\n[profiles.\"vote.v1\"]\ntype = \"voting\"\n"
        "aggregation = \"majority\"\n"
        "upstreams = [\"a\", { upstream = \"b\", temperature = 0.4 }]"
    );
    const gateway_process gateway(config);

    EXPECT_EQ(chat(gateway, say("vote.v1")).status, 200);

    EXPECT_EQ(p.models.last_request("a").json["temperature"], 0.0);
    EXPECT_EQ(p.models.last_request("b").json["temperature"], 0.4);
}

}  // namespace

}  // namespace meta_model::contract
