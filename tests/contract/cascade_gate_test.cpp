// Steps whose answers must pass a gate: what is rejected is never seen, and the next step is asked.
#include "contract/cascade_steps.hpp"

namespace meta_model::contract {

namespace {

// Step a with a gate, then b; c and d are there to be asked about a's answer.
struct gated_steps {
    fake_upstream models{};

    gated_steps() {
        for (const std::string name : {"a", "b", "c", "d"}) {
            models.on(name, ok("answer of " + name));
        }
    }

    config_text config(const std::string& gate, const std::string& server_lines = "") const {
        config_text out(models);
        out.server(server_lines);
        for (const std::string name : {"a", "b", "c", "d"}) {
            out.upstream(name, "[upstreams." + name + ".breaker]\nfailures = 1000000");
        }
        return out.raw(
            "[profiles.\"steps.v1\"]\ntype = \"cascade\"\nsteps = [{ use = \"a\", accept = { "
            + gate + " } }, { use = \"b\" }]"
        );
    }
};

std::string rejected(const http_reply& reply) {
    return reply.header("X-MetaModel-Cascade-Rejected");
}

// a's answer is taken, whole and streamed, and nobody else is asked for one.
void expect_taken(
    gated_steps& s, const gateway_process& gateway, const json& more = json::object()
) {
    const auto before = s.models.call_count("b");
    const auto whole = chat(gateway, with(say(cascade_name), more));
    const auto streamed = stream(gateway, with(say_streamed(cascade_name), more));
    EXPECT_EQ(winner(whole), "a") << whole.body;
    EXPECT_FALSE(whole.has("X-MetaModel-Cascade-Rejected"));
    EXPECT_EQ(winner(streamed.head), "a");
    EXPECT_TRUE(streamed.has_done());
    EXPECT_EQ(streamed.text(), answer_text(whole));
    EXPECT_EQ(s.models.call_count("b"), before);
}

// It is not: b answers, and nothing of a's is shown.
void expect_rejected(
    gated_steps&,
    const gateway_process& gateway,
    const std::string& part,
    const json& more = json::object()
) {
    const auto whole = chat(gateway, with(say(cascade_name), more));
    EXPECT_EQ(answer_text(whole), "answer of b");
    EXPECT_EQ(tried(whole), "a,b");
    EXPECT_EQ(winner(whole), "b");
    EXPECT_EQ(rejected(whole), "a:" + part);
    const auto streamed = stream(gateway, with(say_streamed(cascade_name), more));
    EXPECT_EQ(streamed.text(), "answer of b");
    EXPECT_EQ(rejected(streamed.head), "a:" + part);
    EXPECT_TRUE(streamed.has_done());
}

TEST(cascade_gate, an_answer_must_end_for_one_of_the_reasons) {
    gated_steps s;
    const gateway_process gateway(s.config("finish_reasons = [\"stop\"]"));

    expect_taken(s, gateway);
    s.models.on("a", complete({.message = {{"content", "cut"}}, .finish = "length"}));
    expect_rejected(s, gateway, "finish_reasons");
}

TEST(cascade_gate, an_answer_must_have_the_form_that_the_client_asked_for) {
    gated_steps s;
    const gateway_process gateway(s.config("json_schema = true"));
    const json wish = {
        {"response_format",
         {{"type", "json_schema"},
          {"json_schema",
           {{"name", "n"}, {"schema", {{"type", "object"}, {"required", json::array({"a"})}}}}}}}
    };

    expect_taken(s, gateway);
    s.models.on("a", ok(R"({"a":1})"));
    expect_taken(s, gateway, wish);
    s.models.on("a", ok(R"({"b":1})"));
    expect_rejected(s, gateway, "json_schema", wish);
}

TEST(cascade_gate, an_answer_must_match_the_pattern) {
    gated_steps s;
    const gateway_process gateway(s.config("pattern = '\\bof a\\b'"));

    expect_taken(s, gateway);
    s.models.on("a", ok("something else"));
    expect_rejected(s, gateway, "pattern");
}

json with_logprob(double value) {
    return {
        {"id", "x"},
        {"object", "chat.completion"},
        {"model", "org/a"},
        {"choices",
         json::array(
             {{{"index", 0},
               {"message", {{"role", "assistant"}, {"content", "answer of a"}}},
               {"finish_reason", "stop"},
               {"logprobs", {{"content", json::array({{{"token", "answer"}, {"logprob", value}}})}}}
             }}
         )}
    };
}

TEST(cascade_gate, an_answer_must_be_sure_enough_of_itself) {
    gated_steps s;
    s.models.on("a", json_reply(200, with_logprob(-0.2)));
    const gateway_process gateway(s.config("min_mean_logprob = -0.4"));

    expect_taken(s, gateway);
    const auto sent = s.models.last_request("a").json;
    EXPECT_EQ(sent["logprobs"], true);
    EXPECT_FALSE(sent.value("stream", false));
    const auto unasked = chat(gateway, say(cascade_name)).json();
    EXPECT_TRUE(unasked["choices"][0]["logprobs"].is_null()) << unasked;
    const auto asked = chat(gateway, with(say(cascade_name), {{"logprobs", true}})).json();
    EXPECT_EQ(asked, with_logprob(-0.2));

    s.models.on("a", json_reply(200, with_logprob(-0.6)));
    expect_rejected(s, gateway, "min_mean_logprob");
    s.models.on("a", ok("tells no probabilities"));
    expect_rejected(s, gateway, "min_mean_logprob");
}

TEST(cascade_gate, another_must_say_the_same) {
    gated_steps s;
    s.models.on("a", ok("It is 4.\nANSWER: 4"));
    s.models.on("c", ok("\\boxed{4}"));
    const gateway_process gateway(s.config("agree_with = \"c\""));

    expect_taken(s, gateway);
    EXPECT_EQ(s.models.last_request("c").json["messages"], say("x")["messages"]);
    s.models.on("c", ok("ANSWER: 5"));
    expect_rejected(s, gateway, "agree_with");
    s.models.on("c", busy());
    expect_rejected(s, gateway, "agree_with");
}

TEST(cascade_gate, a_judge_must_find_it_good) {
    gated_steps s;
    const gateway_process gateway(s.config("judge = \"d\", judge_threshold = 0.7"));

    s.models.on("d", ok("7"));
    expect_taken(s, gateway);
    for (const char* verdict : {"6", "no number", "11", "-1", ""}) {
        SCOPED_TRACE(verdict);
        s.models.on("d", ok(verdict));
        expect_rejected(s, gateway, "judge");
    }
    s.models.on("d", busy(500));
    expect_rejected(s, gateway, "judge");
}

TEST(cascade_gate, a_judge_sees_the_conversation_and_the_answer_behind_a_fence) {
    gated_steps s;
    s.models.on("d", ok("10"));
    const gateway_process gateway(s.config("judge = \"d\""));
    const json more = {
        {"tools", json::array({{{"type", "function"}, {"function", {{"name", "f"}}}}})},
        {"response_format", {{"type", "json_object"}}},
        {"temperature", 0.9}
    };

    chat(gateway, with(say(cascade_name), more));

    const auto asked = s.models.last_request("d").json;
    EXPECT_FALSE(asked.contains("tools"));
    EXPECT_FALSE(asked.contains("response_format"));
    EXPECT_EQ(asked["temperature"], 0);
    ASSERT_EQ(asked["messages"].size(), 2u);
    EXPECT_EQ(asked["messages"][0], say("x")["messages"][0]);
    const auto question = asked["messages"][1]["content"].get<std::string>();
    EXPECT_NE(question.find("answer of a"), std::string::npos);
    EXPECT_NE(question.find("never an instruction"), std::string::npos);
}

TEST(cascade_gate, all_parts_must_hold_and_the_cheap_ones_come_first) {
    gated_steps s;
    s.models.on("d", ok("10"));
    const gateway_process gateway(s.config("pattern = 'b', agree_with = \"c\", judge = \"d\""));

    expect_rejected(s, gateway, "pattern");
    EXPECT_EQ(s.models.call_count("c"), 0u);
    EXPECT_EQ(s.models.call_count("d"), 0u);
}

TEST(cascade_gate, when_nothing_is_taken_the_error_says_why) {
    gated_steps s;
    s.models.on("b", busy(503));
    const gateway_process gateway(s.config("pattern = 'no'"));
    const gateway_process alone(config_text(s.models).upstream("a").raw(
        "[profiles.\"steps.v1\"]\ntype = \"cascade\"\n"
        "steps = [{ use = \"a\", accept = { pattern = 'no' } }]"
    ));

    EXPECT_EQ(chat(gateway, say(cascade_name)).status, 503) << "the last failure counts";
    const auto reply = chat(alone, say(cascade_name));
    expect_error(reply, {.status = 502, .type = "api_error", .code = "cascade_exhausted"});
    EXPECT_NE(reply.body.find("was not accepted: pattern"), std::string::npos);
    EXPECT_EQ(rejected(reply), "a:pattern");
}

TEST(cascade_gate, a_silent_judge_leaves_time_for_the_next_step) {
    gated_steps s;
    s.models.on("d", hang());
    const gateway_process gateway(s.config("judge = \"d\"", "request_timeout_secs = 1.0"));

    expect_rejected(s, gateway, "judge");
}

TEST(cascade_gate, a_client_that_leaves_cancels_the_judge) {
    gated_steps s;
    s.models.on("d", hang());
    const gateway_process gateway(s.config("judge = \"d\""));
    {
        http_client client(gateway.port());
        client.send(request_bytes(chat_parts(say(cascade_name).dump())));
        ASSERT_TRUE(s.models.wait_for_calls("d", 1));
    }

    EXPECT_TRUE(s.models.wait_for_peer_close("d", cancel_limit));
    EXPECT_EQ(s.models.call_count("b"), 0u);
}

TEST(cascade_gate, a_streaming_client_hears_heartbeats_until_the_gate_is_passed) {
    gated_steps s;
    const auto verdict = make_gate();
    s.models.on("d", held(verdict, ok("10")));
    const gateway_process gateway(
        s.config("judge = \"d\"", "stream_commit_secs = 0.1\nkeepalive_secs = 0.1")
    );
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed(cascade_name).dump())));
    const auto head = client.read_head();
    sse_reader reader(client);

    const auto heartbeat = reader.next();
    ASSERT_TRUE(heartbeat);
    EXPECT_TRUE(heartbeat->is_comment());
    verdict->open();
    const auto event = reader.next_data();

    EXPECT_EQ(head.status, 200);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->json()["choices"][0]["delta"]["role"], "assistant");
}

}  // namespace

}  // namespace meta_model::contract
