// A cascade that streams: before its first visible token a step can fail without a trace, after it the step has won.
#include "contract/cascade_steps.hpp"
#include "contract/tool_words.hpp"

namespace meta_model::contract {

namespace {

TEST(streaming, moa_202_a_cascade_streams_the_same_grammar) {
    cascade_steps s;
    s.models.on("a", busy());
    const gateway_process gateway(s.config());

    const auto result = stream(gateway, say_streamed(cascade_name));

    EXPECT_EQ(result.head.status, 200);
    EXPECT_EQ(tried(result.head), "a,b");
    EXPECT_EQ(winner(result.head), "b");
    EXPECT_EQ(result.chunks().front()["choices"][0]["delta"]["role"], "assistant");
    EXPECT_EQ(result.chunks().front()["model"], "org/b");
    EXPECT_EQ(result.text(), "answer of b");
    EXPECT_EQ(result.finish_reason(), "stop");
    EXPECT_TRUE(result.has_done());
}

TEST(cascade_stream, tokens_leave_while_the_winner_writes) {
    cascade_steps s;
    const auto gate = make_gate();
    s.models.on("a", held_after(3, gate, ok("first second")));
    const gateway_process gateway(s.config());
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed(cascade_name).dump())));
    client.read_head();
    sse_reader reader(client);

    EXPECT_EQ(next_content(reader), "first");
    EXPECT_FALSE(s.models.last_request("a").replied) << "the step still writes";
    gate->open();
}

TEST(cascade_stream, a_step_that_fails_before_its_first_token_leaves_no_trace) {
    cascade_steps s;
    const gateway_process gateway(s.config());
    const std::vector<std::pair<std::string, reply>> faults{
        {"refused", busy()},
        {"cut behind the head", cut_after_sends(1, ok("x"))},
        {"cut behind the role", cut_after_sends(2, ok("x"))},
        {"reset behind the role", reset_after_sends(2, ok("x"))},
        {"only blanks", ok("  ")},
        {"an error as first event", sse({R"({"error":{"message":"overloaded"}})"})},
        {"html", html()},
        {"no choice", ok_as_json("")},
        {"ends without a finish",
         sse({R"({"choices":[{"index":0,"delta":{"role":"assistant","content":" "}}]})"})},
    };

    for (const auto& [what, fault] : faults) {
        s.models.next("a", fault);
        const auto result = stream(gateway, say_streamed(cascade_name));
        EXPECT_EQ(result.text(), "answer of b") << what;
        EXPECT_EQ(winner(result.head), "b") << what;
        EXPECT_TRUE(result.error().is_null()) << what;
        EXPECT_TRUE(result.has_done()) << what;
    }
}

TEST(cascade_stream, a_late_first_token_is_not_waited_for) {
    cascade_steps s;
    s.models.on("a", hang_after_sends(2, ok("x")));
    const gateway_process gateway(
        config_text(s.models)
            .upstream("a", "[upstreams.a.timeouts]\nfirst_token_secs = 0.2")
            .upstream("b")
            .cascade(cascade_name, {"a", "b"})
    );

    const auto start = clock::now();
    const auto result = stream(gateway, say_streamed(cascade_name));

    EXPECT_EQ(result.text(), "answer of b");
    EXPECT_LT(clock::now() - start, 200ms + cancel_limit);
    EXPECT_EQ(s.models.call_count("a"), 1u);
}

TEST(cascade_stream, a_cut_after_the_first_token_is_an_error_event) {
    cascade_steps s;
    s.models.on("a", cut_after_sends(3, ok("first second")));
    const gateway_process gateway(s.config());

    const auto result = stream(gateway, say_streamed(cascade_name));

    EXPECT_EQ(result.text(), "first");
    EXPECT_EQ(result.error().value("code", ""), "upstream_error");
    EXPECT_FALSE(result.has_done());
    EXPECT_EQ(s.models.call_count("b"), 0u);
}

TEST(cascade_stream, heartbeats_cover_a_silent_step_and_the_next_still_answers) {
    cascade_steps s;
    s.models.on("a", hang());
    const gateway_process gateway(
        config_text(s.models)
            .server("stream_commit_secs = 0.1\nkeepalive_secs = 0.1")
            .upstream("a", "[upstreams.a.timeouts]\nfirst_byte_secs = 0.5")
            .upstream("b")
            .cascade(cascade_name, {"a", "b"})
    );

    const auto result = stream(gateway, say_streamed(cascade_name));

    EXPECT_GE(result.comments.size(), 2u);
    EXPECT_EQ(result.text(), "answer of b");
    EXPECT_TRUE(result.has_done());
}

