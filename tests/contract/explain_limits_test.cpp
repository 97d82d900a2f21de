// `meta-model explain` beside the gateway: what a limit leaves out of a plan is what it leaves out of the request, and a plan
// that is refused is refused as the request is.
#include "contract/planned.hpp"
#include "contract/tool_words.hpp"

#include <set>

namespace meta_model::contract {

namespace {

struct planned_or_refused {
    int exit_code = 0;
    json plan{};
};

planned_or_refused explain(const planned& p, const json& body, const std::string& tables) {
    const auto done = p.run(body, {"--json"}, tables);
    return {done.exit_code, json::parse(done.standard_output)};
}

// Code and message, of a plan and of a reply.
std::pair<std::string, std::string> refusal_of(const planned_or_refused& e) {
    EXPECT_EQ(e.exit_code, 1) << e.plan;
    const auto& refusal = e.plan["refusal"];
    return refusal.is_null()
               ? std::pair<std::string, std::string>{}
               : std::pair<std::string, std::string>{refusal["code"], refusal["message"]};
}

std::pair<std::string, std::string> refusal_of(const http_reply& reply) {
    const auto body = reply.json();
    return {reply.error_code(), body.contains("error") ? body["error"].value("message", "") : ""};
}

// Of the calls that begin at once, in a plan or in a trace.
std::set<std::string> left_out(const json& calls) {
    const std::set<std::string> first{"generator", "voter", "step"};
    std::set<std::string> out;
    for (const auto& call : calls) {
        if (call.value("reason", "") == "cost_limit" && first.contains(call["role"])) {
            out.insert(call["role"].get<std::string>() + ' ' + call["upstream"].get<std::string>());
        }
    }
    return out;
}

const std::string more_profiles =
    "[upstreams.m]\nmodel_id = \"m\"\nmax_n = 4\ncontext = 8192\nmax_output = 1000\n"
    "base_url = \"http://127.0.0.1:1/v1\"\n[upstreams.m.pricing]\n"
    "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 4.0\n"
    "[profiles.\"samples.v1\"]\ntype = \"moa\"\nsynthesizer = \"s\"\n"
    "generators = [\"inner.v1\", { upstream = \"m\", samples = 4 }]\n"
    "[profiles.\"needy.v1\"]\ntype = \"moa\"\nsynthesizer = \"s\"\n"
    "generators = [\"a\", \"b\"]\nrequired_drafts = 2\n"
    "[profiles.\"strict.v1\"]\ntype = \"moa\"\nsynthesizer = \"s\"\n"
    "generators = [\"inner.v1\", \"b\"]\nrequired_drafts = 2\n"
    "[profiles.\"layers.v1\"]\ntype = \"moa\"\nsynthesizer = \"s\"\n"
    "generators = [\"inner.v1\", \"needy.v1\"]\n"
    "[profiles.\"careful.v1\"]\ntype = \"cascade\"\nupstreams = [\"needy.v1\", \"b\"]\n"
    "[profiles.\"lone.v1\"]\ntype = \"moa\"\nsynthesizer = \"s\"\ngenerators = [\"a\"]\n"
    "[profiles.\"beside.v1\"]\ntype = \"moa\"\nsynthesizer = \"s\"\n"
    "generators = [\"lone.v1\", \"inner.v1\"]\n"
    "[profiles.\"behind.v1\"]\ntype = \"cascade\"\nupstreams = [\"lone.v1\", \"b\"]\n"
    "[profiles.\"gated.v1\"]\ntype = \"cascade\"\non_cut = \"resume\"\n"
    "steps = [{ use = \"a\" }, { use = \"b\", accept = { judge = \"s\" } }]\n";

// They take what the others leave, wherever they stand in the list.
TEST(explain_limits, profiles_begin_behind_the_upstreams_beside_them) {
    const planned p;
    const gateway_process gateway(p.config(more_profiles));
    for (const double usd : {0.014, 0.016, 0.018, 0.02, 0.022, 0.024, 0.026, 0.03}) {
        const auto body = limited(say("outer.v1"), usd);
        const auto plan = p.plan(body, more_profiles)["calls"];

        const auto reply = chat(gateway, body);

        ASSERT_EQ(reply.status, 200) << reply.body;
        const auto legs = reply.json()["x_meta_model"]["legs"];
        EXPECT_EQ(legs[0]["upstream"], "inner.v1") << "the trace keeps to the configuration";
        EXPECT_EQ(legs[1]["state"], "done") << usd << reply.body;
        EXPECT_EQ(left_out(plan), left_out(legs)) << usd;
        const auto within = legs[0].value("legs", json::array());
        if (plan[0]["state"] == "planned") {
            EXPECT_EQ(left_out(plan[0]["plan"]["calls"]), left_out(within)) << usd;
        }
    }
}

TEST(explain_limits, a_call_with_several_answers_is_not_lost_to_a_profile_before_it) {
    planned p;
    p.models.on("m", complete_choices(std::vector(4, answer{.message = {{"content", "of m"}}})));
    auto config = p.config(more_profiles).text();
    config.replace(config.find("http://127.0.0.1:1/v1"), 21, p.models.base_url("m"));
    const gateway_process gateway(config);
    const auto body = limited(say("samples.v1"), 0.032);
    const auto plan = p.plan(body, more_profiles)["calls"];
    ASSERT_EQ(plan[1]["samples"], 4) << plan;

    const auto reply = chat(gateway, body);

    EXPECT_EQ(p.models.call_count("m"), 1u) << reply.body;
    EXPECT_EQ(p.models.last_request("m").json["n"], 4);
    EXPECT_EQ(left_out(plan), left_out(reply.json()["x_meta_model"]["legs"]));
}

TEST(explain_limits, a_profile_that_is_refused_keeps_nothing) {
    const planned p;
    const gateway_process gateway(p.config(more_profiles));
    const auto body = limited(say("careful.v1"), 0.006);

    const auto calls = p.plan(body, more_profiles)["calls"];
    const auto reply = chat(gateway, body);

    EXPECT_EQ(left_out(calls), (std::set<std::string>{"step needy.v1"})) << calls;
    EXPECT_EQ(calls[0]["plan"]["refusal"]["code"], "cost_limit_exceeded");
    EXPECT_EQ(calls[0]["plan"]["ceiling_usd"], 0.0) << "nothing of it is begun";
    EXPECT_EQ(answer_text(reply), "answer of b") << reply.body;
    EXPECT_EQ(p.models.call_count("a"), 0u);
}

// Whether they can be paid is known only when they begin.
TEST(explain_limits, profiles_count_among_the_drafts_that_are_required) {
    const planned p;
    const gateway_process gateway(p.config(more_profiles));
    const auto strict = limited(say("strict.v1"), 0.0135);
    const auto nothing = limited(say("layers.v1"), 0.001);

    const auto calls = p.plan(strict, more_profiles)["calls"];
    EXPECT_EQ(calls[1]["state"], "planned") << calls;
    expect_envelope(chat(gateway, strict), 502);
    EXPECT_EQ(p.models.call_count("b"), 1u);

    const auto refused = explain(p, nothing, more_profiles);
    EXPECT_EQ(refusal_of(refused), refusal_of(chat(gateway, nothing)));
}

TEST(explain_limits, one_draft_alone_may_need_the_synthesizer_too) {
    const planned p;
    const json form = {{"response_format", {{"type", "json_object"}}}};
    const auto tools = with(declaring({"f"}), {{"tool_choice", "required"}});
    const auto synthesis = [&](const json& body) {
        const auto plan = p.plan(body, more_profiles);
        EXPECT_NEAR(plan["ceiling_usd"].get<double>(), sum_of(plan), 1e-9);
        for (const auto& call : plan["calls"]) {
            if (call["role"] == "synthesizer") {
                return call;
            }
        }
        return json();
    };
    const auto in_form = with(say("lone.v1"), form);

    EXPECT_EQ(synthesis(in_form)["state"], "planned");
    EXPECT_EQ(synthesis(in_form).value("when", ""), "when the draft is not what is asked for");
    EXPECT_EQ(roles_of(p.plan(in_form, more_profiles)).back(), "repair s");
    EXPECT_EQ(synthesis(with(say("lone.v1"), tools))["state"], "planned");
    EXPECT_EQ(synthesis(say("lone.v1"))["state"], "not_started");
    EXPECT_FALSE(synthesis(say("lone.v1")).contains("reason")) << "nobody needs it";

    EXPECT_EQ(synthesis(limited(in_form, 0.006)).value("reason", ""), "cost_limit");

    // Two drafts do not fit beside a synthesis, but one and the synthesizer do.
    const auto lone = p.plan(in_form, more_profiles)["calls"];
    const auto both = lone[0]["ceiling_usd"].get<double>() + lone[1]["ceiling_usd"].get<double>();
    const auto tight = limited(with(say("inner.v1"), form), both + 0.0001);
    EXPECT_EQ(synthesis(tight)["state"], "planned");
    EXPECT_EQ(synthesis(limited(say("inner.v1"), both))["state"], "not_started");
    const gateway_process gateway(p.config(more_profiles));
    const auto reply = chat(gateway, tight);
    EXPECT_EQ(p.models.call_count("a"), 1u) << reply.body;
    EXPECT_EQ(p.models.call_count("b"), 0u);
    EXPECT_GE(p.models.call_count("s"), 1u);
}

// It is kept as long as the panel runs: from those beside it, not from those behind.
TEST(explain_limits, what_is_kept_for_a_synthesis_is_free_when_nobody_needed_it) {
    const planned p;
    const gateway_process gateway(p.config(more_profiles));
    for (const double usd : {0.016, 0.018, 0.02, 0.022, 0.024, 0.026, 0.028}) {
        const auto body = limited(say("beside.v1"), usd);
        const auto plan = p.plan(body, more_profiles)["calls"];
        const auto legs = chat(gateway, body).json()["x_meta_model"]["legs"];

        EXPECT_EQ(left_out(plan), left_out(legs)) << usd;
        if (plan[1]["state"] == "planned") {
            EXPECT_EQ(left_out(plan[1]["plan"]["calls"]), left_out(legs[1]["legs"])) << usd;
        }
    }
    const auto both = p.plan(say("behind.v1"), more_profiles)["ceiling_usd"].get<double>();
    const auto behind = p.plan(limited(say("behind.v1"), both + 0.001), more_profiles);
    EXPECT_EQ(left_out(behind["calls"]), std::set<std::string>{}) << behind;
}

// t1 and t2 have windows that forty tools do not fit into.
const std::string small_windows = [] {
    std::string out;
    for (const std::string name : {"t1", "t2"}) {
        out += "[upstreams." + name + "]\nmodel_id = \"" + name
               + "\"\ncontext = 1024\nmax_output = 100\nbase_url = \"http://127.0.0.1:1/v1\"\n"
                 "[upstreams." + name + ".pricing]\noutput_usd_per_mtok = 1.0\n";
    }
    return out + "[profiles.\"tiny.v1\"]\ntype = \"cascade\"\nupstreams = [\"t1\", \"t2\"]\n"
                 "[profiles.\"mixed.v1\"]\ntype = \"cascade\"\nupstreams = [\"t1\", \"a\"]\n"
                 "[profiles.\"judged.v1\"]\ntype = \"cascade\"\n"
                 "steps = [{ use = \"a\", accept = { judge = \"s\" } }]\n"
                 "[profiles.\"hidden.v1\"]\ntype = \"cascade\"\nupstreams = [\"inner.v1\", \"a\"]\n"
                 "[profiles.\"poll.v1\"]\ntype = \"voting\"\naggregation = \"plurality\"\n"
                 "ballot = \"tool_call\"\n"
                 "max_tokens = 1000\nupstreams = [\"t1\", \"a\"]\n"
                 "[profiles.\"nested_poll.v1\"]\ntype = \"voting\"\naggregation = \"majority\"\n"
                 "max_tokens = 1000\nupstreams = [\"inner.v1\", \"a\"]\n";
}();

json with_tools(const std::string& model) {
    json tools = json::array();
    for (int i = 0; i < 60; ++i) {
        const json function = {
            {"name", "tool_" + std::to_string(i)}, {"description", std::string(60, 'x')}
        };
        tools.push_back({{"type", "function"}, {"function", function}});
    }
    return with(say(model), {{"tools", tools}});
}

TEST(explain_limits, a_refused_plan_says_what_the_gateway_says) {
    const planned p;
    const gateway_process gateway(p.config(small_windows));
    const std::vector<std::pair<json, std::string>> requests{
        {with_tools("tiny.v1"), "context_length_exceeded"},
        {limited(with_tools("tiny.v1"), 0.5), "context_length_exceeded"},
        {limited(with_tools("tiny.v1"), 0), "context_length_exceeded"},
        {limited(with_tools("mixed.v1"), 0.001), "cost_limit_exceeded"},
        {limited(say("judged.v1"), 0.006), "cost_limit_exceeded"},
        {limited(say("hidden.v1"), 0.001), "cost_limit_exceeded"},
        {limited(say("vote.v1"), 0.00002), "cost_limit_exceeded"},
        {limited(say("nested_poll.v1"), 0.001), "cost_limit_exceeded"},
    };
    for (const auto& [body, code] : requests) {
        const auto refusal = refusal_of(explain(p, body, small_windows));

        EXPECT_EQ(refusal.first, code) << body["model"];
        EXPECT_EQ(refusal, refusal_of(chat(gateway, body))) << body["model"];
        EXPECT_EQ(refusal.second.find(" 0.000000000 "), std::string::npos) << refusal.second;
    }
    EXPECT_TRUE(p.models.requests().empty());
}

TEST(explain_limits, voters_that_cost_too_much_beside_one_too_small_refuse_nothing) {
    const planned p;
    const gateway_process gateway(p.config(small_windows));
    const auto body = limited(with_tools("poll.v1"), 0.001);

    const auto calls = p.plan(body, small_windows)["calls"];

    EXPECT_EQ(calls[0].value("reason", ""), "too_large") << calls;
    EXPECT_EQ(calls[1].value("reason", ""), "cost_limit") << calls;
    EXPECT_NE(chat(gateway, body).status, 402);
}

// A step is tried anew, with its gate, or continues a stream, which no gate sees: never both.
TEST(explain_limits, a_step_that_continues_a_stream_has_no_gate) {
    const planned p;
    const auto body = say_streamed("gated.v1");
    const auto plan = p.plan(body, more_profiles);
    const auto anew = p.plan(say("gated.v1"), more_profiles);

    EXPECT_EQ(roles_of(plan), (list{"step a", "step b", "gate s"}));
    EXPECT_GT(plan["calls"][1]["ceiling_usd"], anew["calls"][1]["ceiling_usd"]);
    const auto ceiling = plan["ceiling_usd"].get<double>();
    EXPECT_NEAR(ceiling, anew["ceiling_usd"].get<double>(), 0.0001);
    EXPECT_LT(ceiling, sum_of(plan) - 0.001);
    const auto enough = p.plan(limited(body, ceiling), more_profiles);
    EXPECT_EQ(left_out(enough["calls"]), std::set<std::string>{}) << enough;
    EXPECT_EQ(enough["ceiling_usd"], ceiling);
    const auto less = p.plan(limited(body, ceiling - 1e-6), more_profiles);
    EXPECT_EQ(left_out(less["calls"]), (std::set<std::string>{"step b"})) << less;
}

TEST(explain_limits, a_long_answer_is_read_again_as_far_as_it_is_kept) {
    const planned p;
    std::string tables;
    for (const std::string name : {"long", "longer"}) {
        tables += "[upstreams." + name + "]\nmodel_id = \"x\"\ncontext = 4_000_000\nmax_output = "
                  + (name == "long" ? "200_000" : "2_000_000")
                  + "\nbase_url = \"http://127.0.0.1:1/v1\"\n";
    }
    tables +=
        "[profiles.\"long.v1\"]\ntype = \"cascade\"\non_cut = \"resume\"\n"
        "upstreams = [\"long\", \"a\"]\n[profiles.\"longer.v1\"]\ntype = \"cascade\"\n"
        "on_cut = \"resume\"\nupstreams = [\"longer\", \"a\"]\n";
    const auto read = [&](const std::string& model) {
        return p.plan(say_streamed(model), tables)["calls"][1]["prompt_tokens"].get<int>();
    };

    EXPECT_GT(read("long.v1"), 260'000) << "200,000 tokens and the margin";
    EXPECT_GT(read("longer.v1"), read("long.v1"));
    EXPECT_LT(read("longer.v1"), 2'000'000) << "512 KiB, each byte six in JSON";
}

}  // namespace

}  // namespace meta_model::contract
