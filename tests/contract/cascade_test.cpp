// Group G: upstreams in order, the first usable answer wins. Whole replies; streams are in cascade_stream_test.cpp.
#include "contract/cascade_steps.hpp"
#include "contract/tool_words.hpp"

namespace meta_model::contract {

namespace {

TEST(cascade, moa_86_the_first_good_step_is_the_only_one_called) {
    cascade_steps s;
    const gateway_process gateway(s.config());

    const auto reply = chat(gateway, say(cascade_name));

    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(answer_text(reply), "answer of a");
    EXPECT_EQ(tried(reply), "a");
    EXPECT_EQ(winner(reply), "a");
    EXPECT_FALSE(reply.has("X-MetaModel-Cascade-Exhausted"));
    EXPECT_EQ(s.models.call_count("b"), 0u);
}

TEST(cascade, moa_87_a_failed_step_is_followed_by_the_next) {
    cascade_steps s;
    s.models.on("a", busy(502));
    const gateway_process gateway(s.config());

    const auto reply = chat(gateway, say(cascade_name));

    EXPECT_EQ(answer_text(reply), "answer of b");
    EXPECT_EQ(tried(reply), "a,b");
    EXPECT_EQ(winner(reply), "b");
    EXPECT_EQ(s.models.call_count("a"), 1u);
    EXPECT_LE(s.models.last_request("a").received, s.models.last_request("b").received);
    EXPECT_EQ(reply.header("X-MetaModel-Profile"), cascade_name);
}

TEST(cascade, the_winners_body_names_its_model_and_carries_its_usage) {
    cascade_steps s;
    s.models.on("a", busy());
    answer what;
    what.message["content"] = "b's";
    what.usage = {
        {"prompt_tokens", 31}, {"completion_tokens", 4}, {"total_tokens", 35}, {"odd", 1}
    };
    s.models.on("b", complete(what));
    const gateway_process gateway(s.config());
    const gateway_process house(s.config().server("model_name = \"house\""));

    const auto body = chat(gateway, say(cascade_name)).json();

    EXPECT_EQ(body["model"], "org/b");
    EXPECT_EQ(body["usage"], what.usage) << "as the upstream wrote it";
    EXPECT_EQ(chat(house, say(cascade_name)).json()["model"], "house");
}

TEST(cascade, every_step_gets_the_clients_own_body) {
    cascade_steps s;
    s.models.on("a", busy());
    const gateway_process gateway(s.config());
    auto request = with(say(cascade_name), {{"temperature", 0.25}, {"odd", {{"kept", true}}}});

    chat(gateway, request);

    for (const char* name : {"a", "b"}) {
        request["model"] = fake_upstream::model_id(name);
        EXPECT_EQ(s.models.last_request(name).json, request) << name;
    }
}

TEST(cascade, moa_88_replies_without_a_usable_answer_fall_through) {
    cascade_steps s;
    const gateway_process gateway(s.config());
    const std::vector<std::pair<std::string, reply>> useless{
        {"no choices", json_reply(200, {{"choices", json::array()}})},
        {"blanks only", ok("  \n ")},
        {"a choice that is no object", json_reply(200, {{"choices", json::array({"x"})}})},
        {"a message that is no object",
         json_reply(200, {{"choices", json::array({{{"message", 1}}})}})},
        {"html", html()},
        {"a list", json_array()},
        {"an error object", refusal(200, {{"message", "overloaded"}})},
        {"a stream nobody asked for", sse({R"({"choices":[{"delta":{"content":"x"}}]})", "[DONE]"})
        },
        {"garbage", garbage()},
        {"a reset", reset_at_once()},
    };

    for (const auto& [what, reply_of_a] : useless) {
        s.models.on("a", reply_of_a);
        const auto reply = chat(gateway, say(cascade_name));
        EXPECT_EQ(reply.status, 200) << what;
        EXPECT_EQ(answer_text(reply), "answer of b") << what;
        EXPECT_EQ(tried(reply), "a,b") << what;
    }
}

TEST(cascade, moa_89_a_tool_call_without_content_wins) {
    cascade_steps s;
    s.models.on("a", calls("look", R"({"at":"it"})"));
    const gateway_process gateway(s.config());

    const auto reply = chat(gateway, with(say(cascade_name), declaring({"look"})));

    EXPECT_EQ(winner(reply), "a");
    EXPECT_EQ(reply.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "look");
}

TEST(cascade, moa_90_reasoning_in_the_place_of_content_wins_as_content) {
    cascade_steps s;
    answer what;
    what.message = {
        {"role", "assistant"}, {"content", nullptr}, {"reasoning_content", "so it is 4"}
    };
    s.models.on("a", complete(what));
    const gateway_process gateway(s.config());

    const auto reply = chat(gateway, say(cascade_name));

    const auto message = reply.json()["choices"][0]["message"];
    EXPECT_EQ(winner(reply), "a");
    EXPECT_EQ(message["content"], "so it is 4");
    EXPECT_FALSE(message.contains("reasoning_content"));
    EXPECT_FALSE(message.contains("reasoning"));
}

TEST(cascade, a_step_whose_meaning_is_poor_still_wins) {
    cascade_steps s;
    answer what;
    what.message["content"] = "{\"half\":";
    what.finish = "length";
    s.models.on("a", complete(what));
    const gateway_process gateway(s.config());

    EXPECT_EQ(winner(chat(gateway, say(cascade_name))), "a");
}

TEST(cascade, moa_91_an_exhausted_cascade_tells_the_last_status) {
    cascade_steps s;
    s.models.on("a", busy());
    s.models.on("b", busy());
    const gateway_process gateway(s.config());

    const auto reply = chat(gateway, say(cascade_name));

    expect_error(reply, {503, "service_unavailable_error", "cascade_exhausted", std::nullopt});
    EXPECT_EQ(tried(reply), "a,b");
    EXPECT_EQ(reply.header("X-MetaModel-Cascade-Exhausted"), "2");
    EXPECT_EQ(reply.header("X-MetaModel-Cascade-Last-Status"), "503");
    EXPECT_NE(reply.header("X-MetaModel-Cascade-Last-Detail").find("503"), std::string::npos);
    EXPECT_EQ(reply.json()["error"]["message"], reply.header("X-MetaModel-Cascade-Last-Detail"));
    EXPECT_EQ(winner(reply), "");
    EXPECT_TRUE(reply.has("X-MetaModel-Prompt-Tokens-In"));
}

TEST(cascade, moa_92_a_structured_failure_is_a_502_with_the_last_detail) {
    cascade_steps s;
    s.models.on("a", busy());
    s.models.on("b", busy());
    const gateway_process gateway(s.config("on_all_fail = \"structured_502\""));

    const auto reply = chat(gateway, say(cascade_name));

    expect_error(reply, {502, "api_error", "cascade_exhausted", std::nullopt});
    const auto message = reply.json()["error"]["message"].get<std::string>();
    const auto detail = reply.header("X-MetaModel-Cascade-Last-Detail");
    EXPECT_FALSE(detail.empty());
    EXPECT_NE(message, detail);
    EXPECT_NE(message.find(detail), std::string::npos) << message;
}

TEST(cascade, moa_93_a_callers_mistake_stops_and_is_returned_as_it_is) {
    cascade_steps s;
    const gateway_process gateway(s.config());

    for (const int status : {400, 404, 413, 422}) {
        const json error = {
            {"message", "'tools' is wrong"}, {"code", "bad_tools"}, {"extra", 1.50}
        };
        s.models.next("a", refusal(status, error, {{"x-ratelimit-limit-requests", "7"}}));
        const auto reply = chat(gateway, say(cascade_name));
        EXPECT_EQ(reply.status, status);
        EXPECT_EQ(reply.json(), (json{{"error", error}})) << status;
        EXPECT_EQ(reply.header("x-ratelimit-limit-requests"), "7");
        EXPECT_EQ(tried(reply), "a");
        EXPECT_EQ(winner(reply), "");
    }
    EXPECT_EQ(s.models.call_count("b"), 0u);
}

TEST(cascade, refusals_that_are_not_the_callers_go_on) {
    cascade_steps s;
    const gateway_process gateway(s.config());

    for (const int status : {401, 402, 403, 408, 409, 429, 500, 529, 302}) {
        s.models.next("a", busy(status));
        const auto reply = chat(gateway, say(cascade_name));
        EXPECT_EQ(answer_text(reply), "answer of b") << status;
    }
}

TEST(cascade, refused_credentials_at_the_end_are_no_401_of_the_client) {
    cascade_steps s;
    s.models.on("a", busy());
    s.models.on("b", refusal(401, {{"message", "bad key sk-upstream"}}));
    const gateway_process gateway(s.config());

    const auto reply = chat(gateway, say(cascade_name));

    EXPECT_EQ(reply.status, 502);
    EXPECT_EQ(reply.error_code(), "cascade_exhausted");
    EXPECT_EQ(reply.header("X-MetaModel-Cascade-Last-Status"), "401");
    EXPECT_EQ(reply.body.find("sk-upstream"), std::string::npos);
}

TEST(cascade, moa_94_hanging_steps_share_one_deadline) {
    cascade_steps s;
    s.models.on("a", hang());
    s.models.on("b", hang());
    const gateway_process gateway(s.config().server("request_timeout_secs = 0.6"));

    const auto start = clock::now();
    const auto reply = chat(gateway, say(cascade_name));
    const auto took = clock::now() - start;

    EXPECT_EQ(reply.status, 504);
    EXPECT_EQ(reply.error_code(), "cascade_exhausted");
    EXPECT_GE(took, 600ms);
    EXPECT_LT(took, 600ms + cancel_limit) << "not twice the time";
    EXPECT_TRUE(s.models.wait_for_peer_close("a", cancel_limit));
}

TEST(cascade, a_silent_step_is_left_at_its_own_limit) {
    cascade_steps s;
    s.models.on("a", hang());
    const gateway_process gateway(
        config_text(s.models)
            .upstream("a", "[upstreams.a.timeouts]\nfirst_byte_secs = 0.2")
            .upstream("b")
            .cascade(cascade_name, {"a", "b"})
    );

    const auto start = clock::now();
    const auto reply = chat(gateway, say(cascade_name));

    EXPECT_EQ(answer_text(reply), "answer of b");
    EXPECT_LT(clock::now() - start, 200ms + cancel_limit);
    EXPECT_EQ(s.models.call_count("a"), 1u) << "what was silent is not asked again";
    EXPECT_TRUE(s.models.wait_for_peer_close("a", cancel_limit));
}

// Windows of 4,096 (a), 4,096 (b) and 65,536 (c).
config_text with_windows(const cascade_steps& s) {
    config_text out(s.models);
    out.upstream("a", "context = 4096\nmax_output = 512")
        .upstream("b", "context = 4096\nmax_output = 512")
        .upstream("c", "context = 65536")
        .cascade(cascade_name, {"a", "b", "c"});
    return out;
}

TEST(cascade, a_context_refusal_goes_to_a_larger_window_only) {
    cascade_steps s;
    const gateway_process gateway(with_windows(s));
    const std::vector<json> refusals{
        {{"message", "no"}, {"code", "context_length_exceeded"}},
        {{"message",
          "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens."}
        },
        {{"message", "the request exceeds the available context size"},
         {"type", "exceed_context_size_error"}},
        {{"message", "prompt is too long: 9000 tokens > 4096 maximum"}},
    };

    for (const auto& error : refusals) {
        s.models.next("a", refusal(400, error));
        const auto reply = chat(gateway, say(cascade_name));
        EXPECT_EQ(answer_text(reply), "answer of c") << error;
        EXPECT_EQ(tried(reply), "a,c") << error;
    }
    EXPECT_EQ(s.models.call_count("b"), 0u);
}

TEST(cascade, a_context_refusal_without_a_larger_window_is_the_answer) {
    cascade_steps s;
    const json error = {{"message", "too long"}, {"code", "context_length_exceeded"}};
    s.models.on("c", refusal(400, error));
    const gateway_process gateway(with_windows(s).cascade("last.v1", {"c", "a"}));

    const auto reply = chat(gateway, say("last.v1"));

    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.json()["error"], error);
    EXPECT_EQ(s.models.call_count("a"), 0u);
}

TEST(cascade, a_content_filter_refusal_stops_whatever_its_form) {
    cascade_steps s;
    const gateway_process gateway(s.config());
    answer filtered;
    filtered.finish = "content_filter";
    answer refused;
    refused.message = {
        {"role", "assistant"}, {"content", nullptr}, {"refusal", "I cannot help with that."}
    };
    const std::vector<std::pair<reply, int>> forms{
        {refusal(400, {{"message", "no"}, {"code", "content_filter"}}), 400},
        {refusal(403, {{"message", "Your input was flagged for violence."}}), 502},
        {complete(filtered), 200},
        {complete(refused), 200},
    };

    for (const auto& [form, status] : forms) {
        s.models.next("a", form);
        const auto reply = chat(gateway, say(cascade_name));
        EXPECT_EQ(reply.status, status) << reply.body;
        EXPECT_EQ(tried(reply), "a");
    }
    EXPECT_EQ(s.models.call_count("b"), 0u);
}

TEST(cascade, steps_may_be_written_as_tables) {
    cascade_steps s;
    s.models.on("a", busy());
    const gateway_process gateway(
        config_text(s.models)
            .upstreams({"a", "b"})
            .raw("[profiles.tables]\ntype = \"cascade\"\nsteps = [{ use = \"a\" }, { use = \"b\" }]"
            )
    );

    EXPECT_EQ(winner(chat(gateway, say("tables"))), "b");
}

TEST(cascade, a_client_that_leaves_ends_the_step_and_starts_no_other) {
    cascade_steps s;
    s.models.on("a", hang());
    const gateway_process gateway(s.config());

    expect_leaving_ends_the_call(s.models, gateway, say(cascade_name));
}

TEST(cascade, its_record_tells_every_step) {
    cascade_steps s;
    s.models.on("a", busy());
    const gateway_process gateway(s.config());

    chat(gateway, say(cascade_name));

    const auto profile = get(gateway, "/v1/metrics/moa").json()["profiles"][cascade_name];
    EXPECT_EQ(profile["calls"], 1);
    EXPECT_EQ(profile["synth_decisions"], (json{{"later_step", 1}}));
    EXPECT_EQ(profile["failures_by_upstream"]["a"], (json{{"non_2xx", 1}}));
    EXPECT_EQ(profile["legs"]["a"]["states"], (json{{"failed", 1}}));
    EXPECT_EQ(profile["legs"]["b"]["states"], (json{{"done", 1}}));
    const auto metrics = get(gateway, "/metrics").body;
    EXPECT_NE(
        metrics.find("strategy=\"cascade\",status=\"2xx\",code=\"ok\"} 1"), std::string::npos
    );
}

}  // namespace

}  // namespace meta_model::contract
