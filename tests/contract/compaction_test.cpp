// Rows 156 to 169: conversations that do not fit every window.
#include "contract/panel.hpp"

namespace meta_model::contract {

namespace {

constexpr auto profile = "long.v1";

json says(const std::string& role, const std::string& text) {
    return {{"role", role}, {"content", text}};
}

json asks(const json& messages) {
    return {{"model", profile}, {"messages", messages}};
}

json call(const std::string& id, const json& arguments) {
    const json one = {
        {"id", id}, {"type", "function"}, {"function", {{"name", "look"}, {"arguments", arguments}}}
    };
    return {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::array({one})}};
}

json result(const std::string& id, const std::string& text) {
    return {{"role", "tool"}, {"tool_call_id", id}, {"content", text}};
}

// `count` messages of `bytes` each, user and assistant in turn, and a question.
json history(int count, std::size_t bytes) {
    json out = json::array();
    for (int i = 0; i < count; ++i) {
        const auto text = std::to_string(i) + ' ' + std::string(bytes, 'x');
        out.push_back(says(i % 2 == 0 ? "user" : "assistant", text));
    }
    out.push_back(says("user", "So what is it?"));
    return out;
}

// The estimate of §4.1 for messages whose texts are strings or parts of text.
std::int64_t estimate(const json& messages) {
    const auto of = [](std::size_t bytes) {
        return static_cast<std::int64_t>((10 * bytes + 27) / 28);
    };
    std::int64_t out = 0;
    for (const auto& m : messages) {
        std::size_t bytes = 0;
        const auto content = m.value("content", json());
        if (content.is_string()) {
            bytes = content.get<std::string>().size();
        }
        for (const auto& part : content.is_array() ? content : json::array()) {
            bytes += part["text"].get<std::string>().size();
        }
        out += of(bytes) + of(m["role"].get<std::string>().size()) + 4;
        for (const auto& c : m.value("tool_calls", json::array())) {
            const auto& a = c["function"]["arguments"];
            out += of(4) + 10 + of(a.is_string() ? a.get<std::string>().size() : a.dump().size());
        }
    }
    return out;
}

// More than a window of 1,024 tokens holds.
json twenty_tools() {
    json out = json::array();
    for (int i = 0; i < 20; ++i) {
        out.push_back(
            {{"type", "function"},
             {"function",
              {{"name", "f" + std::to_string(i)}, {"description", std::string(200, 'd')}}}}
        );
    }
    return out;
}

// Generators `big` and `small` behind one profile.
struct two_windows {
    fake_upstream models{};

    two_windows() {
        models.on("big", ok("draft of big"));
        models.on("small", ok("the draft of small"));
        models.on("s", ok("the fused answer"));
    }

    config_text config(
        int big = 32768, int small = 4096, const std::string& lines = "", int synthesizer = 131072
    ) const {
        const auto window = [](int n) {
            return "context = " + std::to_string(n)
                   + "\nmax_output = " + std::to_string(std::min(n / 2, 8192));
        };
        config_text out(models);
        out.upstream("big", window(big))
            .upstream("small", window(small))
            .upstream("s", window(synthesizer))
            .moa(profile, {"big", "small"}, "s", "advertised_context = 4000\n" + lines);
        return out;
    }

