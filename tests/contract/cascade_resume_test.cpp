// `on_cut = "resume"`: an answer that was cut after its first token is brought to its end by the next step.
#include "contract/cascade_steps.hpp"
#include "contract/tool_words.hpp"

namespace meta_model::contract {

namespace {

const std::string whole_text = "one two three four five six seven";
const std::string cut_text = "one two three four";

// Head, role and four words, then the connection is closed.
reply cut_answer() {
    return cut_after_sends(6, ok(whole_text));
}

struct resuming {
    cascade_steps s{};

    resuming() { s.models.on("a", cut_answer()); }

    sse_transcript ask(
        const std::string& lines_of_b = "", const std::vector<std::string>& steps = {"a", "b"}
    ) {
        const gateway_process gateway(config_text(s.models)
                                          .upstream("a")
                                          .upstream("b", lines_of_b)
                                          .upstream("c")
                                          .cascade(cascade_name, steps, "on_cut = \"resume\""));
        auto result = stream(gateway, with(say_streamed(cascade_name), wish));
        record = get(gateway, "/v1/metrics/moa").json()["profiles"][cascade_name];
        return result;
    }

    json wish = json::object();  // more of the request
    json record{};
};

void expect_whole(const sse_transcript& result, const std::string& text = whole_text) {
    EXPECT_EQ(result.text(), text);
    EXPECT_TRUE(result.error().is_null()) << result.error();
    EXPECT_EQ(result.finish_reason(), "stop");
    EXPECT_TRUE(result.has_done());
}

void expect_cut(const sse_transcript& result, const std::string& text = cut_text) {
    EXPECT_EQ(result.text(), text);
    EXPECT_TRUE(result.error().is_object());
    EXPECT_FALSE(result.has_done());
}

TEST(cascade_resume, a_continuation_is_appended) {
    resuming r;
    r.s.models.on("b", ok(" five six seven"));

    const auto result = r.ask();

    expect_whole(result);
    EXPECT_EQ(winner(result.head), "a") << "it was told with the head";
    for (const auto& chunk : result.chunks()) {
        EXPECT_EQ(chunk["id"], result.chunks().front()["id"]);
        EXPECT_EQ(chunk["model"], "org/a");
    }
    EXPECT_EQ(r.record["synth_decisions"], (json{{"resumed", 1}}));
    EXPECT_EQ(r.record["legs"]["a"]["states"], (json{{"partial", 1}}));
    EXPECT_EQ(r.record["legs"]["b"]["states"], (json{{"done", 1}}));
}

TEST(cascade_resume, a_new_beginning_is_skipped_up_to_the_seam) {
    resuming r;
    r.s.models.on("b", ok(whole_text));

    expect_whole(r.ask());
}

TEST(cascade_resume, repeated_last_words_are_shown_once) {
    resuming r;
    r.s.models.on("b", ok("two three four five six seven"));

    expect_whole(r.ask());
}

TEST(cascade_resume, another_beginning_is_never_glued_on) {
    resuming r;
    r.s.models.on("b", ok("one two three for the money"));

    expect_cut(r.ask());
    EXPECT_EQ(r.s.models.call_count("b"), 1u);
}

TEST(cascade_resume, a_step_is_prefilled_only_when_it_says_that_it_can_be) {
    resuming r;
    r.s.models.on("b", ok(" five six seven"));

    expect_whole(r.ask());
    const auto asked = r.s.models.last_request("b").json["messages"];
    expect_whole(r.ask("supports_prefill = true"));
    const auto prefilled = r.s.models.last_request("b").json["messages"];

    const json sent = {{"role", "assistant"}, {"content", cut_text}};
    ASSERT_EQ(asked.size(), 3u) << "the conversation, what was sent, and the wish to go on";
    EXPECT_EQ(asked[1], sent);
    EXPECT_EQ(asked[2]["role"], "user");
    ASSERT_EQ(prefilled.size(), 2u);
    EXPECT_EQ(prefilled[0], asked[0]);
    EXPECT_EQ(prefilled[1], sent);
}

TEST(cascade_resume, the_step_after_next_goes_on_when_the_next_is_cut_too) {
    resuming r;
    r.s.models.on("b", cut_after_sends(3, ok(" five six seven")));
    r.s.models.on("c", ok(" six seven"));

    expect_whole(r.ask("", {"a", "b", "c"}));
    EXPECT_EQ(r.s.models.last_request("c").json["messages"][1]["content"], cut_text + " five");
}

TEST(cascade_resume, steps_that_cannot_be_had_are_passed_over) {
    resuming r;
    r.s.models.on("b", busy());
    r.s.models.on("c", ok(" five six seven"));

    expect_whole(r.ask("", {"a", "b", "c"}));
}

TEST(cascade_resume, without_another_step_it_is_an_error) {
    resuming r;
    r.s.models.on("b", busy());

    expect_cut(r.ask("", {"a"}));
    expect_cut(r.ask("", {"a", "b"}));
}

TEST(cascade_resume, idle_limits_and_error_events_are_cuts_too) {
    resuming r;
    r.s.models.on("b", ok(" five six seven"));
    const auto chunk = [](const std::string& text) {
        return json{{"choices", json::array({{{"index", 0}, {"delta", {{"content", text}}}}})}
        }.dump();
    };
    r.s.models.on("a", sse({chunk(cut_text), R"({"error":{"message":"overloaded","code":503}})"}));
    const auto after_event = r.ask();
    r.s.models.on("a", hang_after_sends(6, ok(whole_text)));
    const gateway_process impatient(config_text(r.s.models)
                                        .upstream("a", "[upstreams.a.timeouts]\nidle_secs = 0.2")
                                        .upstream("b")
                                        .cascade(cascade_name, {"a", "b"}, "on_cut = \"resume\""));

    // The text and the error may come in one read: then nothing was sent yet and the next step begins anew.
    EXPECT_TRUE(after_event.has_done());
    EXPECT_TRUE(after_event.text() == whole_text || after_event.text() == " five six seven")
        << after_event.text();
    expect_whole(stream(impatient, say_streamed(cascade_name)));
}

TEST(cascade_resume, an_upstream_that_cannot_stream_goes_on_as_well) {
    resuming r;
    r.s.models.on("b", ok(" five six seven"));

    expect_whole(r.ask("stream = false"));
}

TEST(cascade_resume, reasoning_of_the_next_step_stays_hidden) {
    resuming r;
    r.s.models.on("b", ok("<think>where was I?</think> five six seven"));

    const auto result = r.ask();

    EXPECT_EQ(result.text().find("where"), std::string::npos) << result.text();
    EXPECT_TRUE(result.has_done());
}

TEST(cascade_resume, tool_calls_are_never_resumed) {
    resuming r;
    r.wish = declaring({"look"});
    // Head, role and the call; the finish is missing.
    r.s.models.on("a", cut_after_sends(3, calls("look", R"({"at":"it"})")));

    const auto cut_call = r.ask();
    EXPECT_TRUE(cut_call.error().is_object());
    EXPECT_FALSE(cut_call.has_done());
    EXPECT_EQ(r.s.models.call_count("b"), 0u);

    r.s.models.on("a", cut_answer());
    r.s.models.on("b", calls("look", R"({"at":"it"})"));
    expect_cut(r.ask());
}

TEST(cascade_resume, an_answer_longer_than_is_kept_is_not_resumed) {
    resuming r;
    const std::string word = std::string(4000, 'x') + ' ';
    std::string long_text;
    while (long_text.size() < 600000) {
        long_text += word;
    }
    const auto sends = 2 + long_text.size() / word.size();
    r.s.models.on("a", cut_after_sends(sends, ok(long_text + "end")));

    const auto result = r.ask();

    EXPECT_GT(result.text().size(), 512u << 10);
    EXPECT_TRUE(result.error().is_object());
    EXPECT_FALSE(result.has_done());
    EXPECT_EQ(r.s.models.call_count("b"), 0u);
}

TEST(cascade_resume, usage_is_the_last_steps) {
    resuming r;
    answer rest;
    rest.message["content"] = " five six seven";
    rest.usage = {{"prompt_tokens", 40}, {"completion_tokens", 3}, {"total_tokens", 43}};
    r.s.models.on("b", complete(rest));
    const gateway_process gateway(config_text(r.s.models)
                                      .upstreams({"a", "b"})
                                      .cascade(cascade_name, {"a", "b"}, "on_cut = \"resume\""));

    const auto result = stream(
        gateway, with(say_streamed(cascade_name), {{"stream_options", {{"include_usage", true}}}})
    );

    EXPECT_EQ(result.chunks().back()["usage"], rest.usage);
}

TEST(cascade_resume, a_client_that_left_is_not_written_for) {
    resuming r;
    r.s.models.on("a", hang_after_sends(6, ok(whole_text)));
    const gateway_process gateway(config_text(r.s.models)
                                      .upstreams({"a", "b"})
                                      .cascade(cascade_name, {"a", "b"}, "on_cut = \"resume\""));
    http_client client(gateway.port());
    client.send(request_bytes(chat_parts(say_streamed(cascade_name).dump())));
    client.read_head();

    client.close();

    EXPECT_TRUE(r.s.models.wait_for_peer_close("a", cancel_limit));
    EXPECT_EQ(chat(gateway, say("a")).status, 200) << "the gateway lives";
    EXPECT_EQ(r.s.models.call_count("b"), 0u);
}

}  // namespace

}  // namespace meta_model::contract
