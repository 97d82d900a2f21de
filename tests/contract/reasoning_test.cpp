// What of a model's reasoning a client sees, whole and streamed, by every way to its upstream (spec §5.6).
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"

#include <array>

namespace meta_model::contract {

namespace {

json message(json content, json more = json::object()) {
    json out = {{"role", "assistant"}, {"content", std::move(content)}};
    out.update(more);
    return out;
}

json one_call() {
    return json::array(
        {{{"id", "call_1"},
          {"type", "function"},
          {"function", {{"name", "look"}, {"arguments", "{\"at\":1}"}}}}}
    );
}

const json both_keys = {{"reasoning", "the reason"}, {"reasoning_content", "the thought"}};

// The ways to one upstream on which its reasoning is hidden: relayed, as a step, as a lone draft.
constexpr std::array hiding{"hidden.v1", "steps.v1", "lone.v1"};
// And those on which it is relayed as it is: a profile that does, and the upstream addressed by its own name.
constexpr std::array showing{"shown.v1", "a"};

class reasoning_policy : public testing::Test {
protected:
    fake_upstream models{};
    gateway_process gateway{
        config_text(models)
            .upstreams({"a", "s"})
            .passthrough("shown.v1", "a")
            .passthrough("hidden.v1", "a", "expose_reasoning = false")
            .cascade("steps.v1", {"a", "s"})
            .cascade("open.v1", {"a", "s"}, "expose_reasoning = true")
            .moa("lone.v1", {"a"}, "s")
            .raw("[profiles.\"gated.v1\"]\ntype = \"cascade\"\nexpose_reasoning = true\n"
                 "steps = [{ use = \"a\", accept = { pattern = 'answer' } }]")
    };

    void answers(const json& what, const std::string& finish = "stop") {
        models.on("a", complete({.message = what, .finish = finish}));
    }

    json whole(const std::string& model) {
        const auto reply = chat(gateway, say(model));
        EXPECT_EQ(reply.status, 200) << reply.body;
        return json::parse(reply.body)["choices"][0]["message"];
    }

    // A stream's deltas put together again.
    json streamed(const std::string& model) {
        const auto result = stream(gateway, say_streamed(model));
        EXPECT_TRUE(result.has_done());
        json out = {{"content", result.text()}};
        for (const auto& chunk : result.chunks()) {
            if (chunk["choices"].empty()) {
                continue;
            }
            for (const auto& [key, value] : chunk["choices"][0]["delta"].items()) {
                if (key != "content" && key != "role") {
                    out[key] = value;
                }
            }
        }
        return out;
    }

    void expect_text(const std::string& written, const std::string& seen) {
        answers(message(written));
        for (const std::string model : hiding) {
            EXPECT_EQ(whole(model)["content"], seen) << model;
            EXPECT_EQ(streamed(model)["content"], seen) << model;
        }
        for (const std::string model : showing) {
            EXPECT_EQ(whole(model)["content"], written) << model;
            EXPECT_EQ(streamed(model)["content"], written) << model;
        }
    }

    // What only the end of an answer tells: a stream that is relayed as it comes has shown the beginning by then.
    void expect_whole_text(const std::string& written, const std::string& seen) {
        answers(message(written));
        for (const std::string model : hiding) {
            EXPECT_EQ(whole(model)["content"], seen) << model;
        }
        EXPECT_EQ(streamed("lone.v1")["content"], seen);
        EXPECT_EQ(streamed("hidden.v1")["content"], written);
    }

    // Nothing but reasoning: an empty answer where it is relayed, no answer at all where others are asked.
    void expect_nothing(const std::string& written) {
        answers(message(written));
        EXPECT_EQ(whole("hidden.v1")["content"], "");
        EXPECT_EQ(streamed("hidden.v1")["content"], "");
        expect_envelope(chat(gateway, say("lone.v1")), 502);
        models.on("s", ok("the next step"));
        EXPECT_EQ(whole("steps.v1")["content"], "the next step");
        EXPECT_EQ(streamed("steps.v1")["content"], "the next step");
    }
};

TEST_F(reasoning_policy, thoughts_do_not_stand_beside_a_refusal) {
    answers(message(nullptr, {{"reasoning_content", "the thought"}, {"refusal", "No."}}));
    for (const auto* model : {"hidden.v1", "steps.v1"}) {  // which ask for whole replies
        const auto said = whole(model);
        EXPECT_EQ(said.value("refusal", ""), "No.") << model << ' ' << said;
        EXPECT_EQ(said.dump().find("the thought"), std::string::npos) << model << ' ' << said;
    }
    models.on(
        "a",
        sse(
            {R"({"choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"the thought"}}]})",
             R"({"choices":[{"index":0,"delta":{"refusal":"No."}}]})",
             R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
             "[DONE]"}
        )
    );
    for (const auto* model : hiding) {
        const auto result = stream(gateway, say_streamed(model));
        EXPECT_TRUE(result.has_done()) << model;
        for (const auto& chunk : result.chunks()) {
            EXPECT_EQ(chunk.dump().find("the thought"), std::string::npos) << model << ' ' << chunk;
        }
    }
}