    json sent(const std::string& name) const { return models.last_request(name).json["messages"]; }
};

int number(const http_reply& reply, const char* name) {
    EXPECT_TRUE(reply.has(name)) << name;
    return reply.has(name) ? std::stoi(reply.header(name)) : -1;
}

int compacted(const http_reply& reply) {
    return number(reply, "X-MetaModel-Compacted-N");
}

TEST(compaction, moa_156_a_long_chat_is_compacted) {
    two_windows w;
    const gateway_process gateway(w.config());
    const auto messages = history(199, 200);

    const auto reply = chat(gateway, asks(messages));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_GE(compacted(reply), 10);
    EXPECT_EQ(number(reply, "X-MetaModel-Prompt-Tokens-In"), estimate(messages));
    EXPECT_EQ(number(reply, "X-MetaModel-Prompt-Tokens-Out"), estimate(w.sent("small")));
    EXPECT_GT(estimate(messages), estimate(w.sent("small")));
    EXPECT_LE(estimate(w.sent("small")), 2560);
    EXPECT_GT(estimate(w.sent("small")), 2300);
}

TEST(compaction, moa_157_the_newest_messages_are_the_same_for_all) {
    two_windows w;
    const gateway_process gateway(w.config(8192, 4096));

    chat(gateway, asks(history(199, 200)));

    const auto small = w.sent("small");
    const auto big = w.sent("big");
    EXPECT_GE(big.size(), small.size());
    std::size_t common = 0;
    while (common < small.size() && small[small.size() - 1 - common] == big[big.size() - 1 - common]
    ) {
        ++common;
    }
    EXPECT_GE(common, 15u) << "all behind the opening and the notice";
    EXPECT_GE(common + 3, small.size());
}

TEST(compaction, moa_158_a_call_and_its_result_stay_together) {
    two_windows w;
    const gateway_process gateway(w.config());
    auto messages = history(100, 200);
    messages.push_back(call("c1", "{\"q\":1}"));
    messages.push_back(result("c1", "the result"));

    chat(gateway, asks(messages));

    for (const char* name : {"big", "small"}) {
        const auto sent = w.sent(name);
        EXPECT_EQ(sent.back(), messages.back()) << name;
        EXPECT_EQ(sent[sent.size() - 2], messages[messages.size() - 2]) << name;
    }
}

TEST(compaction, moa_159_results_of_no_call_reach_no_upstream) {
    two_windows w;
    const gateway_process gateway(w.config());
    const json no_id = {{"role", "tool"}, {"content", "lost"}};
    for (const auto& orphan : {result("unknown", "lost"), no_id}) {
        const auto reply = chat(gateway, asks({says("user", "go"), orphan, says("user", "so?")}));
        EXPECT_EQ(reply.status, 200);
        for (const char* name : {"big", "small", "s"}) {
            EXPECT_EQ(w.models.last_request(name).body.find("lost"), std::string::npos) << name;
        }
    }
    const auto calls_before = w.models.requests().size();
    auto numeric = result("1", "lost");
    numeric["tool_call_id"] = 1;
    chat(gateway, asks({says("user", "go"), numeric, says("user", "so?")}));
    EXPECT_EQ(w.models.requests().size(), calls_before) << "refused as a shape";
}

TEST(compaction, moa_160_an_assistants_last_text_is_left_out) {
    two_windows w;
    const gateway_process gateway(w.config());

    chat(gateway, asks({says("user", "Tell me."), says("assistant", "Once upon")}));

    for (const char* name : {"big", "small"}) {
        EXPECT_EQ(w.sent(name), json::array({says("user", "Tell me.")}));
    }
    EXPECT_EQ(w.sent("s")[0], says("user", "Tell me."));
    EXPECT_EQ(w.sent("s").size(), 2u);
    const auto reply = chat(gateway, asks(json::array({says("assistant", "Once upon")})));
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.json()["error"]["param"], "messages");
}

TEST(compaction, moa_161_system_text_stays_whole_while_history_goes) {
    two_windows w;
    const gateway_process gateway(
        w.config(32768, 8192).server("system_prompt = \"Obey the house rules.\"")
    );
    for (const char* role : {"system", "developer"}) {
        auto messages = history(120, 400);
        const auto system = says(role, std::string(5600, 's'));
        messages.insert(messages.begin(), system);

        const auto reply = chat(gateway, asks(messages));

        EXPECT_GT(compacted(reply), 50);
        for (const char* name : {"big", "small"}) {
            EXPECT_EQ(w.sent(name)[0], says("system", "Obey the house rules.")) << name;
            EXPECT_EQ(w.sent(name)[1], system) << name;
        }
        EXPECT_LE(estimate(w.sent("small")), 5680);
    }
}

TEST(compaction, moa_162_a_huge_system_text_is_cut_at_last) {
    two_windows w;
    const gateway_process gateway(w.config(4096, 4096));

    const auto reply =
        chat(gateway, asks({says("system", std::string(400000, 's')), says("user", "go")}));

    EXPECT_EQ(reply.status, 200);
    EXPECT_LE(estimate(w.sent("small")), 2560);
    EXPECT_GT(w.sent("small")[0]["content"].get<std::string>().size(), 5000u);
    EXPECT_EQ(w.sent("small").back(), says("user", "go"));
}

TEST(compaction, moa_163_a_huge_text_keeps_what_fits) {
    two_windows w;
    const gateway_process gateway(w.config(4096, 4096));
    const std::string huge(50000, 'h');
    const json part = {{"type", "text"}, {"text", huge}};
    const json user = says("user", "go");
    const std::vector<json> all{
        json::array({says("user", huge)}),
        json::array({{{"role", "user"}, {"content", json::array({part})}}}),
        json::array({user, call("c", json{{"text", huge}}.dump()), result("c", "done")}),
        json::array({user, call("c", json{{"text", huge}}), result("c", "done")}),
    };
    for (const auto& messages : all) {
        const auto reply = chat(gateway, asks(messages));
        EXPECT_EQ(reply.status, 200);
        const auto sent = w.sent("small");
        EXPECT_LE(estimate(sent), 2560);
        EXPECT_GT(estimate(sent), 2400);
        EXPECT_EQ(w.sent("big"), sent);
        for (const auto& m : sent) {
            if (m.contains("tool_calls")) {
                const auto& a = m["tool_calls"][0]["function"]["arguments"];
                EXPECT_TRUE((a.is_string() ? json::parse(a.get<std::string>()) : a).contains("text")
                );
            }
        }
    }
}

