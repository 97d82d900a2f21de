// Calls that the request does not declare never leave the gateway where it reads the answer: in a cascade, in a vote, and on
// a passthrough that hides reasoning. Panels have tests of their own.
#include "contract/tool_words.hpp"
#include "contract/voters.hpp"

namespace meta_model::contract {

namespace {

constexpr auto steps_name = "steps.v1";

struct steps {
    fake_upstream models{};

    steps() {
        models.on("a", complete(calling({"rogue"})));
        models.on("b", ok("the answer of b"));
    }

    config_text config() {
        config_text out(models);
        out.upstreams({"a", "b"}).cascade(steps_name, {"a", "b"});
        return out;
    }
};

answer with_text(answer what, const std::string& text) {
    what.message["content"] = text;
    return what;
}

TEST(undeclared_calls, a_step_of_nothing_else_gives_way_to_the_next) {
    steps s;
    gateway_process gateway(s.config());
    const auto wish = declaring({"f"});

    for (const auto& rogue : {calling({"rogue"}), legacy_calling("rogue")}) {
        s.models.on("a", complete(rogue));
        const auto reply = chat(gateway, with(say(steps_name), wish));
        const auto streamed = stream(gateway, with(say_streamed(steps_name), wish));

        EXPECT_EQ(answer_text(reply), "the answer of b") << reply.body;
        EXPECT_EQ(reply.header("X-MetaModel-Cascade-Tried"), "a,b");
        EXPECT_EQ(streamed.text(), "the answer of b");
        EXPECT_TRUE(called(streamed).empty());
        EXPECT_TRUE(streamed.has_done());
    }
    EXPECT_EQ(s.models.call_count("b"), 4u);
    EXPECT_NE(final_log(gateway).find("rogue"), std::string::npos);
}

TEST(undeclared_calls, without_a_next_step_the_cascade_is_exhausted) {
    steps s;
    s.models.on("b", complete(calling({"rogue"})));
    const gateway_process gateway(s.config());

    const auto reply = chat(gateway, with(say(steps_name), declaring({"f"})));

    expect_envelope(reply, 502);
    EXPECT_EQ(reply.error_code(), "cascade_exhausted");
    EXPECT_EQ(reply.body.find("rogue"), std::string::npos);
}

TEST(undeclared_calls, a_step_with_text_answers_without_them) {
    steps s;
    s.models.on("a", complete(with_text(calling({"rogue"}), "it is 21 degrees")));
    const gateway_process gateway(s.config());
    const auto wish = declaring({"f"});

    const auto reply = chat(gateway, with(say(steps_name), wish));
    const auto streamed = stream(gateway, with(say_streamed(steps_name), wish));

    EXPECT_EQ(answer_text(reply), "it is 21 degrees");
    EXPECT_EQ(finish_of(reply), "stop");
    EXPECT_FALSE(message_of(reply).contains("tool_calls"));
    EXPECT_EQ(reply.json()["model"], "org/a") << "a cascade's winner keeps the name it wrote";
    EXPECT_EQ(reply.json()["id"], "chatcmpl-upstream");
    EXPECT_EQ(streamed.text(), "it is 21 degrees");
    EXPECT_EQ(streamed.finish_reason(), "stop");
    EXPECT_TRUE(called(streamed).empty());
    EXPECT_EQ(s.models.call_count("b"), 0u);
}

TEST(undeclared_calls, declared_ones_beside_them_stay) {
    steps s;
    s.models.on("a", complete(calling({"f", "rogue", "g<|end|>"})));
    const gateway_process gateway(s.config());
    const auto wish = declaring({"f", "g"});

    const auto reply = chat(gateway, with(say(steps_name), wish));
    const auto streamed = stream(gateway, with(say_streamed(steps_name), wish));

    EXPECT_EQ(called(reply), (names{"f", "g"})) << reply.body;
    EXPECT_EQ(finish_of(reply), "tool_calls");
    EXPECT_EQ(called(streamed), (names{"f", "g"}));
    EXPECT_EQ(streamed.finish_reason(), "tool_calls");
    std::vector<int> indices;
    for (const auto& chunk : streamed.chunks()) {
        for (const auto& c : chunk["choices"][0]["delta"].value("tool_calls", json::array())) {
            indices.push_back(c["index"]);
        }
    }
    EXPECT_EQ(indices, (std::vector<int>{0, 1}));
}

TEST(undeclared_calls, a_vote_does_not_count_them) {
    voters v("x", "x", "x");
    v.models.on("a", complete(calling({"rogue"})));
    v.models.on("b", complete(calling({"f<|end|>"}, "{}", "b")));
    v.models.on("c", complete(calling({"rogue"})));
    gateway_process gateway(v.config("ballot = \"tool_call\"\naggregation = \"plurality\""));

    const auto reply = chat(gateway, with(say(vote_name), declaring({"f"})));

    EXPECT_EQ(called(reply), names{"f"}) << reply.body;
    EXPECT_EQ(reply.body.find("rogue"), std::string::npos);
    EXPECT_NE(final_log(gateway).find("rogue"), std::string::npos);
}

TEST(undeclared_calls, a_vote_of_calls_keeps_to_tool_choice) {
    voters v("some text", "some text", "x");
    v.models.on("c", complete(calling({"f", "g"}, "{}", "c")));
    const gateway_process gateway(v.config("ballot = \"tool_call\"\naggregation = \"plurality\""));
    const json wish = {{"tool_choice", "required"}, {"parallel_tool_calls", false}};

    const auto reply = chat(gateway, with(with(say(vote_name), declaring({"f", "g"})), wish));

    EXPECT_EQ(called(reply), names{"f"}) << "texts are no votes where a call is required";
}

TEST(undeclared_calls, an_elected_text_goes_out_without_them) {
    voters v("x", "x", "x");
    for (const char* name : {"a", "b", "c"}) {
        v.models.on(name, complete(with_text(calling({"rogue"}), "Oslo")));
    }
    const gateway_process gateway(v.config("ballot = \"text\"\naggregation = \"majority\""));

    const auto reply = chat(gateway, with(say(vote_name), declaring({"rogue"})));
    const auto streamed = stream(gateway, say_streamed(vote_name));

    EXPECT_EQ(answer_text(reply), "Oslo") << reply.body;
    EXPECT_FALSE(message_of(reply).contains("tool_calls"));
    EXPECT_EQ(finish_of(reply), "stop");
    EXPECT_EQ(streamed.text(), "Oslo");
    EXPECT_TRUE(called(streamed).empty());
}

struct relay {
    fake_upstream models{};