TEST_F(reasoning_policy, moa_204_its_keys_are_hidden_by_default_and_kept_where_it_is_exposed) {
    answers(message("the answer", both_keys));

    for (const std::string model : hiding) {
        const auto hidden = whole(model);
        EXPECT_EQ(hidden["content"], "the answer");
        EXPECT_FALSE(hidden.contains("reasoning"));
        EXPECT_FALSE(hidden.contains("reasoning_content"));
        const auto hidden_stream = streamed(model);
        EXPECT_EQ(hidden_stream["content"], "the answer");
        EXPECT_FALSE(hidden_stream.contains("reasoning"));
        EXPECT_FALSE(hidden_stream.contains("reasoning_content"));
    }
    for (const std::string model : showing) {
        EXPECT_EQ(whole(model), message("the answer", both_keys));
        EXPECT_EQ(streamed(model)["content"], "the answer");
    }
}

TEST_F(reasoning_policy, what_seals_it_is_hidden_and_shown_with_it) {
    const auto lists = json::parse(
        R"({"thinking_blocks":[{"type":"thinking","thinking":"the thought","signature":"c2ln"},
                               {"type":"redacted_thinking","data":"AA"}],
            "reasoning_details":[{"type":"reasoning.encrypted","data":"zz"}]})"
    );
    auto all = both_keys;
    all.update(lists);
    answers(message("the answer", all));

    for (const std::string model : hiding) {
        EXPECT_EQ(whole(model), message("the answer")) << model;
        EXPECT_EQ(streamed(model), (json{{"content", "the answer"}})) << model;
    }
    for (const std::string model : {"shown.v1", "a", "open.v1"}) {
        EXPECT_EQ(whole(model), message("the answer", all)) << model;
    }
    models.on(
        "a",
        sse(
            {R"({"choices":[{"index":0,"delta":{"role":"assistant","reasoning_details":[{"type":"reasoning.text","text":"the ","index":0}]}}]})",
             R"({"choices":[{"index":0,"delta":{"reasoning_details":[{"text":"thought","signature":"x","index":0}]}}]})",
             R"({"choices":[{"index":0,"delta":{"content":"the answer"},"finish_reason":"stop"}]})",
             "[DONE]"}
        )
    );
    for (const std::string model : hiding) {
        EXPECT_EQ(streamed(model), (json{{"content", "the answer"}})) << model;
    }
    EXPECT_EQ(
        streamed("open.v1")["reasoning_details"],
        json::parse(R"([{"text":"thought","signature":"x","index":0}])")
    ) << "the last piece, as it came";
    EXPECT_EQ(
        streamed("gated.v1")["reasoning_details"],
        json::parse(R"([{"type":"reasoning.text","text":"the thought","index":0,"signature":"x"}])")
    ) << "all of it, when it was looked at";
}

TEST_F(reasoning_policy, a_call_keeps_what_its_server_wants_back_with_it) {
    auto calls = one_call();
    calls[0]["extra_content"] = {{"google", {{"thought_signature", "c2ln+/="}}}};
    answers(message(nullptr, {{"tool_calls", calls}}), "tool_calls");
    const std::array all{"shown.v1", "hidden.v1", "steps.v1", "open.v1", "lone.v1"};
    for (const std::string model : all) {
        const auto reply = chat(gateway, with(say(model), declaring({"look"})));
        ASSERT_EQ(reply.status, 200) << model << reply.body;
        EXPECT_EQ(message_of(reply)["tool_calls"], calls) << model;
    }
    // It may come before the call has its name.
    json named = {
        {"index", 0}, {"type", "function"}, {"id", "call_1"}, {"function", calls[0]["function"]}
    };
    const json sealed = {
        {"index", 0}, {"id", "call_1"}, {"extra_content", calls[0]["extra_content"]}
    };
    models.on(
        "a",
        sse(
            {R"({"choices":[{"index":0,"delta":{"tool_calls":[)" + sealed.dump() + "]}}]}",
             R"({"choices":[{"index":0,"delta":{"tool_calls":[)" + named.dump()
                 + R"(]},"finish_reason":"tool_calls"}]})",
             "[DONE]"}
        )
    );
    named.update(sealed);
    for (const std::string model : all) {
        const auto result = stream(gateway, with(say_streamed(model), declaring({"look"})));
        json seen;
        for (const auto& chunk : result.chunks()) {
            if (!chunk["choices"].empty() && chunk["choices"][0]["delta"].contains("tool_calls")) {
                seen.update(chunk["choices"][0]["delta"]["tool_calls"][0]);
            }
        }
        EXPECT_EQ(seen, named) << model;
    }
}