TEST(compaction, moa_164_the_larger_window_gets_the_full_text) {
    two_windows w;
    const gateway_process gateway(w.config());
    const auto system = says("system", std::string(50000, 's'));

    chat(gateway, asks({system, says("user", "go")}));

    EXPECT_EQ(w.sent("big"), json::array({system, says("user", "go")}));
    EXPECT_LE(estimate(w.sent("small")), 2560);
}

TEST(compaction, moa_165_what_cannot_be_cut_to_fit_is_refused) {
    two_windows w;
    const gateway_process gateway(w.config(1024, 1024));
    json parts = json::array();
    for (int i = 0; i < 40; ++i) {
        parts.push_back({{"type", "text"}, {"text", std::string(200, 'p')}});
    }

    const auto reply = chat(gateway, asks(json::array({{{"role", "user"}, {"content", parts}}})));

    expect_error(reply, {413, "invalid_request_error", "context_length_exceeded"});
    EXPECT_EQ(reply.header("X-MetaModel-Profile"), profile);
    EXPECT_GT(number(reply, "X-MetaModel-Prompt-Tokens-In"), 2800);
    EXPECT_TRUE(reply.has("X-MetaModel-Tools-Tokens"));
    EXPECT_EQ(w.models.requests().size(), 0u);
    EXPECT_EQ(chat(gateway, asks(json::array({says("user", "hi")}))).status, 200);
}

TEST(compaction, moa_165_a_stream_is_refused_the_same_way) {
    two_windows w;
    const gateway_process gateway(w.config(1024, 1024));
    const auto tools = twenty_tools();
    const auto request =
        with(asks(json::array({says("user", "hi")})), {{"tools", tools}, {"stream", true}});

    expect_error(chat(gateway, request), {413, "invalid_request_error", "context_length_exceeded"});
}

TEST(compaction, moa_166_tools_are_counted_apart) {
    two_windows w;
    const gateway_process gateway(w.config());
    const auto tools = twenty_tools();

    const auto reply =
        chat(gateway, with(asks(json::array({says("user", "hi")})), {{"tools", tools}}));

    EXPECT_EQ(number(reply, "X-MetaModel-Prompt-Tokens-In"), 7);
    EXPECT_GT(number(reply, "X-MetaModel-Tools-Tokens"), 1000);
}

TEST(compaction, moa_167_the_answer_gets_what_the_prompt_leaves) {
    two_windows w;
    const gateway_process gateway(w.config(8192, 8192));
    const auto request = asks(json::array({says("user", std::string(14000, 'p'))}));
    for (const char* field : {"max_tokens", "max_completion_tokens"}) {
        const auto reply = chat(gateway, with(request, {{field, 4096}}));

        const auto sent = w.models.last_request("small").json;
        EXPECT_EQ(sent[field], 2674) << field;
        EXPECT_EQ(sent["messages"], request["messages"]);
        EXPECT_EQ(number(reply, "X-MetaModel-Prompt-Tokens-In"), 5006);
        const bool has_other = sent.contains(
            std::string(field) == "max_tokens" ? "max_completion_tokens" : "max_tokens"
        );
        EXPECT_FALSE(has_other);
    }
}

TEST(compaction, moa_168_without_a_cap_generators_get_none) {
    two_windows w;
    const gateway_process gateway(w.config());

    chat(gateway, asks(history(199, 200)));

    for (const char* name : {"big", "small"}) {
        const auto sent = w.models.last_request(name).json;
        EXPECT_FALSE(sent.contains("max_tokens")) << name;
        EXPECT_FALSE(sent.contains("max_completion_tokens")) << name;
    }
}

TEST(compaction, moa_169_a_generous_output_wish_empties_no_prompt) {
    two_windows w;
    const gateway_process gateway(w.config(8192, 8192));

    const auto reply =
        chat(gateway, with(asks(json::array({says("user", "hi")})), {{"max_tokens", 8000}}));

    EXPECT_EQ(reply.status, 200);
    const auto sent = w.models.last_request("small").json;
    EXPECT_EQ(sent["messages"][0]["content"], "hi");
    EXPECT_EQ(sent["max_tokens"], 4096) << "its max_output";
}