TEST(cascade_stream, failures_after_an_early_head_are_one_error_event) {
    cascade_steps s;
    s.models.on("a", delayed(300ms, refusal(400, {{"message", "'tools' is wrong"}})));
    const gateway_process gateway(s.config().server("stream_commit_secs = 0.1"));
    s.models.on("b", delayed(300ms, busy()));
    const gateway_process exhausted(s.config("", {"b"}).server("stream_commit_secs = 0.1\n"));

    const auto refused = stream(gateway, say_streamed(cascade_name));
    const auto failed = stream(exhausted, say_streamed(cascade_name));

    EXPECT_EQ(refused.error().value("message", ""), "'tools' is wrong");
    EXPECT_EQ(failed.error().value("code", ""), "cascade_exhausted");
    EXPECT_FALSE(refused.has_done() || failed.has_done());
}

TEST(cascade_stream, exhausted_and_refused_streams_are_json_errors) {
    cascade_steps s;
    s.models.on("a", busy());
    s.models.on("b", busy());
    const gateway_process gateway(s.config());

    const auto failed = stream(gateway, say_streamed(cascade_name));
    s.models.on("a", refusal(422, {{"message", "no"}}));
    const auto refused = stream(gateway, say_streamed(cascade_name));

    expect_error(
        failed.head, {503, "service_unavailable_error", "cascade_exhausted", std::nullopt}
    );
    EXPECT_EQ(failed.head.header("X-MetaModel-Cascade-Exhausted"), "2");
    EXPECT_EQ(winner(failed.head), "");
    EXPECT_EQ(refused.head.status, 422);
    EXPECT_EQ(refused.head.json()["error"]["message"], "no");
}

TEST(cascade_stream, tool_calls_are_carried) {
    cascade_steps s;
    s.models.on("a", calls("look", R"({"at":"it"})"));
    const gateway_process gateway(s.config());

    const auto result = stream(gateway, with(say_streamed(cascade_name), declaring({"look"})));

    json seen;
    for (const auto& chunk : result.chunks()) {
        if (!chunk["choices"].empty() && chunk["choices"][0]["delta"].contains("tool_calls")) {
            seen = chunk["choices"][0]["delta"]["tool_calls"][0];
        }
    }
    EXPECT_EQ(seen["function"]["name"], "look");
    EXPECT_EQ(result.finish_reason(), "tool_calls");
    EXPECT_TRUE(result.has_done());
}

TEST(cascade_stream, reasoning_is_hidden_unless_the_profile_shows_it) {
    cascade_steps s;
    s.models.on("a", with_reasoning("four", "two and two"));
    const gateway_process hidden(s.config());
    const gateway_process shown(s.config("expose_reasoning = true"));
    const auto reasoning_of = [](const sse_transcript& t) {
        std::string out;
        for (const auto& chunk : t.chunks()) {
            if (!chunk["choices"].empty()) {
                out += chunk["choices"][0]["delta"].value("reasoning_content", "");
            }
        }
        return out;
    };

    const auto without = stream(hidden, say_streamed(cascade_name));
    const auto with_it = stream(shown, say_streamed(cascade_name));

    EXPECT_EQ(without.text(), "four");
    EXPECT_EQ(reasoning_of(without), "");
    EXPECT_EQ(with_it.text(), "four");
    EXPECT_EQ(reasoning_of(with_it), "two and two");
}

TEST(cascade_stream, usage_is_the_winners_and_comes_only_when_asked_for) {
    cascade_steps s;
    s.models.on("a", busy());
    const gateway_process gateway(s.config());
    const json wish = {{"stream_options", {{"include_usage", true}}}};

    const auto asked = stream(gateway, with(say_streamed(cascade_name), wish));
    const auto unasked = stream(gateway, say_streamed(cascade_name));

    EXPECT_EQ(asked.chunks().back()["usage"]["total_tokens"], 18);
    for (const auto& chunk : unasked.chunks()) {
        EXPECT_FALSE(chunk.contains("usage"));
    }
}

TEST(cascade_stream, an_upstream_that_cannot_stream_answers_in_pieces) {
    cascade_steps s;
    const gateway_process gateway(
        config_text(s.models).upstream("a", "stream = false").cascade(cascade_name, {"a"})
    );

    const auto result = stream(gateway, say_streamed(cascade_name));

    EXPECT_FALSE(s.models.last_request("a").wants_stream());
    EXPECT_EQ(result.text(), "answer of a");
    EXPECT_EQ(result.chunks().front()["model"], "org/a");
    EXPECT_TRUE(result.has_done());
}

}  // namespace

}  // namespace meta_model::contract