TEST_F(reasoning_policy, moa_205_it_takes_the_place_of_missing_content) {
    for (const std::string model : hiding) {
        answers(message(nullptr, {{"reasoning_content", " the thought "}}));
        EXPECT_EQ(whole(model), message("the thought")) << model;
        EXPECT_EQ(streamed(model)["content"], "the thought") << model;

        answers(message("", {{"reasoning", "the reason"}}));
        EXPECT_EQ(whole(model), message("the reason")) << model;
        EXPECT_EQ(streamed(model)["content"], "the reason") << model;
    }
}

TEST_F(reasoning_policy, moa_206_beside_calls_content_stays_null) {
    answers(message(nullptr, {{"tool_calls", one_call()}, {"reasoning", "why"}}), "tool_calls");
    const json tools = {
        {"tools", json::array({{{"type", "function"}, {"function", {{"name", "look"}}}}})}
    };

    for (const std::string model : hiding) {
        const auto reply = chat(gateway, with(say(model), tools));
        ASSERT_EQ(reply.status, 200) << reply.body;
        const auto seen = json::parse(reply.body)["choices"][0]["message"];
        EXPECT_TRUE(seen["content"].is_null()) << seen;
        EXPECT_EQ(seen["tool_calls"], one_call());
        EXPECT_FALSE(seen.contains("reasoning"));
    }
}

TEST_F(reasoning_policy, moa_207_paired_tags_are_removed) {
    expect_text("<think>plan</think>The answer is 42.", "The answer is 42.");
    expect_text("<thinking>x</thinking>real", "real");
}

TEST_F(reasoning_policy, moa_208_leftover_tags_take_their_side_with_them) {
    expect_whole_text("reasoning text\n</think>\n\nFinal answer here.", "Final answer here.");
    expect_nothing("<think>still going");
}

TEST_F(reasoning_policy, moa_209_triangle_tags_are_removed) {
    expect_text("◁think▷x◁/think▷done", "done");
}

TEST_F(reasoning_policy, moa_210_only_the_final_channel_is_shown) {
    expect_text(
        "<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>the answer<|end|>",
        "the answer"
    );
    expect_nothing("<|channel|>analysis<|message|>hm<|end|>");
}

TEST_F(reasoning_policy, moa_211_a_spoken_preamble_ends_at_its_marker) {
    expect_whole_text("Let me think about it.\nTwo and two.\nAnswer:\nfour", "four");
}

TEST_F(reasoning_policy, moa_212_comparisons_are_no_tags) {
    expect_text("stop if a < b while 7 > 2", "stop if a < b while 7 > 2");
}

TEST_F(reasoning_policy, moa_213_the_text_of_parts_is_cleaned_and_calls_are_not) {
    const json parts = json::array({{{"type", "text"}, {"text", "<think>plan</think>seen"}}});
    auto calls = one_call();
    calls[0]["function"]["arguments"] = "{\"tag\":\"<think>kept</think>\"}";
    answers(message(parts, {{"tool_calls", calls}}), "tool_calls");

    const auto reply = chat(gateway, with(say("hidden.v1"), declaring({"look"})));
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto seen = message_of(reply);

    EXPECT_EQ(seen["content"], json::array({{{"type", "text"}, {"text", "seen"}}}));
    EXPECT_EQ(seen["tool_calls"], calls);
}

TEST_F(reasoning_policy, moa_214_text_about_tags_is_left_alone) {
    expect_text(
        "Use the <thinking> tag to mark thoughts.", "Use the <thinking> tag to mark thoughts."
    );
}

TEST_F(reasoning_policy, an_ensembles_drafts_are_clean_before_they_are_compared) {
    panel p;
    p.models.on("a", ok("<think>one way</think>four"));
    p.models.on("b", ok("<think>another way</think>four"));
    p.models.on("c", ok("four"));
    const gateway_process exact(p.config("fastpath_on_agreement = true"));

    const auto reply = chat(exact, say(panel_name));

    EXPECT_EQ(answer_text(reply), "four");
    EXPECT_EQ(reply.header("X-MetaModel-Synth-Decision"), "fastpath_consensus");
    EXPECT_EQ(p.models.call_count("s"), 0u);
}

TEST_F(reasoning_policy, a_synthesizers_own_is_stripped_whole_and_streamed) {
    panel p;
    p.models.on("s", ok("<think>which one?</think>the fusion"));
    const gateway_process hidden(p.config());

    EXPECT_EQ(answer_text(chat(hidden, say(panel_name))), "the fusion");
    EXPECT_EQ(stream(hidden, say_streamed(panel_name)).text(), "the fusion");
}

}  // namespace

}  // namespace meta_model::contract
