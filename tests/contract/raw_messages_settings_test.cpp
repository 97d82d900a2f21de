// What an operator's settings make of a Messages request that is not translated.
#include "contract/raw_messages_words.hpp"

namespace meta_model::contract {

namespace {

class raw_messages_settings : public raw_messages {
protected:
    // What goes out of a request with these members.
    json sent_with(const gateway_process& gateway, const json& more) {
        const json plain = {
            {"model", "a"},
            {"max_tokens", 3000},
            {"messages", {{{"role", "user"}, {"content", "q"}}}}
        };
        const auto reply = ask(gateway, with(plain, more).dump());
        EXPECT_EQ(reply.status, 200) << reply.body;
        return models.last_request("a").json;
    }
};

TEST_F(raw_messages_settings, overrides_that_are_written_for_chats_become_the_apis_own_members) {
    const gateway_process gateway(config(
        "",
        "request_overrides = { stop = [\"END\", \" \"], seed = 1, reasoning_effort = \"low\", "
        "max_completion_tokens = 2000, temperature = 1.2, top_k = 5, system = \"Obey.\", "
        "service_tier = \"auto\" }\n"
    ));

    EXPECT_EQ(
        sent_with(gateway, {{"system", "S"}, {"temperature", 0.5}}),
        (json{
            {"model", "org/a"},
            {"max_tokens", 2000},
            {"messages", {{{"role", "user"}, {"content", "q"}}}},
            {"system", "S"},
            {"stop_sequences", {"END"}},
            {"temperature", 1},
            {"top_k", 5},
            {"service_tier", "auto"}
        })
    );
    const json thinking = {{"type", "enabled"}, {"budget_tokens", 1500}};
    const auto thought = sent_with(gateway, {{"thinking", thinking}});
    EXPECT_EQ(thought["thinking"], thinking);
    EXPECT_FALSE(thought.contains("temperature")) << "the API refuses it beside thinking";
    EXPECT_FALSE(thought.contains("top_k"));
}

TEST_F(raw_messages_settings, configured_thinking_heeds_what_overrides_say) {
    const std::string thinking = "thinking = \"enabled\"\n";
    const auto with_overrides = [&](const std::string& members) {
        return gateway_process(config(thinking, "request_overrides = { " + members + " }\n"));
    };

    const auto sampled = with_overrides("temperature = 0.2");
    const auto first = sent_with(sampled, json::object());
    EXPECT_EQ(first["temperature"], 0.2);
    EXPECT_FALSE(first.contains("thinking")) << "the API refuses both";
    const auto unmoved = with_overrides("temperature = 1.0");
    EXPECT_TRUE(sent_with(unmoved, json::object()).contains("thinking"));
    const auto none = with_overrides("reasoning_effort = \"none\"");
    EXPECT_FALSE(sent_with(none, json::object()).contains("thinking"));
    const auto shorter = with_overrides("max_tokens = 2048");
    const auto limited = sent_with(shorter, {{"max_tokens", 32000}});
    EXPECT_EQ(limited["max_tokens"], 2048);
    EXPECT_EQ(limited["thinking"], (json{{"type", "enabled"}, {"budget_tokens", 1024}}));
    const auto own = with_overrides("thinking = { type = \"adaptive\" }");
    const auto passed = sent_with(own, {{"temperature", 0.5}});
    EXPECT_EQ(passed["thinking"], (json{{"type", "adaptive"}}));
    EXPECT_EQ(passed["max_tokens"], 3000);
    EXPECT_FALSE(passed.contains("temperature"));
}

TEST_F(raw_messages_settings, an_answer_is_never_longer_than_the_upstream_allows) {
    const gateway_process gateway(config("", "max_output = 8192\n"));
    EXPECT_EQ(sent_with(gateway, {{"max_tokens", 8192}})["max_tokens"], 8192);
    EXPECT_EQ(sent_with(gateway, {{"max_tokens", 32000}})["max_tokens"], 8192);

    const std::string more = "max_output = 8192\nrequest_overrides = { max_tokens = 20000 }\n";
    const gateway_process overridden(config("", more));
    EXPECT_EQ(sent_with(overridden, json::object())["max_tokens"], 8192);
}

TEST_F(raw_messages_settings, configured_thinking_heeds_how_the_conversation_ends) {
    const json question = {{"role", "user"}, {"content", "q"}};
    const json thought = {{"type", "thinking"}, {"thinking", "hm"}, {"signature", "s"}};
    const auto call = [&](const json& blocks) {
        auto content = blocks;
        content.push_back(tool_use("toolu_1", "f"));
        return json{{"role", "assistant"}, {"content", content}};
    };
    const json result = {
        {"role", "user"},
        {"content", {{{"type", "tool_result"}, {"tool_use_id", "toolu_1"}, {"content", "r"}}}}
    };
    const auto none = json::array();
    const auto first = call(json::array({thought}));
    const json prefill = {{"role", "assistant"}, {"content", "It is"}};
    const json paused = {{"role", "assistant"}, {"content", {thought, text_block("It is")}}};
    const std::vector<std::pair<json, bool>> cases{
        {{question, prefill}, false},
        {{question, paused}, true},
        {{question, first, result}, true},
        {{question, first, result, call(none), result}, true},
        {{question, call(none), result}, false},
        {{question, first, result, prefill, question, call(none), result}, false},
        {{question, call(none), result, prefill, question}, true},
    };
    const gateway_process enabled(config("thinking = \"enabled\""));
    for (const auto& [messages, thinks] : cases) {
        const auto sent = sent_with(enabled, {{"messages", messages}});
        EXPECT_EQ(sent.contains("thinking"), thinks) << messages;
    }
    const gateway_process adaptive(config("thinking = \"adaptive\""));
    const json begun = {{"messages", {question, prefill}}};
    EXPECT_FALSE(sent_with(adaptive, begun).contains("thinking"));
}

TEST_F(raw_messages_settings, a_budget_of_the_client_stays_below_a_limit_that_was_lowered) {
    const std::string prices =
        "max_output = 8192\n[upstreams.a.pricing]\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = "
        "10.0\n";
    const gateway_process gateway(config("", prices));
    const auto wish = [](int max_tokens, int budget) {
        const json thinking = {
            {"type", "enabled"}, {"budget_tokens", budget}, {"display", "omitted"}
        };
        return json{{"max_tokens", max_tokens}, {"thinking", thinking}};
    };
    const json limit = {{"x_meta_model", {{"max_cost_usd", 1.0}}}};
    for (const auto& more : {json::object(), limit}) {
        const auto lowered = sent_with(gateway, with(wish(32000, 16000), more));
        EXPECT_EQ(lowered["max_tokens"], 8192);
        EXPECT_EQ(lowered["thinking"], wish(0, 8192 - 1024)["thinking"]);
        const auto fitting = wish(32000, 4000);
        EXPECT_EQ(sent_with(gateway, with(fitting, more))["thinking"], fitting["thinking"]);
        const auto strange = wish(3000, 4000);
        EXPECT_EQ(sent_with(gateway, with(strange, more))["thinking"], strange["thinking"])
            << "interleaved thinking may have more";
    }
    const gateway_process tight(config("", "max_output = 1000\n"));
    EXPECT_EQ(sent_with(tight, wish(32000, 16000))["thinking"], (json{{"type", "disabled"}}));
}

}  // namespace

}  // namespace meta_model::contract