    config_text config() {
        config_text out(models);
        out.upstream("a")
            .passthrough("hiding.v1", "a", "expose_reasoning = false")
            .passthrough("raw.v1", "a");
        return out;
    }
};

TEST(undeclared_calls, a_passthrough_that_hides_reasoning_leaves_them_out) {
    relay r;
    const gateway_process gateway(r.config());
    const auto wish = declaring({"f"});

    for (const bool always_json : {false, true}) {
        auto both = with_text(calling({"rogue", "f"}), "a word");
        both.always_json = always_json;
        r.models.on("a", complete(both));
        const auto reply = chat(gateway, with(say("hiding.v1"), wish));
        const auto streamed = stream(gateway, with(say_streamed("hiding.v1"), wish));
        EXPECT_EQ(called(reply), names{"f"}) << reply.body;
        EXPECT_EQ(called(streamed), names{"f"});
        EXPECT_EQ(streamed.text(), "a word");
        EXPECT_EQ(streamed.finish_reason(), "tool_calls");

        auto rogue = calling({"rogue"});
        rogue.always_json = always_json;
        r.models.on("a", complete(rogue));
        expect_envelope(chat(gateway, with(say("hiding.v1"), wish)), 502);
        expect_envelope(stream(gateway, with(say_streamed("hiding.v1"), wish)).head, 502);
    }
}

TEST(undeclared_calls, without_any_tools_every_call_is_one) {
    steps s;
    s.models.on("hidden", complete(with_text(calling({"rogue"}), "a word")));
    auto config = s.config();
    config.upstream("hidden").passthrough("hiding.v1", "hidden", "expose_reasoning = false");
    const gateway_process gateway(config);

    const auto reply = chat(gateway, say(steps_name));
    const auto streamed = stream(gateway, say_streamed(steps_name));
    EXPECT_EQ(answer_text(reply), "the answer of b") << reply.body;
    EXPECT_EQ(streamed.text(), "the answer of b");
    EXPECT_TRUE(called(streamed).empty());

    const auto relayed = chat(gateway, say("hiding.v1"));
    const auto relayed_stream = stream(gateway, say_streamed("hiding.v1"));
    EXPECT_EQ(answer_text(relayed), "a word") << relayed.body;
    EXPECT_FALSE(message_of(relayed).contains("tool_calls"));
    EXPECT_EQ(finish_of(relayed), "stop");
    EXPECT_EQ(relayed_stream.text(), "a word");
    EXPECT_TRUE(called(relayed_stream).empty());
    EXPECT_EQ(relayed_stream.finish_reason(), "stop");
}

TEST(undeclared_calls, a_relayed_answer_is_the_upstreams_own) {
    relay r;
    r.models.on("a", complete(calling({"rogue"})));
    const gateway_process gateway(r.config());

    EXPECT_EQ(called(chat(gateway, say("raw.v1"))), names{"rogue"});
    EXPECT_EQ(called(stream(gateway, say_streamed("raw.v1"))), names{"rogue"});
}

}  // namespace

}  // namespace meta_model::contract
