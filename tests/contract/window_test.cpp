// Voters and steps whose windows are too small for the conversation get what their window holds of it.
#include "contract/cascade_steps.hpp"
#include "contract/tool_words.hpp"
#include "contract/voters.hpp"

namespace meta_model::contract {

namespace {

constexpr std::int64_t estimate_bytes = 28;  // of ten tokens

json says(const std::string& role, const std::string& text) {
    return {{"role", role}, {"content", text}};
}

// A system text, `count` messages of 400 bytes, and a question.
json long_talk(const std::string& model, int count) {
    json messages = json::array({says("system", "Answer in one word.")});
    for (int i = 0; i < count; ++i) {
        const auto text = std::to_string(i) + ' ' + std::string(400, 'x');
        messages.push_back(says(i % 2 == 0 ? "user" : "assistant", text));
    }
    messages.push_back(says("user", "So what is it?"));
    return {{"model", model}, {"messages", messages}};
}

std::int64_t text_tokens(const json& request) {
    return static_cast<std::int64_t>(all_message_text(request).size()) * 10 / estimate_bytes;
}

// System text and question are there, and the newest messages between them in a row.
void expect_compacted(const json& sent, const json& asked, std::int64_t context) {
    const auto& messages = sent["messages"];
    const auto& all = asked["messages"];
    ASSERT_LT(messages.size(), all.size());
    EXPECT_EQ(messages.front(), all.front());
    EXPECT_EQ(messages.back(), all.back());
    EXPECT_EQ(messages[messages.size() - 2], all[all.size() - 2]);
    EXPECT_LT(text_tokens(sent), context);
    EXPECT_GT(text_tokens(sent), context / 4) << "the window is used";
}

std::int64_t number(const http_reply& reply, const std::string& header) {
    return std::stoll(reply.header("X-MetaModel-" + header));
}

struct windowed_steps {
    fake_upstream models{};

    windowed_steps() {
        models.on("a", ok("answer of a"));
        models.on("b", ok("answer of b"));
    }