TEST(compaction, a_generator_whose_window_is_too_small_is_named) {
    two_windows w;
    gateway_process gateway(w.config(32768, 1024));
    json parts = json::array();
    for (int i = 0; i < 40; ++i) {
        parts.push_back({{"type", "text"}, {"text", std::string(200, 'p')}});
    }

    const auto reply = chat(gateway, asks(json::array({{{"role", "user"}, {"content", parts}}})));

    EXPECT_EQ(answer_text(reply), "draft of big");
    EXPECT_EQ(failed_generators(reply), "small:too_large");
    EXPECT_EQ(reply.header("X-MetaModel-Degraded"), "true");
    EXPECT_EQ(compacted(reply), 0);
    EXPECT_EQ(w.models.call_count("small"), 0u);
    EXPECT_NE(final_log(gateway).find("longer than its window"), std::string::npos);
}

TEST(compaction, without_need_every_leg_gets_the_clients_own_bytes) {
    two_windows w;
    const gateway_process gateway(w.config());
    const std::string messages =
        R"([ {"role" : "user","content":"a\u00e9\n"} , {"content":[{"type":"text","text":"b"}],"role":"user"} ])";

    chat_bytes(gateway, R"({"model":"long.v1", "messages": )" + messages + "}");

    for (const char* name : {"big", "small"}) {
        EXPECT_NE(w.models.last_request(name).body.find(messages), std::string::npos) << name;
    }
    const auto prefix = messages.substr(0, messages.size() - 1);
    EXPECT_NE(w.models.last_request("s").body.find(prefix), std::string::npos);
}

TEST(compaction, the_synthesizers_drafts_are_cut_before_its_conversation) {
    two_windows w;
    w.models.on("big", ok("BIG" + std::string(30000, 'b') + "GIB"));
    w.models.on("small", ok("a short draft"));
    const gateway_process gateway(w.config(32768, 32768, "", 8192));
    const auto messages = history(20, 300);

    const auto reply = chat(gateway, asks(messages));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    const auto sent = w.models.last_request("s").json;
    const auto seen = sent["messages"];
    EXPECT_EQ(json(seen.begin(), seen.end() - 1), messages);
    EXPECT_LE(estimate(seen), 5680);
    EXPECT_GT(estimate(seen), 5300) << "no more is cut than must be";
    const auto added = seen.back()["content"].get<std::string>();
    for (const char* text : {"BIG", "GIB", "bytes elided", "a short draft"}) {
        EXPECT_NE(added.find(text), std::string::npos) << text;
    }
    EXPECT_LE(sent["max_tokens"].get<int>() + estimate(seen) + 512, 8192);
}

TEST(compaction, the_synthesizers_conversation_is_compacted_when_it_must_be) {
    two_windows w;
    const gateway_process gateway(w.config(32768, 32768, "", 4096));

    const auto reply = chat(gateway, asks(history(99, 300)));

    EXPECT_EQ(answer_text(reply), "the fused answer");
    EXPECT_EQ(compacted(reply), 0) << "of the generators";
    const auto seen = w.sent("s");
    EXPECT_LE(estimate(seen), 2560);
    EXPECT_GT(estimate(seen), 2200);
    EXPECT_EQ(seen[seen.size() - 2], says("user", "So what is it?"));
    const auto added = seen.back()["content"].get<std::string>();
    EXPECT_NE(added.find("draft of big"), std::string::npos);
    EXPECT_NE(added.find("the draft of small"), std::string::npos);
}

TEST(compaction, a_synthesizer_that_cannot_hold_the_question_leaves_it_to_a_draft) {
    two_windows w;
    const gateway_process gateway(w.config(32768, 32768, "", 1024));

    const auto reply = chat(gateway, asks(history(9, 300)));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("X-MetaModel-Fallback-Reason"), "synth_failed_picked_primary");
    EXPECT_EQ(w.models.call_count("s"), 0u);
}

TEST(compaction, an_upstream_that_counts_more_tokens_gets_less) {
    two_windows w;
    const auto counted = [](std::int64_t tokens) {
        answer a{.message = says("assistant", "a draft")};
        a.usage = {
            {"prompt_tokens", tokens}, {"completion_tokens", 1}, {"total_tokens", tokens + 1}
        };
        return complete(a);
    };
    const auto short_talk = asks(json::array({says("user", std::string(2800, 'x'))}));
    const auto long_talk = asks(history(199, 200));
    w.models.on("small", counted(2 * estimate(short_talk["messages"])));
    const gateway_process gateway(w.config());

    chat(gateway, long_talk);
    const auto fresh = estimate(w.sent("small"));
    for (int i = 0; i < 6; ++i) {
        chat(gateway, short_talk);
    }
    chat(gateway, long_talk);

    EXPECT_GT(fresh, 2300);
    EXPECT_LT(estimate(w.sent("small")), 1400);
    EXPECT_GT(estimate(w.sent("small")), 1000);
}

}  // namespace

}  // namespace meta_model::contract
