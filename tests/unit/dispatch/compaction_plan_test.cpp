// What an upstream gets of a conversation that does not fit: examples, and rules that hold for any conversation.
#include "dispatch/compaction_plan.hpp"
#include "dispatch/prompt_budget.hpp"
#include "upstream/prepare.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <random>
#include <set>

namespace meta_model::dispatch {
namespace {

using nlohmann::json;

// An estimate that shares no code with the one under test.
std::int64_t tokens_of_text(const std::string& text) {
    return static_cast<std::int64_t>((text.size() * 10 + 27) / 28);
}

std::int64_t tokens_of_message(const json& m) {
    std::string content;
    if (m.contains("content") && m["content"].is_string()) {
        content = m["content"];
    } else if (m.contains("content") && m["content"].is_array()) {
        bool is_first = true;
        for (const auto& part : m["content"]) {
            content += (is_first ? "" : "\n") + part.at("text").get<std::string>();
            is_first = false;
        }
    }
    auto out = tokens_of_text(content) + tokens_of_text(m.at("role")) + 4;
    for (const auto& call : m.value("tool_calls", json::array())) {
        const auto& f = call.at("function");
        const auto& a = f.at("arguments");
        out += tokens_of_text(f.at("name"))
               + tokens_of_text(a.is_string() ? a.get<std::string>() : a.dump()) + 10;
    }
    return out;
}

std::int64_t tokens_of(const json& messages) {
    std::int64_t out = 0;
    for (const auto& m : messages) {
        out += tokens_of_message(m);
    }
    return out;
}

struct talk {
    explicit talk(const json& messages)
        : body(json{{"model", "m"}, {"messages", messages}, {"seed", 7}}.dump()) {
        EXPECT_TRUE(request.parse(body, 64)) << body;
    }

    // For windows with these budgets.
    prompt_plan plan(const std::vector<std::int64_t>& budgets) const {
        std::vector<prompt_window> windows;
        for (const auto b : budgets) {
            windows.push_back({.budget = b});
        }
        return plan_prompts(request, 0, windows);
    }

    // The messages that an upstream gets, out of the bytes that would be sent.
    json sent(const leg_prompt& prompt, bool demotes = false) const {
        config::upstream u;
        u.model_id = "m";
        u.requires_leading_system_only = demotes;
        upstream::body_changes changes;
        changes.messages = prompt.edits;
        upstream::prepared_body out;
        out.prepare(request, u, changes);
        std::string text;
        for (const auto piece : out.pieces()) {
            text += piece;
        }
        EXPECT_TRUE(json::accept(text)) << text.substr(0, 2000);
        return json::parse(text).at("messages");
    }

    json sent_one(std::int64_t budget) const { return sent(plan({budget}).prompts.front()); }