    config_text config(const std::string& a, const std::string& b, const std::string& lines = "") {
        config_text out(models);
        out.upstream("a", a).upstream("b", b).upstream("judge", "context = 4096");
        if (lines.empty()) {
            return out.cascade(cascade_name, {"a", "b"});
        }
        return out.raw(
            "[profiles.\"" + std::string(cascade_name) + "\"]\ntype = \"cascade\"\n" + lines
        );
    }
};

TEST(windows, a_step_gets_what_its_own_window_holds) {
    windowed_steps s;
    s.models.on("a", busy());
    const gateway_process gateway(s.config("context = 4096", "context = 65536"));
    const auto asked = long_talk(cascade_name, 60);

    const auto reply = chat(gateway, asked);

    EXPECT_EQ(answer_text(reply), "answer of b");
    expect_compacted(s.models.last_request("a").json, asked, 4096);
    EXPECT_EQ(s.models.last_request("b").json["messages"], asked["messages"])
        << "the larger window has all of it, as the client wrote it";
    EXPECT_EQ(number(reply, "Compacted-N"), 0) << "the head tells of the answering step";
}

TEST(windows, the_head_tells_how_much_a_step_was_not_sent) {
    windowed_steps s;
    const gateway_process gateway(s.config("context = 4096", "context = 65536"));

    for (const bool is_streamed : {false, true}) {
        const auto asked = with(long_talk(cascade_name, 60), {{"stream", is_streamed}});
        const auto reply = is_streamed ? stream(gateway, asked).head : chat(gateway, asked);
        EXPECT_EQ(reply.status, 200);
        EXPECT_GT(number(reply, "Compacted-N"), 20);
        EXPECT_LT(number(reply, "Prompt-Tokens-Out"), number(reply, "Prompt-Tokens-In"));
    }
    EXPECT_EQ(s.models.call_count("b"), 0u);
}

TEST(windows, what_fits_a_step_is_the_clients_own_bytes) {
    windowed_steps s;
    const gateway_process gateway(s.config("context = 4096", "context = 4096"));
    auto asked = with(say(cascade_name), {{"max_tokens", 9000}});
    asked["messages"].push_back(says("assistant", "It is"));  // which a panel would leave out

    const auto reply = chat(gateway, asked);

    const auto sent = s.models.last_request("a").json;
    EXPECT_EQ(sent["messages"], asked["messages"]);
    EXPECT_EQ(sent["max_tokens"], 9000);
    EXPECT_EQ(number(reply, "Compacted-N"), 0);
}

TEST(windows, a_compacted_step_leaves_room_for_the_answer) {
    windowed_steps s;
    const gateway_process gateway(s.config("context = 4096", "context = 65536"));

    chat(gateway, with(long_talk(cascade_name, 60), {{"max_tokens", 3000}}));

    const auto sent = s.models.last_request("a").json;
    EXPECT_LT(sent["max_tokens"].get<std::int64_t>() + text_tokens(sent), 4096);
}

TEST(windows, a_step_that_cannot_hold_the_newest_turn_is_passed_over) {
    windowed_steps s;
    const gateway_process gateway(s.config("context = 1024", "context = 65536"));
    json tools = json::array();
    for (int i = 0; i < 40; ++i) {
        tools.push_back(tool_of("tool_" + std::to_string(i)));
    }
    const auto asked = with(say(cascade_name), {{"tools", tools}});
    const auto traced = with(asked, {{"x_meta_model", {{"trace", true}}}});

    const auto reply = chat(gateway, traced);

    EXPECT_EQ(answer_text(reply), "answer of b");
    EXPECT_EQ(tried(reply), "b");
    EXPECT_EQ(s.models.call_count("a"), 0u);
    const auto leg = reply.json()["x_meta_model"]["legs"][0];
    EXPECT_EQ(leg["upstream"], "a");
    EXPECT_EQ(leg["state"], "not_started");
    EXPECT_EQ(leg["reason"], "too_large");
}

TEST(windows, a_request_that_fits_no_step_is_too_long) {
    windowed_steps s;
    const gateway_process gateway(s.config("context = 1024", "context = 1024"));
    json tools = json::array();
    for (int i = 0; i < 40; ++i) {
        tools.push_back(tool_of("tool_" + std::to_string(i)));
    }

    const auto reply = chat(gateway, with(say(cascade_name), {{"tools", tools}}));

    EXPECT_EQ(reply.status, 413) << reply.body;
    EXPECT_EQ(reply.error_code(), "context_length_exceeded");
    EXPECT_TRUE(s.models.requests().empty());
}

TEST(windows, a_refusal_of_a_compacted_step_goes_to_a_larger_window_only) {
    windowed_steps s;
    const json too_long = {{"message", "too long"}, {"code", "context_length_exceeded"}};
    s.models.on("a", refusal(400, too_long));
    const auto asked = long_talk(cascade_name, 60);

    const gateway_process larger(s.config("context = 4096", "context = 8192"));
    EXPECT_EQ(answer_text(chat(larger, asked)), "answer of b");
    expect_compacted(s.models.last_request("b").json, asked, 8192);

    const gateway_process equal(s.config("context = 4096", "context = 4096"));
    const auto refused = chat(equal, asked);
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.error_code(), "context_length_exceeded");
    EXPECT_EQ(s.models.call_count("b"), 1u);
}

TEST(windows, those_whom_a_gate_asks_have_windows_of_their_own) {
    windowed_steps s;
    s.models.on("judge", ok("9"));
    const gateway_process gateway(s.config(
        "context = 65536",
        "context = 4096",
        "steps = [{ use = \"a\", accept = { agree_with = \"b\", judge = \"judge\" } }, "
        "{ use = \"b\" }]"
    ));
    s.models.on("a", ok("42"));
    s.models.on("b", ok("42"));
    const auto asked = long_talk(cascade_name, 60);

    const auto reply = chat(gateway, asked);

    EXPECT_EQ(answer_text(reply), "42");
    EXPECT_EQ(winner(reply), "a");
    EXPECT_EQ(s.models.last_request("a").json["messages"], asked["messages"]);
    expect_compacted(s.models.last_request("b").json, asked, 4096);
    const auto judged = s.models.last_request("judge").json;
    EXPECT_LT(judged["messages"].size(), asked["messages"].size());
    EXPECT_LT(text_tokens(judged), 4096);
    EXPECT_NE(judged["messages"].back().dump().find("42"), std::string::npos);
}

TEST(windows, voters_share_the_newest_messages) {
    voters v("no", "no", "no");
    config_text config(v.models);
    config.raw("[features]\nvoting = true\n");
    config.upstream("a", "context = 4096").upstream("b").upstream("c", "context = 8192");
    config.voting(vote_name, {"a", "b", "c"});
    const gateway_process gateway(config);
    const auto asked = long_talk(vote_name, 60);

    const auto reply = chat(gateway, asked);

    ASSERT_EQ(reply.status, 200) << reply.body;
    expect_compacted(v.models.last_request("a").json, asked, 4096);
    expect_compacted(v.models.last_request("c").json, asked, 8192);
    EXPECT_EQ(v.models.last_request("b").json["messages"], asked["messages"]);
    const auto small = v.models.last_request("a").json["messages"];
    const auto large = v.models.last_request("c").json["messages"];
    EXPECT_GT(large.size(), small.size());
    for (std::size_t i = 1; i < 8; ++i) {
        EXPECT_EQ(small[small.size() - i], large[large.size() - i]);
    }
    EXPECT_GT(number(reply, "Compacted-N"), 20);
}

TEST(windows, a_judge_of_a_tie_has_a_window_too) {
    voters v("one", "two", "one");
    v.models.on("j", ok("1"));
    config_text config(v.models);
    config.raw("[features]\nvoting = true\n");
    config.upstreams({"a", "b"}).upstream("j", "context = 4096");
    config.voting(
        vote_name,
        {"a", "b"},
        "ballot = \"text\"\naggregation = \"plurality\"\ntie_break = \"judge\"\njudge = \"j\""
    );
    const gateway_process gateway(config);
    const auto asked = long_talk(vote_name, 60);

    const auto reply = chat(gateway, asked);

    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto judged = v.models.last_request("j").json;
    EXPECT_LT(judged["messages"].size(), asked["messages"].size());
    EXPECT_LT(text_tokens(judged), 4096);
    const auto question = judged["messages"].back().dump();
    EXPECT_NE(question.find("one"), std::string::npos);
    EXPECT_NE(question.find("two"), std::string::npos);
}

TEST(windows, a_voter_that_cannot_hold_the_newest_turn_has_failed) {
    voters v("no", "no", "no");
    config_text config(v.models);
    config.raw("[features]\nvoting = true\n");
    config.upstream("a", "context = 64").upstreams({"b", "c"});
    config.voting(vote_name, {"a", "b", "c"}, "failure_vote = \"no\"");
    const gateway_process gateway(config);

    const auto reply = chat(gateway, say(vote_name));

    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.header("X-MetaModel-Vote-Failures"), "1");
    EXPECT_EQ(v.models.call_count("a"), 0u);
}

}  // namespace

}  // namespace meta_model::contract
