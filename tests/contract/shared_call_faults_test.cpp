// Calls with several choices (`max_n`) whose upstream fails, refuses or says too much.
#include "contract/sampled_panel.hpp"

namespace meta_model::contract {

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

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

std::string choice_event(int index, const json& delta, const json& finish = nullptr) {
    const json choice = {{"index", index}, {"delta", delta}, {"finish_reason", finish}};
    return json{{"id", "x"}, {"choices", json::array({choice})}}.dump();
}

const std::string error_event = R"({"error":{"message":"out of memory","code":500}})";

TEST(shared_call_faults, an_error_behind_drafts_does_not_make_them_free) {
    sampled_panel p;
    p.models.on(
        "b",
        sse(
            {choice_event(0, {{"content", std::string(280, 'x')}}, "stop"),
             choice_event(1, {{"content", std::string(280, 'y')}}, "stop"),
             choice_event(2, {{"content", "z"}}),
             error_event}
        )
    );
    const gateway_process gateway(p.config(8, three_of_b, "min_drafts = 4"));

    const auto reply = chat(gateway, traced(say(panel_name)));

    EXPECT_EQ(answer_text(reply), "the fused answer") << reply.body;
    EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "3");
    EXPECT_EQ(failed_generators(reply), "b:non_2xx");
    const auto line = lines_of(reply, "b")[0];
    EXPECT_EQ(line["state"], "failed");
    EXPECT_EQ(line["usage_source"], "estimated");
    EXPECT_GT(line["tokens_in"], 0) << line;
    EXPECT_EQ(line["tokens_out"], 201) << "of 561 characters";
    EXPECT_EQ(reply.json()["x_meta_model"]["usage_source"], "estimated");
}

TEST(shared_call_faults, calls_and_reasoning_are_paid_for_too_and_usage_that_came_is_believed) {
    const json call = {
        {"index", 0}, {"id", "1"}, {"function", {{"name", "f"}, {"arguments", "{"}}}
    };
    const json usage = {{"prompt_tokens", 70}, {"completion_tokens", 5}, {"total_tokens", 75}};
    const auto told = json{{"id", "x"}, {"choices", json::array()}, {"usage", usage}}.dump();
    const auto failing = [](std::vector<std::string> events) {
        events.push_back(error_event);
        return sse(std::move(events));
    };
    sampled_panel p;
    const gateway_process gateway(p.config(1, R"(["a", "b"])", "min_drafts = 2"));
    const auto line_of_b = [&](const std::vector<std::string>& events) {
        p.models.on("b", failing(events));
        return lines_of(chat(gateway, traced(say(panel_name))), "b").at(0);
    };

    const auto calling = line_of_b({choice_event(0, {{"tool_calls", json::array({call})}})});
    const auto thinking = line_of_b({choice_event(0, {{"reasoning_content", "hm"}})});
    const auto telling = line_of_b({choice_event(0, {{"content", "a"}}), told});
    const auto refusing = line_of_b({choice_event(0, {{"role", "assistant"}, {"content", ""}})});

    EXPECT_GT(calling["tokens_in"], 0) << calling;
    EXPECT_GT(thinking["tokens_in"], 0) << thinking;
    EXPECT_EQ(telling["tokens_in"], 70) << telling;
    EXPECT_EQ(telling["tokens_out"], 5);
    EXPECT_EQ(refusing["tokens_in"], 0) << "nothing came: it was refused";
    EXPECT_EQ(refusing["usage_source"], "reported");
}

// Each of them may be as long as a reply of its own.
TEST(shared_call_faults, the_limit_of_a_reply_is_each_samples_own) {
    for (const char* streams : {"stream = true\n", "stream = false\n"}) {
        sampled_panel p;
        p.models.on("b", same_choices(std::string(20'000, 'x')));
        const gateway_process gateway(p.config(
            8,
            R"([{ upstream = "b", samples = 8 }])",
            "min_drafts = 8",
            std::string(streams) + "[upstreams.b.limits]\nmax_reply_bytes = 100_000"
        ));

        const auto reply = chat(gateway, say(panel_name));
        p.models.on("b", same_choices(std::string(120'000, 'x')));
        const auto too_large = chat(gateway, say(panel_name));

        EXPECT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(reply.header("X-MetaModel-Quorum"), "8") << streams;
        EXPECT_EQ(p.asked_choices(), (std::vector{8, 8}));
        expect_envelope(too_large, 502);
        EXPECT_EQ(count_of(failed_generators(too_large), "b:too_large"), 8u) << streams;
    }
}

}  // namespace

}  // namespace meta_model::contract
