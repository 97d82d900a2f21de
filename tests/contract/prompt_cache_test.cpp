// What a client says of prompt caches reaches every model of an ensemble as it was said.
#include "contract/cascade_steps.hpp"
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"
#include "contract/voters.hpp"

namespace meta_model::contract {

namespace {

const json lasting = {{"type", "ephemeral"}, {"ttl", "1h"}};

json text_part(const std::string& text) {
    return {{"type", "text"}, {"text", text}, {"cache_control", lasting}};
}

// Marks on a part of the system text, on a message, on a part of the newest message and on a tool.
json marked(const std::string& model, const std::string& question, int history = 0) {
    json messages = json::array();
    messages.push_back(
        {{"role", "system"},
         {"content", json::array({text_part("Be brief."), text_part("Be kind.")})}}
    );
    for (int i = 0; i < history; ++i) {
        messages.push_back({{"role", "user"}, {"content", "old " + std::string(400, 'x')}});
        messages.push_back({{"role", "assistant"}, {"content", "older " + std::string(400, 'y')}});
    }
    messages.push_back({{"role", "user"}, {"content", "Wait."}, {"cache_control", lasting}});
    messages.push_back({{"role", "assistant"}, {"content", "Yes?"}});
    messages.push_back({{"role", "user"}, {"content", json::array({text_part(question)})}});
    auto tool = tool_of("look");
    tool["cache_control"] = lasting;
    return {
        {"model", model},
        {"messages", messages},
        {"tools", json::array({tool})},
        {"prompt_cache_key", "team-7/\"nightly\""},
        {"prompt_cache_retention", "24h"},
    };
}

// Everything but the history in the middle, which may have been left out.
void expect_marks(const json& sent, const json& asked, std::size_t added = 0) {
    EXPECT_EQ(sent.value("prompt_cache_key", ""), "team-7/\"nightly\"");
    EXPECT_EQ(sent.value("prompt_cache_retention", ""), "24h");
    const auto& messages = sent["messages"];
    const auto& all = asked["messages"];
    EXPECT_EQ(messages.front(), all.front());
    ASSERT_GE(messages.size(), 4 + added);
    for (std::size_t i = 1; i <= 3; ++i) {
        EXPECT_EQ(messages[messages.size() - added - i], all[all.size() - i]);
    }
}

TEST(prompt_cache, keys_and_marks_reach_every_generator_and_the_synthesizer) {
    panel p;
    const gateway_process gateway(p.config());
    const auto asked = marked(panel_name, "So what is it?");

    ASSERT_EQ(chat(gateway, asked).status, 200);

    for (const char* name : {"a", "b", "c"}) {
        const auto sent = p.models.last_request(name).json;
        EXPECT_EQ(sent["messages"], asked["messages"]) << name;
        expect_marks(sent, asked);
        EXPECT_EQ(sent["tools"], asked["tools"]) << name;
    }
    expect_marks(p.synthesis(), asked, 1);
    EXPECT_EQ(p.synthesis()["tools"], asked["tools"]) << "they are part of the cached prefix";
}

TEST(prompt_cache, marks_stay_on_what_compaction_keeps) {
    panel p;
    config_text config(p.models);
    const auto small_window = "context = 4096\nmax_output = 512";
    config.upstream("a", small_window).upstream("b").upstream("s", small_window);
    config.moa(panel_name, {"a", "b"}, "s");
    const gateway_process gateway(config);
    const auto asked = marked(panel_name, "So what is it?", 30);

    const auto reply = chat(gateway, asked);

    ASSERT_EQ(reply.status, 200);
    EXPECT_GT(std::stoi(reply.header("X-MetaModel-Compacted-N")), 10);
    const auto small = p.models.last_request("a").json;
    EXPECT_LT(small["messages"].size(), asked["messages"].size());
    expect_marks(small, asked);
    EXPECT_EQ(small["tools"], asked["tools"]);
    EXPECT_EQ(p.models.last_request("b").json["messages"], asked["messages"]);
    expect_marks(p.synthesis(), asked, 1);
}

TEST(prompt_cache, a_text_that_is_cut_keeps_its_mark) {
    panel p;
    config_text config(p.models);
    config.upstream("a", "context = 4096").upstream("b", "context = 4096").upstream("s");
    config.moa(panel_name, {"a", "b"}, "s");
    const gateway_process gateway(config);

    ASSERT_EQ(chat(gateway, marked(panel_name, std::string(40'000, 'q'))).status, 200);

    const auto part = p.models.last_request("a").json["messages"].back()["content"][0];
    EXPECT_LT(part["text"].get<std::string>().size(), 20'000u);
    EXPECT_EQ(part["cache_control"], lasting);
}

TEST(prompt_cache, an_upstream_that_knows_no_such_member_is_not_sent_it) {
    panel p;
    config_text config(p.models);
    config
        .upstream(
            "a",
            "[upstreams.a.openai]\n"
            "drop_params = [\"prompt_cache_key\", \"prompt_cache_retention\"]"
        )
        .upstreams({"b", "s"})
        .moa(panel_name, {"a", "b"}, "s");
    const gateway_process gateway(config);
    const auto asked = marked(panel_name, "So what is it?");

    ASSERT_EQ(chat(gateway, asked).status, 200);

    const auto sent = p.models.last_request("a").json;
    EXPECT_FALSE(sent.contains("prompt_cache_key"));
    EXPECT_FALSE(sent.contains("prompt_cache_retention"));
    EXPECT_EQ(sent["messages"], asked["messages"]) << "marks inside messages are the client's";
    expect_marks(p.models.last_request("b").json, asked);
}

TEST(prompt_cache, keys_and_marks_reach_voters_and_steps) {
    voters v("no", "no", "no");
    const gateway_process vote(v.config(""));
    const auto ballot = marked(vote_name, "Is it?");
    ASSERT_EQ(chat(vote, ballot).status, 200);
    expect_marks(v.models.last_request("a").json, ballot);

    cascade_steps s;
    s.models.on("a", busy());
    const gateway_process steps(s.config());
    const auto asked = marked(cascade_name, "Is it?");
    ASSERT_EQ(chat(steps, asked).status, 200);
    for (const char* name : {"a", "b"}) {
        expect_marks(s.models.last_request(name).json, asked);
        EXPECT_EQ(s.models.last_request(name).json["tools"], asked["tools"]);
    }
}

}  // namespace

}  // namespace meta_model::contract