    std::string body;
    api::chat_request request;
};

json says(const std::string& role, const std::string& text) {
    return {{"role", role}, {"content", text}};
}

json calls(const std::vector<std::pair<std::string, json>>& ids_and_arguments) {
    json list = json::array();
    for (const auto& [id, arguments] : ids_and_arguments) {
        list.push_back(
            {{"id", id},
             {"type", "function"},
             {"function", {{"name", "f"}, {"arguments", arguments}}}}
        );
    }
    return {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", list}};
}

json result(const std::string& id, const std::string& text) {
    return {{"role", "tool"}, {"tool_call_id", id}, {"content", text}};
}

json pairs(int count, std::size_t bytes) {
    json out = json::array();
    for (int i = 0; i < count; ++i) {
        out.push_back(says("user", std::to_string(i) + std::string(bytes, 'q')));
        out.push_back(says("assistant", std::to_string(i) + std::string(bytes, 'a')));
    }
    return out;
}

json joined(std::initializer_list<json> parts) {
    json out = json::array();
    for (const auto& part : parts) {
        for (const auto& m : part) {
            out.push_back(m);
        }
    }
    return out;
}

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

// Conversations of any kind, well-formed or not.
class random_talk {
public:
    explicit random_talk(unsigned seed) : random_(seed) {}

    json messages() {
        json out = json::array();
        for (auto n = below(3); n > 0; --n) {
            out.push_back(says(below(2) == 0 ? "system" : "developer", text(4000)));
        }
        for (auto n = below(60); n > 0; --n) {
            add_one(out);
        }
        out.push_back(says("user", text(below(4) == 0 ? 20000 : 300)));
        if (below(3) == 0) {
            add_calls(out);
        }
        if (below(8) == 0) {
            out.push_back(says("assistant", text(500)));
        }
        return out;
    }

    std::vector<std::int64_t> budgets() {
        std::vector<std::int64_t> out;
        for (auto n = 1 + below(3); n > 0; --n) {
            out.push_back(static_cast<std::int64_t>(600 + below(9000)));
        }
        return out;
    }

private:
    std::size_t below(std::size_t n) { return random_() % n; }

    std::string text(std::size_t most) {
        static const std::vector<std::string> words{
            "plain ", "größer ", "€", "😀", "\n", "\"", "\\", "\t{\"a\":1}"
        };
        const auto bytes = below(below(6) == 0 ? most : most / 10 + 1);
        std::string out;
        while (out.size() < bytes) {
            out += words[below(words.size())];
        }
        return out;
    }

    json arguments() {
        switch (below(4)) {
            case 0: return text(6000);
            case 1: return json{{"path", "x"}, {"body", text(9000)}, {"n", 3}}.dump();
            case 2: return {{"body", text(6000)}};
            default: return "{}";
        }
    }

    void add_calls(json& out) {
        std::vector<std::pair<std::string, json>> made;
        for (auto n = 1 + below(3); n > 0; --n) {
            made.emplace_back("c" + std::to_string(count_++), arguments());
        }
        out.push_back(calls(made));
        for (const auto& [id, ignored] : made) {
            if (below(6) == 0) {
                out.push_back(result("stray" + std::to_string(below(9)), "?"));
            }
            if (below(8) != 0) {
                out.push_back(result(id, text(9000)));
            }
        }
    }

    void add_one(json& out) {
        switch (below(9)) {
            case 0: add_calls(out); break;
            case 1: out.push_back(result("stray", text(200))); break;
            case 2: out.push_back(says("system", text(500))); break;
            case 3:
                out.push_back(
                    {{"role", "user"},
                     {"content",
                      {{{"type", "text"}, {"text", text(3000)}},
                       {{"type", "text"}, {"text", text(300)}}}}}
                );
                break;
            case 4:
            case 5: out.push_back(says("assistant", text(2000))); break;
            default: out.push_back(says("user", text(2000)));
        }
    }

    std::mt19937 random_;
    int count_ = 0;
};

// Every result follows its call, and every call has its result before anything else is said.
void expect_paired(const json& messages) {
    std::set<std::string> open;
    std::set<std::string> known;
    for (const auto& m : messages) {
        if (m["role"] == "tool") {
            ASSERT_TRUE(known.contains(m.at("tool_call_id"))) << "an orphan";
            open.erase(m["tool_call_id"].get<std::string>());
            continue;
        }
        EXPECT_TRUE(open.empty()) << "a call without a result";
        open.clear();
        known.clear();
        for (const auto& call : m.value("tool_calls", json::array())) {
            open.insert(call.at("id").get<std::string>());
            known.insert(call.at("id").get<std::string>());
        }
    }
    EXPECT_TRUE(open.empty()) << "a call without a result";
}

void expect_valid_arguments(const json& before, const json& after) {
    std::set<std::string> were_json;
    for (const auto& m : before) {
        for (const auto& call : m.value("tool_calls", json::array())) {
            const auto& a = call["function"]["arguments"];
            if (a.is_string() && json::accept(a.get<std::string>())) {
                were_json.insert(call["id"].get<std::string>());
            }
        }
    }
    for (const auto& m : after) {
        for (const auto& call : m.value("tool_calls", json::array())) {
            if (were_json.contains(call["id"])) {
                EXPECT_TRUE(json::accept(call["function"]["arguments"].get<std::string>()));
            }
        }
    }
}

bool is_notice(const json& m) {
    return m["role"] == "system" && m["content"].is_string()
           && m["content"].get<std::string>().find("were left out so that it fits")
                  != std::string::npos;
}

std::size_t own_count(const json& messages) {
    return messages.size()
           - static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(), is_notice));
}

// What a small window holds, a larger one holds too, field for field and in the same order. System text apart, which may
// be cut for one alone.
void expect_shared(const json& smaller, const json& larger) {
    std::size_t at = 0;
    for (const auto& m : smaller) {
        if (m["role"] == "system" || m["role"] == "developer") {
            continue;
        }
        while (at < larger.size() && larger[at] != m) {
            ++at;
        }
        ASSERT_LT(at, larger.size()) << m.dump().substr(0, 300);
        ++at;
    }
}

TEST(compaction_plan, rules_hold_for_any_conversation) {
    int compacted = 0;
    int cut = 0;
    for (unsigned seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE(seed);
        random_talk source(seed);
        const auto messages = source.messages();
        const auto budgets = source.budgets();
        const talk t(messages);
        const auto body = t.body;
        const auto plan = t.plan(budgets);
        EXPECT_EQ(plan.tokens_in, tokens_of(messages));
        std::vector<std::pair<std::int64_t, json>> payloads;
        for (std::size_t i = 0; i < budgets.size(); ++i) {
            const auto& p = plan.prompts[i];
            if (!p.fits) {
                continue;
            }
            const auto sent = t.sent(p);
            EXPECT_EQ(tokens_of(sent), p.tokens);
            EXPECT_LE(p.tokens, budgets[i]);
            expect_paired(sent);
            expect_valid_arguments(messages, sent);
            const bool ends_with_text =
                sent.back()["role"] == "assistant" && !sent.back().contains("tool_calls");
            EXPECT_FALSE(ends_with_text);
            for (std::size_t s = 0; s < messages.size() && messages[s]["role"] != "user"; ++s) {
                const bool is_leading =
                    messages[s]["role"] == "system" || messages[s]["role"] == "developer";
                if (!is_leading) {
                    break;
                }
                EXPECT_EQ(sent[s]["role"], messages[s]["role"]);
            }
            compacted += p.compacted_chunks > 0 ? 1 : 0;
            cut += sent.dump().find("bytes left out") != std::string::npos ? 1 : 0;
            payloads.emplace_back(budgets[i], sent);
        }
        std::ranges::sort(payloads, {}, [](const auto& p) { return p.first; });
        for (std::size_t i = 1; i < payloads.size(); ++i) {
            const auto& smaller = payloads[i - 1].second;
            const auto& larger = payloads[i].second;
            EXPECT_GE(own_count(larger), own_count(smaller));
            expect_shared(smaller, larger);
            EXPECT_EQ(larger.back(), smaller.back());
        }
        EXPECT_EQ(t.body, body);
    }
    EXPECT_GT(compacted, 200);
    EXPECT_GT(cut, 50);
}

TEST(compaction_plan, planning_half_a_megabyte_is_quick) {
    json messages = joined({{says("system", std::string(4000, 's'))}, pairs(500, 400)});
    for (int i = 0; i < 30; ++i) {
        messages.push_back(calls({{"c" + std::to_string(i), json{{"body", "line\n\"x\"\n"}}.dump()}}
        ));
        messages.push_back(result("c" + std::to_string(i), std::string(3000, 'r') + "\n\t\"q\"\n"));
    }
    messages.push_back(says("user", "so?"));
    const talk t(messages);
    ASSERT_GT(t.body.size(), 500000u);
    const auto time = [&](const std::vector<std::int64_t>& budgets) {
        auto least = std::chrono::nanoseconds::max();
        for (int i = 0; i < 20; ++i) {
            const auto start = std::chrono::steady_clock::now();
            const auto plan = t.plan(budgets);
            least =
                std::min<std::chrono::nanoseconds>(least, std::chrono::steady_clock::now() - start);
            EXPECT_TRUE(plan.prompts[0].fits);
        }
        return std::chrono::duration_cast<std::chrono::microseconds>(least).count();
    };
    const auto whole = time({1'000'000, 900'000, 800'000});
    const auto cut = time({30256, 13872, 5680});
    std::cout << t.body.size() << " bytes: " << whole << " us when all fits, " << cut
              << " us when not\n";
    EXPECT_LT(cut, 50000);
}

}  // namespace
}  // namespace meta_model::dispatch
