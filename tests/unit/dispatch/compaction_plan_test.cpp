// What an upstream gets of a conversation that does not fit: examples.
#include "unit/dispatch/planned_talk.hpp"

#include <algorithm>

namespace meta_model::dispatch {
namespace {

TEST(compaction_plan, what_fits_is_the_clients_own_bytes) {
    const talk t(joined({{says("system", "be brief")}, pairs(5, 100), {says("user", "so?")}}));
    const auto plan = t.plan({30256, 5680});
    ASSERT_EQ(plan.prompts.size(), 2u);
    for (const auto& p : plan.prompts) {
        EXPECT_EQ(p.edits, nullptr);
        EXPECT_EQ(p.compacted_chunks, 0);
        EXPECT_EQ(p.tokens, plan.tokens_in);
    }
}

TEST(compaction_plan, history_goes_and_the_system_text_stays) {
    const auto system = std::string(5600, 's');
    const talk t(joined({{says("system", system)}, pairs(60, 400), {says("user", "so?")}}));
    const auto plan = t.plan({30256, 5680});

    EXPECT_EQ(plan.prompts[0].edits, nullptr);
    EXPECT_GE(plan.prompts[1].compacted_chunks, 80);
    const auto small = t.sent(plan.prompts[1]);
    EXPECT_EQ(small.front(), says("system", system));
    EXPECT_EQ(small.back(), says("user", "so?"));
    EXPECT_EQ(small[1]["content"].get<std::string>().front(), '0') << "the opening stays";
    EXPECT_NE(small[3]["content"].get<std::string>().find("left out"), std::string::npos);
    EXPECT_EQ(tokens_of(small), plan.prompts[1].tokens);
    EXPECT_LE(tokens_of(small), 5680);
    EXPECT_GT(tokens_of(small), 5680 - 250);
}

TEST(compaction_plan, every_leading_system_message_is_protected) {
    const auto first = says("system", "the first");
    const auto second = says("developer", std::string(3000, 'd'));
    const talk t(joined({{first, second}, pairs(60, 400), {says("user", "so?")}}));
    const auto small = t.sent_one(3000);
    EXPECT_EQ(small[0], first);
    EXPECT_EQ(small[1], second);
}

TEST(compaction_plan, moa_162_a_huge_system_text_is_cut_to_fit) {
    const talk t({says("system", std::string(400000, 's')), says("user", "what is it?")});
    const auto plan = t.plan({2560});
    const auto small = t.sent(plan.prompts[0]);
    EXPECT_LE(tokens_of(small), 2560);
    EXPECT_GT(tokens_of(small), 2400);
    EXPECT_EQ(small.back(), says("user", "what is it?"));
}

TEST(compaction_plan, moa_164_a_large_window_keeps_what_a_small_one_cannot) {
    const auto system = says("system", std::string(50000, 's'));
    const talk t({system, says("user", "what is it?")});
    const auto plan = t.plan({30256, 2560});
    EXPECT_EQ(t.sent(plan.prompts[0])[0], system);
    EXPECT_LE(tokens_of(t.sent(plan.prompts[1])), 2560);
}

TEST(compaction_plan, moa_163_a_huge_text_keeps_what_fits) {
    const std::string huge(50000, 'h');
    const json part = {{"type", "text"}, {"text", huge}};
    const std::vector<json> newest{
        json::array({says("user", huge)}),
        json::array({{{"role", "user"}, {"content", json::array({part})}}}),
        {says("user", "go"), calls({{"c", json{{"text", huge}}.dump()}}), result("c", "done")},
        {says("user", "go"), calls({{"c", {{"text", huge}}}}), result("c", "done")},
        {says("user", "go"), calls({{"c", "no json " + huge}}), result("c", "done")},
    };
    for (const auto& messages : newest) {
        const talk t(messages);
        const auto plan = t.plan({2560});
        ASSERT_TRUE(plan.prompts[0].fits);
        const auto sent = t.sent(plan.prompts[0]);
        EXPECT_LE(tokens_of(sent), 2560);
        EXPECT_GT(tokens_of(sent), 2400) << sent.dump().substr(0, 400);
        EXPECT_EQ(tokens_of(sent), plan.prompts[0].tokens);
        EXPECT_EQ(sent.size(), messages.size());
    }
}

TEST(compaction_plan, the_question_stays_beside_a_huge_result) {
    const talk t(joined(
        {pairs(20, 400),
         {says("user", "what does the log say?"),
          calls({{"c", "{}"}}),
          result("c", std::string(90000, 'l'))}}
    ));
    const auto sent = t.sent_one(2560);
    EXPECT_EQ(sent[sent.size() - 3], says("user", "what does the log say?"));
    EXPECT_LE(tokens_of(sent), 2560);
}

TEST(compaction_plan, moa_159_results_of_no_call_go) {
    const json lost{{"role", "tool"}, {"content", "no id"}};
    const talk t(json::array(
        {result("x", "of nothing"),
         says("user", "go"),
         calls({{"c", "{}"}}),
         result("other", "not asked for"),
         result("c", "done"),
         lost,
         says("user", "so?"),
         result("c", "too late")}
    ));
    const auto sent = t.sent_one(10000);
    EXPECT_EQ(
        sent,
        json::array(
            {says("user", "go"), calls({{"c", "{}"}}), result("c", "done"), says("user", "so?")}
        )
    );
}

TEST(compaction_plan, a_call_without_a_result_gets_one) {
    const talk t(json::array(
        {says("user", "go"),
         calls({{"a", "{}"}, {"b", "{}"}}),
         result("b", "done"),
         says("user", "so?")}
    ));
    const auto plan = t.plan({10000});
    const auto sent = t.sent(plan.prompts[0]);
    ASSERT_EQ(sent.size(), 5u);
    EXPECT_EQ(sent[2]["role"], "tool");
    EXPECT_EQ(sent[2]["tool_call_id"], "a");
    EXPECT_EQ(sent[2]["name"], "f");
    EXPECT_EQ(sent[3], result("b", "done"));
    EXPECT_EQ(tokens_of(sent), plan.prompts[0].tokens);
}

TEST(compaction_plan, moa_160_text_of_an_assistant_at_the_end_goes) {
    const talk t(
        {says("user", "go"), says("assistant", "a"), result("x", "y"), says("assistant", "b")}
    );
    EXPECT_EQ(t.sent_one(10000), json::array({says("user", "go")}));
    const talk nothing(json::array({says("assistant", "Once upon")}));
    EXPECT_TRUE(nothing.plan({10000}).is_empty);
}

TEST(compaction_plan, a_notice_obeys_the_rule_of_a_leading_system_message) {
    const talk t(joined({{says("system", "brief")}, pairs(60, 400), {says("user", "so?")}}));
    const prompt_window window{.budget = 2000, .demotes_system = true};
    const auto plan = plan_prompts(t.request, 0, {&window, 1});
    const auto sent = t.sent(plan.prompts[0], true);
    EXPECT_EQ(sent[0]["role"], "system");
    const auto is_system = [](const json& m) { return m["role"] == "system"; };
    EXPECT_EQ(std::count_if(sent.begin(), sent.end(), is_system), 1);
    EXPECT_NE(sent.dump().find("[SYSTEM]: "), std::string::npos);
}

TEST(compaction_plan, moa_165_what_cannot_be_cut_does_not_fit) {
    json parts = json::array();
    for (int i = 0; i < 200; ++i) {
        parts.push_back({{"type", "text"}, {"text", std::string(200, 'p')}});
    }
    const talk t(json::array({{{"role", "user"}, {"content", parts}}}));
    const auto plan = t.plan({2560, 30256});
    EXPECT_FALSE(plan.prompts[0].fits);
    EXPECT_TRUE(plan.prompts[1].fits);
    EXPECT_EQ(plan.prompts[1].edits, nullptr);
    EXPECT_FALSE(talk(json::array({says("user", "hi")})).plan({0}).prompts[0].fits);
}

}  // namespace
}  // namespace meta_model::dispatch
