// What holds of any conversation that is compacted, and how long planning takes.
#include "support/media_parts.hpp"
#include "unit/dispatch/planned_talk.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <random>
#include <set>

namespace meta_model::dispatch {

using namespace support;

namespace {

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

TEST(compaction_rules, rules_hold_for_any_conversation) {
    int compacted = 0;
    int cut = 0;
    for (unsigned seed = 1; seed <= 200; ++seed) {
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
            // Demoted on top of being cut.
            EXPECT_EQ(t.sent(p, true).size(), sent.size());
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
    EXPECT_GT(compacted, 100);
    EXPECT_GT(cut, 30);
}

// Gives some of the user's messages images, and tells how many of them are in the current turn.
std::size_t add_images(json& messages, std::mt19937& random) {
    std::size_t in_turn = 0;
    bool is_turn = true;
    bool has_user = false;
    for (auto m = messages.rbegin(); m != messages.rend(); ++m) {
        const auto& role = (*m)["role"];
        is_turn = is_turn && !(has_user && (role == "assistant" || role == "tool"));
        if (role != "user" || !(*m)["content"].is_string()) {
            has_user = has_user || role == "user";
            continue;
        }
        has_user = true;
        if (random() % 3 == 0) {
            (*m)["content"] = {image_part(), text_part((*m)["content"]), image_part()};
            in_turn += is_turn ? 2 : 0;
        }
    }
    return in_turn;
}

std::size_t count_of(const std::string& text, const std::string& word) {
    std::size_t out = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        ++out;
    }
    return out;
}

TEST(compaction_rules, images_of_the_current_turn_stay_and_blind_upstreams_get_none) {
    const std::string type = R"("type":"image_url")";
    int with_images = 0;
    int compacted = 0;
    for (unsigned seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE(seed);
        random_talk source(seed);
        std::mt19937 random(seed);
        auto messages = source.messages();
        const auto in_turn = add_images(messages, random);
        std::vector<prompt_window> windows;
        for (const auto budget : source.budgets()) {
            const bool is_blind = random() % 2 == 0;
            windows.push_back(
                {.budget = budget,
                 .hidden = is_blind ? media_set(config::modality::image) : media_set()}
            );
        }
        const talk t(messages);
        const auto plan = plan_prompts(t.request, 0, windows);
        for (std::size_t i = 0; i < windows.size(); ++i) {
            const auto& p = plan.prompts[i];
            if (!p.fits) {
                continue;
            }
            const auto sent = t.sent(p);
            const auto images = count_of(sent.dump(), type);
            EXPECT_LE(p.tokens, windows[i].budget);
            EXPECT_LE(tokens_of(sent) + 765 * static_cast<std::int64_t>(images), p.tokens);
            expect_paired(sent);
            if (!windows[i].hidden.is_empty()) {
                EXPECT_EQ(images, 0u);
                continue;
            }
            EXPECT_GE(images, in_turn);
            with_images += in_turn > 0 ? 1 : 0;
            compacted += p.compacted_chunks > 0 ? 1 : 0;
        }
    }
    EXPECT_GT(with_images, 10);
    EXPECT_GT(compacted, 20);
}

// Of this thread: what else the machine does does not count.
double cpu_seconds() {
    std::timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Of planning a prompt with so many calls, whose results come in the opposite order.
double time_of_calls(int count) {
    std::vector<std::pair<std::string, json>> made;
    json messages = json::array({says("user", "go")});
    for (int i = 0; i < count; ++i) {
        made.emplace_back("c" + std::to_string(i), "");
    }
    messages.push_back(calls(made));
    for (auto i = made.size(); i-- > 0;) {
        messages.push_back(result(made[i].first, "ok"));
    }
    const talk t(messages);
    const auto start = cpu_seconds();
    const auto plan = t.plan({10'000'000});
    const auto took = cpu_seconds() - start;
    EXPECT_EQ(plan.prompts[0].edits, nullptr);
    return took;
}

TEST(compaction_rules, ten_times_as_many_calls_take_about_ten_times_as_long) {
    const auto few = time_of_calls(3000);
    const auto many = time_of_calls(30000);
    EXPECT_LT(many, 40 * few) << "a hundred times would be each against each";
}

TEST(compaction_rules, planning_half_a_megabyte_is_quick) {
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
